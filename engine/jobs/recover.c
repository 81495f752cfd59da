/* recover: see recover.h. The folders are the list, not state.db: they come first. */
#include "engine/jobs/recover.h"

#include "base/file.h"
#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/jobs/daemon.h"
#include "engine/jobs/spool_retention.h"
#include "ingest/spool.h"
#include "outbox/journal/journal_lock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_BYTES_MAX ((size_t)64 << 20)

/* What state.db says of a job that is not over. */
struct open_job {
    bool open, paused;
    char spool_name[256];
};

static int look_up(const char *home, struct store *store, struct text id,
                   struct open_job *out, struct error *err)
{
    struct arena arena;
    struct store_job job;
    *out = (struct open_job){.open = true};
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    int found = store_job_get(store, id, &arena, &job, err);
    if (found == 1) {
        out->paused = job.state == JOB_PAUSED;
        /* The daemon's own wait in its spool, for their customers' hours for example. */
        bool waits = job.state == JOB_WAITING && !daemon_serves(home);
        out->open = out->paused || job.state == JOB_RUNNING || waits;
        snprintf(out->spool_name, sizeof(out->spool_name), "%.*s",
                 TEXT_ARGS(job.spool_name));
    }
    arena_fini(&arena);
    return found < 0 ? found : 0;
}

static int consider(const char *home, struct store *store, struct text id,
                    struct recover_jobs *jobs, struct error *err)
{
    struct open_job job;
    char dir[PATH_BYTES];
    if (!name_is_safe(id) || frozen_dir(home, id, dir, NULL))
        return 0;
    int rc = look_up(home, store, id, &job, err);
    if (rc || !job.open || !frozen_exists(home, id) || journal_lock_holder(dir))
        return rc;
    jobs->list = realloc(jobs->list, (jobs->count + 1) * sizeof(*jobs->list));
    CHECK(jobs->list != NULL);
    jobs->list[jobs->count++] =
        (struct recover_job){.id = text_copy(id), .paused = job.paused};
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct recover_job *)a)->id,
                  ((const struct recover_job *)b)->id);
}

int recover_find(const char *home, struct store *store, struct recover_jobs *out,
                 struct error *err)
{
    char outbox[PATH_BYTES];
    *out = (struct recover_jobs){0};
    int rc = path_join(outbox, home, TEXT("outbox"), err);
    if (rc)
        return rc;
    DIR *dir = opendir(outbox);
    if (!dir)
        return errno == ENOENT ? 0 : error_io(err, "cannot open the folder %s", outbox);
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir));)
        rc = consider(home, store, text_of(entry->d_name), out, err);
    closedir(dir);
    if (out->count > 1)
        qsort(out->list, out->count, sizeof(*out->list), compare_ids);
    return rc;
}

void recover_fini(struct recover_jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        free(jobs->list[i].id);
    free(jobs->list);
    *jobs = (struct recover_jobs){0};
}

/* --- into the spool --- */

static bool is_in(const char *home, enum spool_folder folder, struct text name)
{
    char path[PATH_BYTES];
    return name_is_safe(name) &&
           snprintf(path, sizeof(path), "%s/spool/%s/%.*s", home,
                    spool_folder_name(folder), TEXT_ARGS(name)) < PATH_BYTES &&
           file_exists(path);
}

bool recover_spooled(const char *home, struct text name)
{
    return is_in(home, SPOOL_ACTIVE, name) || is_in(home, SPOOL_INCOMING, name);
}

int recover_submit(const char *home, struct text id, struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES], name[160];
    snprintf(name, sizeof(name), "%.*s.json", TEXT_ARGS(id));
    struct buffer content = {0};
    int rc = frozen_dir(home, id, dir, err);
    if (rc == 0)
        rc = path_join(path, dir, TEXT("job.json"), err);
    if (rc == 0)
        rc = file_read(path, JOB_BYTES_MAX, &content, err);
    if (rc == 0)
        rc = spool_submit(home, name, buffer_view(&content), err);
    buffer_fini(&content);
    return rc;
}

static int bring_back(const char *home, struct store *store, struct text id,
                      struct error *err)
{
    struct open_job job;
    char name[160];
    int rc = look_up(home, store, id, &job, err);
    snprintf(name, sizeof(name), "%.*s.json", TEXT_ARGS(id));
    if (rc || recover_spooled(home, text_of(job.spool_name)) ||
        recover_spooled(home, text_of(name)))
        return rc;
    log_info("engine", "an interrupted job goes on", "job=%.*s", TEXT_ARGS(id));
    return recover_submit(home, id, err);
}

int recover_to_spool(const char *home, struct store *store, struct error *err)
{
    struct recover_jobs jobs;
    int rc = recover_find(home, store, &jobs, err);
    for (size_t i = 0; i < jobs.count && rc == 0; i++) {
        char folder[160];
        snprintf(folder, sizeof(folder), "outbox/%s", jobs.list[i].id);
        rc = spool_retention_temporaries(home, folder, err);
        if (rc == 0 && !jobs.list[i].paused)
            rc = bring_back(home, store, text_of(jobs.list[i].id), err);
    }
    recover_fini(&jobs);
    return rc;
}
