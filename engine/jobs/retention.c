/* retention: see retention.h. A folder that stays gets pruned.json first, durably: from then on nobody
 * takes a missing journal for damage, and what a crash left is removed by the next call. A folder that
 * goes is renamed to a name that is no job's, then removed. */
#include "engine/jobs/retention.h"

#include "base/clock.h"
#include "engine/job/frozen.h"
#include "engine/job/reached.h"
#include "ingest/spool.h"
#include "outbox/journal/journal_lock.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_FILE_BYTES_MAX ((size_t)64 << 20)
#define JOBS_BYTES         ((size_t)1 << 30)
#define GOING              ".pruned." /* what the name of a folder that goes begins with */

/* --- what must stay --- */

/* Ids of jobs that unfinished resends refer to. */
struct references {
    char **ids;
    size_t count;
};

static void references_fini(struct references *references)
{
    for (size_t i = 0; i < references->count; i++)
        free(references->ids[i]);
    free(references->ids);
}

static bool refers(const struct references *references, struct text id)
{
    for (size_t i = 0; i < references->count; i++) {
        if (text_is(id, references->ids[i]))
            return true;
    }
    return false;
}

/* add_reference: of a job file, which is somebody else's and may be anything. */
static void add_reference(struct references *references, const char *path)
{
    struct buffer content = {0};
    json_t *json = NULL;
    if (file_read(path, JOB_FILE_BYTES_MAX, &content, NULL) == 0 &&
        memmem(content.data, content.bytes, "resend", 6))
        json = json_loadb(content.data, content.bytes, 0, NULL);
    const char *id =
        json_string_value(json_object_get(json_object_get(json, "resend"), "job"));
    if (id) {
        references->ids =
            realloc(references->ids, (references->count + 1) * sizeof(char *));
        CHECK(references->ids != NULL);
        references->ids[references->count++] = text_copy(text_of(id));
    }
    json_decref(json);
    buffer_fini(&content);
}

static int add_spooled(struct references *references, const char *home,
                       enum spool_folder folder, struct error *err)
{
    char path[PATH_BYTES], file[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s/spool/%s", home, spool_folder_name(folder)) >=
        PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", path);
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return error_io(err, "cannot read the folder %s", path);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.' &&
            path_join(file, path, text_of(entry->d_name), NULL) == 0)
            add_reference(references, file);
    }
    closedir(dir);
    return 0;
}

static bool is_over(const struct store_job *job)
{
    return (job->state == JOB_FINISHED || job->state == JOB_CANCELLED) &&
           job->finished_ns > 0;
}

static int find_references(const char *home, const struct store_job *jobs, size_t count,
                           struct references *out, struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    for (size_t i = 0; i < count; i++) {
        if (!is_over(&jobs[i]) && frozen_dir(home, jobs[i].id, dir, NULL) == 0 &&
            path_join(path, dir, TEXT("job.json"), NULL) == 0 && file_exists(path))
            add_reference(out, path);
    }
    int rc = add_spooled(out, home, SPOOL_INCOMING, err);
    if (rc == 0)
        rc = add_spooled(out, home, SPOOL_ACTIVE, err);
    return rc ? rc : add_spooled(out, home, SPOOL_HOLD, err);
}

/* --- a job's folder --- */

static bool has(const char *dir, const char *name)
{
    char path[PATH_BYTES];
    return path_join(path, dir, text_of(name), NULL) == 0 && file_exists(path);
}

static bool has_inputs(const char *dir)
{
    return has(dir, "journal.0000") || has(dir, "snapshot.arrow") || has(dir, "template");
}

bool retention_pruned(const char *home, struct text id)
{
    char dir[PATH_BYTES];
    return frozen_dir(home, id, dir, NULL) == 0 && has(dir, "pruned.json");
}

/* is_input: one of those whose order does not matter; also what a crash left of pruned.json. */
static bool is_input(const char *name)
{
    bool journal = strncmp(name, "journal.", 8) == 0 && strcmp(name, "journal.0000") != 0;
    return journal || strcmp(name, "template") == 0 ||
           strcmp(name, REACHED_PLANNED) == 0 || strcmp(name, REACHED_ENDED) == 0 ||
           strncmp(name, "pruned.json.", 12) == 0;
}

static __thread uint64_t walked_bytes; /* nftw hands nothing on to its function */

static int measure_entry(const char *path, const struct stat *st, int kind,
                         struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    if (kind == FTW_F && st->st_nlink == 1)
        walked_bytes += (uint64_t)st->st_blocks * 512;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    return error_io(err, "cannot remove %s", path);
}

/* each_input: fn for what goes from a folder that stays: journal.0000 first, by which others see that
 * there is a journal, and snapshot.arrow last, by which the next call sees that something is left. */
static int each_input(const char *dir, int (*fn)(const char *path, struct error *err),
                      struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, dir, TEXT("journal.0000"), err);
    if (rc == 0)
        rc = fn(path, err);
    DIR *entries = rc ? NULL : opendir(dir);
    if (rc == 0 && !entries)
        rc = error_io(err, "cannot read the folder %s", dir);
    for (const struct dirent *entry; rc == 0 && (entry = readdir(entries));) {
        if (!is_input(entry->d_name))
            continue;
        rc = path_join(path, dir, text_of(entry->d_name), err);
        if (rc == 0)
            rc = fn(path, err);
    }
    if (entries)
        closedir(entries);
    if (rc == 0)
        rc = path_join(path, dir, TEXT("snapshot.arrow"), err);
    return rc ? rc : fn(path, err);
}

