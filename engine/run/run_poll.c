/* run_poll: the control thread's side while a run goes: wishes from outside, the owner's notice, and
 * whether it is over. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/run/notice.h"
#include "engine/run/run_private.h"

#include <stdlib.h>

/* How often the store is asked for opt-outs and wishes; R10 and `cancel` promise a
 * second. */
#define LOOK_NS (200 * NS_PER_MS)

struct wish {
    struct loop_op op;
    struct run *run;
    void (*fn)(struct run *run);
    uint64_t hash;
    unsigned mask;
};

static void wish_here(struct loop_op *op, int64_t res, const char *data)
{
    (void)res;
    (void)data;
    struct wish *wish = op->arg;
    if (wish->fn)
        wish->fn(wish->run);
    else
        run_io_late_optout(wish->run, wish->hash, wish->mask);
    free(wish);
}

static void post(struct run *run, void (*fn)(struct run *run), uint64_t hash,
                 unsigned mask)
{
    struct wish *wish = calloc(1, sizeof(*wish));
    CHECK(wish != NULL);
    *wish = (struct wish){.run = run, .fn = fn, .hash = hash, .mask = mask};
    wish->op = (struct loop_op){.fn = wish_here, .arg = wish};
    loop_post(run->io.loop, &wish->op);
}

void run_pause(struct run *run)
{
    if (run->pausing)
        return;
    run->pausing = true;
    pipeline_stop(run->pipeline);
    post(run, run_io_pause, 0, 0);
}

void run_put_off(struct run *run)
{
    run->put_off = !run->pausing;
    run->told_until_ns = atomic_load(&run->io.dormant_until_ns);
    run_pause(run);
}

void run_cancel(struct run *run)
{
    if (run->cancelling)
        return;
    run->cancelling = true;
    pipeline_cancel(run->pipeline);
    post(run, run_io_cancel, 0, 0);
}

static void late_optout(void *arg, uint64_t hash, unsigned mask)
{
    post(arg, NULL, hash, mask);
}

static void look_outside(struct run *run)
{
    struct error err;
    struct arena arena;
    struct store_job job;
    if (clock_steady_ns() - run->looked_ns < LOOK_NS)
        return;
    run->looked_ns = clock_steady_ns();
    if (optout_changes(run->store, run->job->account.id, &run->job->optout_serial,
                       late_optout, run, &err))
        log_warn("engine", "cannot read opt-outs", "reason=\"%s\"", err.text);
    run_tell_dead(run);
    run_late_look(run);
    if (!run->asked)
        run_tell_waiting(run);
    if (!run->pausing && !run->cancelling &&
        account_blocked(run->store, run->job->account.id, run->blocked_because, NULL) ==
            1)
        run_pause(run);
    if (arena_init(&arena, (size_t)1 << 20, NULL))
        return;
    if (store_job_get(run->store, run->job->file.id, &arena, &job, NULL) == 1) {
        run->asked |=
            job.control == JOB_CONTROL_PAUSE || job.control == JOB_CONTROL_CANCEL;
        if (job.control == JOB_CONTROL_PAUSE)
            run_pause(run);
        else if (job.control == JOB_CONTROL_CANCEL)
            run_cancel(run);
    }
    arena_fini(&arena);
}

static int take_notice_here(void *arg)
{
    run_io_take_notice(arg);
    return 0;
}

/* settle_notice: once the allowance is used up, tell the owner. True when something was
 * started. */
static bool settle_notice(struct run *run)
{
    struct error err = {0};
    if (run->notice_settled || run->pausing || !pipeline_exhausted(run->pipeline))
        return false;
    run->notice_settled = true;
    int rc =
        notice_make(run->store, run->job, &run->quota, run->replay, &run->notice, &err);
    if (rc < 0)
        log_error("engine", "owner's notice not sent", "job=%.*s reason=\"%s\"",
                  TEXT_ARGS(run->job->file.id), err.text);
    if (rc <= 0)
        return false;
    /* Waited for: until the I/O thread has it, a run whose other messages are done looks quiet. */
    (void)!io_thread_call(run->thread, take_notice_here, run);
    return true;
}

static enum run_state judge(struct run *run)
{
    bool broken = atomic_load(&run->io.broken) || pipeline_failed(run->pipeline) ||
                  io_thread_failed(run->thread, NULL);
    if (broken && !run->pausing)
        run_pause(run);
    run->pausing |= atomic_load(&run->io.tripped);
    if (io_thread_failed(run->thread, NULL))
        return RUN_FAILED;
    /* Asked before the notice is settled: once quiet, the meter has decided everything. */
    bool quiet = atomic_load(&run->io.quiet);
    if (settle_notice(run) || !quiet)
        return RUN_GOING;
    if (broken)
        return RUN_FAILED;
    if (run->pausing)
        return RUN_PAUSED;
    return run->cancelling || (run->replay && run->replay->cancelled) ? RUN_CANCELLED
                                                                      : RUN_FINISHED;
}

enum run_state run_poll(struct run *run, int wait_ms)
{
    pthread_mutex_lock(&run->lock);
    if (!atomic_load(&run->io.quiet))
        run_wait_changed(run, wait_ms);
    pthread_mutex_unlock(&run->lock);
    look_outside(run);
    run->state = judge(run);
    run_tell_still(run);
    return run->state;
}
