/* spool_retention: see spool_retention.h. Nothing here is needed for a decision: state.db knows every id
 * and a template is copied anew where its shared copy is gone. */
#include "engine/jobs/spool_retention.h"

#include "base/clock.h"
#include "base/tree.h"
#include "engine/job/draft.h"
#include "ingest/spool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A shared template may be on its way into a job's folder for so long. */
#define TEMPLATE_NS (3600 * NS_PER_S)
/* Another process may write into spool/tmp right now; nobody needs so long. */
#define DRAFT_NS (3600 * NS_PER_S)

struct pruning {
    struct store *store;
    int64_t before_ns;
    bool dry_run;
    size_t limit; /* 0: none */
    size_t count;
    struct spool_pruned *out;
};

/* An entry of a folder. */
struct place {
    struct pruning *pruning; /* NULL: leftovers */
    const char *path, *name;
    struct stat st;
};

static int64_t changed_ns(const struct stat *st)
{
    return st->st_ctim.tv_sec * NS_PER_S + st->st_ctim.tv_nsec;
}

/* each: fn for what is in home's folder; fn returns 1 to go on, 0 to stop, or negative. */
static int each(const char *home, const char *folder, struct pruning *pruning,
                int (*fn)(const struct place *place, struct error *err),
                struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    int rc = path_join(dir, home, text_of(folder), err);
    DIR *entries = rc ? NULL : opendir(dir);
    if (rc || !entries)
        return rc || errno == ENOENT ? rc
                                     : error_io(err, "cannot read the folder %s", dir);
    rc = 1;
    for (const struct dirent *entry; rc == 1 && (entry = readdir(entries));) {
        struct place place = {.pruning = pruning, .path = path, .name = entry->d_name};
        bool there = entry->d_name[0] != '.' &&
                     path_join(path, dir, text_of(entry->d_name), NULL) == 0 &&
                     lstat(path, &place.st) == 0;
        if (there)
            rc = fn(&place, err);
    }
    closedir(entries);
    return rc < 0 ? rc : 0;
}

static int forget(const struct place *place, uint64_t *count, struct error *err)
{
    struct pruning *p = place->pruning;
    int rc = p->dry_run ? 0 : tree_remove(place->path, err);
    if (rc)
        return rc;
    p->out->bytes += (uint64_t)place->st.st_blocks * 512;
    (*count)++;
    p->count++;
    return !p->limit || p->count < p->limit;
}

/* is_over: the job of this status file; one that is not known is nobody's. Returns 1, 0 or negative. */
static int is_over(const struct pruning *p, const char *name, struct error *err)
{
    struct arena arena;
    struct store_job job;
    struct text id = text_of(name);
    size_t ending = strlen(".json");
    if (id.bytes <= ending || strcmp(name + id.bytes - ending, ".json") != 0)
        return 0;
    id.bytes -= ending;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = store_job_get(p->store, id, &arena, &job, err);
    if (rc >= 0)
        rc = rc == 0 || job.state == JOB_FINISHED || job.state == JOB_CANCELLED ||
             job.state == JOB_FAILED;
    arena_fini(&arena);
    return rc;
}

static int prune_done(const struct place *place, struct error *err)
{
    if (!S_ISREG(place->st.st_mode) || changed_ns(&place->st) > place->pruning->before_ns)
        return 1;
    return forget(place, &place->pruning->out->files, err);
}

static int prune_status(const struct place *place, struct error *err)
{
    if (!S_ISREG(place->st.st_mode) || changed_ns(&place->st) > place->pruning->before_ns)
        return 1;
    int over = is_over(place->pruning, place->name, err);
    return over <= 0 ? over + (over == 0)
                     : forget(place, &place->pruning->out->files, err);
}

/* is_used: a job has a link to one of the template's files; each job has one to every file. */
static bool is_used(const char *path)
{
    char inner[PATH_BYTES];
    bool used = false;
    DIR *entries = opendir(path);
    if (!entries)
        return true;
    for (const struct dirent *entry; !used && (entry = readdir(entries));) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        used = path_join(inner, path, text_of(entry->d_name), NULL) ||
               lstat(inner, &st) || (S_ISREG(st.st_mode) && st.st_nlink > 1);
    }
    closedir(entries);
    return used;
}

static int prune_template(const struct place *place, struct error *err)
{
    if (!S_ISDIR(place->st.st_mode) ||
        changed_ns(&place->st) > clock_now_ns() - TEMPLATE_NS || is_used(place->path))
        return 1;
    return forget(place, &place->pruning->out->templates, err);
}

int64_t spool_retention_prune(const char *home, struct store *store,
                              int64_t older_than_ns, bool dry_run, size_t limit,
                              struct spool_pruned *out, struct error *err)
{
    struct pruning p = {.store = store,
                        .before_ns = clock_now_ns() - older_than_ns,
                        .dry_run = dry_run,
                        .limit = limit,
                        .out = out};
    const struct {
        const char *folder;
        int (*fn)(const struct place *place, struct error *err);
    } steps[] = {{"spool/done", prune_done},
                 {"spool/status", prune_status},
                 {"outbox/.templates", prune_template}};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_COUNT(steps) && rc == 0; i++) {
        if (!limit || p.count < limit)
            rc = each(home, steps[i].folder, &p, steps[i].fn, err);
    }
    return rc ? rc : (int64_t)p.count;
}

/* --- leftovers --- */

/* is_temporary: what file_write was writing when its process died: `<name>.<pid>.tmp`. */
static bool is_temporary(const char *name)
{
    size_t bytes = strlen(name), ending = strlen(".tmp"), digits = 0;
    if (bytes <= ending || strcmp(name + bytes - ending, ".tmp") != 0)
        return false;
    for (size_t i = bytes - ending; i > 0 && name[i - 1] >= '0' && name[i - 1] <= '9';
         i--)
        digits++;
    return digits > 0 && digits + ending < bytes &&
           name[bytes - ending - digits - 1] == '.';
}

static int remove_temporary(const struct place *place, struct error *err)
{
    int rc = is_temporary(place->name) ? tree_remove(place->path, err) : 0;
    return rc ? rc : 1;
}

static int remove_old_temporary(const struct place *place, struct error *err)
{
    bool old = changed_ns(&place->st) < clock_now_ns() - DRAFT_NS;
    return old ? remove_temporary(place, err) : 1;
}

int spool_retention_temporaries(const char *home, const char *folder, struct error *err)
{
    return each(home, folder, NULL, remove_temporary, err);
}

int spool_retention_leftovers(const char *home, struct error *err)
{
    static const char *const ours[] = {"spool/status", "spool/failed"};
    static const char *const drafts[] = {"outbox", "outbox/.templates"};
    int rc = each(home, "spool/tmp", NULL, remove_old_temporary, err);
    for (size_t i = 0; i < ARRAY_COUNT(ours) && rc == 0; i++)
        rc = each(home, ours[i], NULL, remove_temporary, err);
    for (size_t i = 0; i < ARRAY_COUNT(drafts) && rc == 0; i++) {
        char path[PATH_BYTES];
        rc = path_join(path, home, text_of(drafts[i]), err);
        if (rc == 0)
            rc = draft_sweep(path, err);
    }
    return rc;
}