static int measure(const char *path, struct error *err)
{
    (void)err;
    (void)nftw(path, measure_entry, 16, FTW_PHYS);
    return 0;
}

static int mark_pruned(const char *dir, struct error *err)
{
    char path[PATH_BYTES], now[CLOCK_FORMAT_BYTES], content[CLOCK_FORMAT_BYTES + 16];
    int rc = path_join(path, dir, TEXT("pruned.json"), err);
    if (rc || file_exists(path))
        return rc;
    clock_format(clock_now_ns(), false, now);
    snprintf(content, sizeof(content), "{\"at\": \"%s\"}\n", now);
    return file_write(path, text_of(content), err);
}

static int remove_whole(const char *home, struct text id, const char *dir,
                        struct error *err)
{
    char going[PATH_BYTES];
    if (snprintf(going, sizeof(going), "%s/outbox/" GOING "%.*s", home, TEXT_ARGS(id)) >=
        PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", going);
    if (rename(dir, going))
        return error_io(err, "cannot rename %s to %s", dir, going);
    return remove_tree(going, err);
}

/* remove_left: folders that a crash left half removed. */
static int remove_left(const char *home, struct error *err)
{
    char outbox[PATH_BYTES], path[PATH_BYTES];
    int rc = path_join(outbox, home, TEXT("outbox"), err);
    DIR *dir = rc ? NULL : opendir(outbox);
    if (rc == 0 && !dir)
        return error_io(err, "cannot read the folder %s", outbox);
    for (const struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, GOING, sizeof(GOING) - 1) != 0)
            continue;
        rc = path_join(path, outbox, text_of(entry->d_name), err);
        if (rc == 0)
            rc = remove_tree(path, err);
    }
    if (dir)
        closedir(dir);
    return rc;
}

/* --- all jobs --- */

struct pruning {
    const char *home;
    const struct config *config;
    const struct retention *retention;
    int64_t now_ns;
    struct references references;
    void (*fn)(void *arg, const struct retention_job *job);
    void *arg;
};

/* may_go: but for what refers to it. */
static bool may_go(const struct pruning *p, const struct store_job *job)
{
    char dir[PATH_BYTES];
    if (!is_over(job) || job->finished_ns > p->now_ns - p->retention->older_than_ns)
        return false;
    if (p->config->frequency_cap.messages > 0 &&
        text_is(job->category, category_name(CATEGORY_MARKETING)) &&
        job->started_ns >= p->now_ns - p->config->frequency_cap.window_ns)
        return false;
    if (frozen_dir(p->home, job->id, dir, NULL))
        return false;
    return p->retention->results ? file_exists(dir)
                                 : has_inputs(dir) && has(dir, "results.arrow");
}

static int prune_job(struct pruning *p, const struct store_job *job, struct error *err)
{
    char dir[PATH_BYTES];
    int lock = -1;
    int rc = frozen_dir(p->home, job->id, dir, err);
    if (rc == 0)
        rc = journal_lock(dir, &lock, err);
    if (rc)
        return rc;
    walked_bytes = 0;
    rc = p->retention->results ? measure(dir, err) : each_input(dir, measure, err);
    if (rc == 0 && !p->retention->dry_run && p->retention->results)
        rc = remove_whole(p->home, job->id, dir, err);
    else if (rc == 0 && !p->retention->dry_run) {
        rc = mark_pruned(dir, err);
        if (rc == 0)
            rc = each_input(dir, remove_tree, err);
    }
    close(lock);
    if (rc == 0 && p->fn)
        p->fn(p->arg, &(struct retention_job){.id = job->id, .bytes = walked_bytes});
    return rc;
}

static int64_t prune_jobs(struct pruning *p, const struct store_job *jobs, size_t count,
                          struct error *err)
{
    bool looked = false;
    size_t pruned = 0, limit = p->retention->limit;
    for (size_t i = 0; i < count && (!limit || pruned < limit); i++) {
        int rc = 0;
        if (!may_go(p, &jobs[i]))
            continue;
        if (!looked) /* only where something may go at all */
            rc = find_references(p->home, jobs, count, &p->references, err);
        looked = true;
        if (rc == 0 && refers(&p->references, jobs[i].id))
            continue;
        if (rc == 0)
            rc = prune_job(p, &jobs[i], err);
        if (rc)
            return rc;
        pruned++;
    }
    return (int64_t)pruned;
}

int64_t retention_prune(const char *home, const struct config *config,
                        struct store *store, const struct retention *retention,
                        void (*fn)(void *arg, const struct retention_job *job), void *arg,
                        struct error *err)
{
    struct pruning p = {.home = home,
                        .config = config,
                        .retention = retention,
                        .now_ns = clock_now_ns(),
                        .fn = fn,
                        .arg = arg};
    struct arena arena;
    struct store_job *jobs = NULL;
    size_t count = 0;
    int64_t rc = retention->dry_run ? 0 : remove_left(home, err);
    if (rc == 0)
        rc = arena_init(&arena, JOBS_BYTES, err);
    if (rc)
        return rc;
    rc = store_jobs(store, &arena, &jobs, &count, err);
    if (rc == 0)
        rc = prune_jobs(&p, jobs, count, err);
    references_fini(&p.references);
    arena_fini(&arena);
    return rc;
}
