/* halt: see halt.h. The mark and the jobs change in one transaction of state.db, in which the daemon
 * looks at the mark too: no job that it takes in meanwhile is missed, neither by begin nor by end. */
#include "engine/jobs/halt.h"

#include "base/file.h"
#include "engine/job/frozen.h"
#include "engine/jobs/recover.h"
#include "engine/results/status.h"
#include "ingest/spool.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define MARK       "spool/.paused"
#define JOBS_BYTES ((size_t)1 << 30)

bool halted(const char *home)
{
    char path[PATH_BYTES];
    return path_join(path, home, TEXT(MARK), NULL) == 0 && file_exists(path);
}

static int set_mark(const char *home, bool on, struct error *err)
{
    char path[PATH_BYTES], spool[PATH_BYTES];
    int rc = path_join(path, home, TEXT(MARK), err);
    if (rc == 0)
        rc = path_join(spool, home, TEXT("spool"), err);
    if (rc == 0)
        rc = spool_make(home, err);
    if (rc)
        return rc;
    if (on)
        return file_write(path, TEXT(""), err);
    if (unlink(path) && errno != ENOENT)
        return error_io(err, "cannot remove %s", path);
    return file_sync_dir(spool, err);
}

struct halt {
    const char *home;
    struct store *store;
    bool on, served, begun_too;
    int64_t count;
};

static int stop(struct halt *halt, const struct store_job *job, struct error *err)
{
    if (job->state == JOB_PAUSED && job->control == JOB_CONTROL_RESUME)
        return store_job_control(halt->store, job->id, JOB_CONTROL_NONE, err);
    if (job->state != JOB_RUNNING && job->state != JOB_WAITING)
        return 0;
    bool waits = job->state == JOB_WAITING && halt->served &&
                 recover_spooled(halt->home, job->spool_name);
    if (waits || status_running(halt->home, job))
        return job->control == JOB_CONTROL_CANCEL
                   ? 0
                   : store_job_control(halt->store, job->id, JOB_CONTROL_PAUSE, err);
    return store_job_state(halt->store, job->id, JOB_PAUSED, TEXT(HALT_REASON), err);
}

static int go_on(struct halt *halt, const struct store_job *job, struct error *err)
{
    if (job->state != JOB_PAUSED || job->control == JOB_CONTROL_CANCEL ||
        job->spool_name.bytes == 0 ||
        (!halt->begun_too && frozen_exists(halt->home, job->id)))
        return 0;
    halt->count++;
    return store_job_control(halt->store, job->id, JOB_CONTROL_RESUME, err);
}

static int each_job(struct halt *halt, struct error *err)
{
    struct arena arena;
    struct store_job *jobs;
    size_t count = 0;
    int rc = arena_init(&arena, JOBS_BYTES, err);
    if (rc)
        return rc;
    rc = store_jobs(halt->store, &arena, &jobs, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = halt->on ? stop(halt, &jobs[i], err) : go_on(halt, &jobs[i], err);
    arena_fini(&arena);
    return rc;
}

static int change(struct halt *halt, struct error *err)
{
    int rc = store_begin(halt->store, err);
    if (rc)
        return rc;
    rc = set_mark(halt->home, halt->on, err);
    if (rc == 0)
        rc = each_job(halt, err);
    return store_end(halt->store, rc, err);
}

int halt_begin(const char *home, struct store *store, bool served, struct error *err)
{
    struct halt halt = {.home = home, .store = store, .on = true, .served = served};
    return change(&halt, err);
}

int64_t halt_end(const char *home, struct store *store, bool begun_too, struct error *err)
{
    struct halt halt = {.home = home, .store = store, .begun_too = begun_too};
    int rc = change(&halt, err);
    return rc ? rc : halt.count;
}
