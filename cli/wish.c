/* wish: see wish.h. */
#include "cli/wish.h"

#include "engine/jobs/daemon.h"
#include "engine/results/status.h"
#include "engine/run/run.h"

#include <time.h>

/* How long to wait for the process that has the job to do it, and once it has stopped, for its books. */
#define PATIENCE_MS 10000
#define BOOKS_MS    700
#define LOOK_MS     20

int wish_look(struct store *store, struct text id, struct arena *arena,
              struct store_job *job, struct error *err)
{
    arena_reset(arena);
    int found = store_job_get(store, id, arena, job, err);
    if (found == 0)
        return error_set(err, ERROR_INPUT,
                         "job \"%.*s\" is not known (see `volley jobs`)", TEXT_ARGS(id));
    return found < 0 ? found : 0;
}

/* has: somebody who fulfils wishes has the job. */
static bool has(const char *home, const struct store_job *job)
{
    bool spooled = job->spool_name.bytes > 0 &&
                   (job->state == JOB_WAITING || job->state == JOB_PAUSED);
    return status_running(home, job) || (spooled && daemon_serves(home));
}

static bool fulfilled(const struct store_job *job, enum job_control control)
{
    bool going = job->state == JOB_RUNNING || job->state == JOB_WAITING;
    bool undecided = going || (control == JOB_CONTROL_CANCEL && job->state == JOB_PAUSED);
    return job->control == JOB_CONTROL_NONE &&
           (control == JOB_CONTROL_RESUME || !undecided);
}

/* stopped: nothing more of it goes out. */
static bool stopped(const struct store_job *job, enum job_control control)
{
    return job->state == JOB_RUNNING && job->control == control &&
           text_is(job->reason, RUN_STOPPED);
}

static int wait_for(const char *home, struct store *store, struct text id,
                    enum job_control control, struct arena *arena, struct error *err)
{
    struct store_job job;
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += LOOK_MS) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
        int rc = wish_look(store, id, arena, &job, err);
        if (rc || fulfilled(&job, control))
            return rc;
        if (stopped(&job, control) && waited_ms >= BOOKS_MS)
            return WISH_STOPPED;
        if (!has(home, &job)) /* who had it has paused it meanwhile, or is dead */
            return WISH_NOBODY;
    }
    return error_set(err, ERROR_AGAIN, "job \"%.*s\" has not reacted yet; it will",
                     TEXT_ARGS(id));
}

int wish_ask(const char *home, struct store *store, struct text id,
             enum job_control control, struct error *err)
{
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = wish_look(store, id, &arena, &job, err);
    if (rc == 0 && (job.state == JOB_FINISHED || job.state == JOB_CANCELLED))
        rc = error_set(err, ERROR_INPUT, "job \"%.*s\" is already %s", TEXT_ARGS(id),
                       job_state_name(job.state));
    else if (rc == 0 && control == JOB_CONTROL_PAUSE && job.state == JOB_PAUSED)
        rc = WISH_NOBODY;
    else if (rc == 0 && !has(home, &job))
        rc = WISH_NOBODY;
    if (rc == 0)
        rc = store_job_control(store, id, control, err);
    if (rc == 0)
        rc = wait_for(home, store, id, control, &arena, err);
    arena_fini(&arena);
    return rc;
}
