/* wishes: pause, resume and cancel, from other terminals (a control in state.db) and other systems (a
 * control file, which becomes one), see daemon_private.h. A job that runs looks for its wishes itself;
 * here are those of jobs that wait or are paused. */
#include "engine/jobs/daemon_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/jobs/recover.h"
#include "engine/state/account.h"
#include "ingest/control_file.h"

#include <stdio.h>

/* How often blocked accounts are looked for; `account block` promises a second or two. */
#define HOLD_NS    (500 * NS_PER_MS)
#define HOLD_BYTES ((size_t)16 << 20)

static struct backlog_job *job_of(const struct store_job *job)
{
    char name[160];
    snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(job->spool_name));
    return backlog_job_make(job->id, job->account, name, job->priority, job->send_at_ns);
}

/* end_waiting: out of the backlog, into hold or done. */
static int end_waiting(struct daemon *d, struct backlog_job *job, enum job_state state,
                       struct error *err)
{
    struct filed *filed =
        daemon_file(d, job, state == JOB_PAUSED ? FILED_HOLD : FILED_DONE, state);
    filed->from = SPOOL_ACTIVE;
    return store_job_state(d->store, text_of(job->id), state, TEXT(""), err);
}

/* unhold: from hold back to the backlog. The file moves first: a crash in between leaves the wish, and
 * a file that is held again. */
static void unhold(struct daemon *d, const struct store_job *job, bool cancel)
{
    struct backlog_job *again = job_of(job);
    again->cancel = cancel;
    if (cancel) {
        again->priority = PRIORITY_HIGH;
        again->due_ns = 0;
    }
    daemon_move(d, again->name, SPOOL_HOLD, SPOOL_ACTIVE);
    struct filed *filed = daemon_file(d, again, FILED_WAITS, JOB_WAITING);
    filed->from = SPOOL_ACTIVE;
}

/* go_on: a job that was paused in a terminal has no file in hold, and comes in once more. */
static int go_on(struct daemon *d, const struct store_job *job, bool cancel,
                 struct error *err)
{
    int rc = 0;
    if (spool_has(d->spool, SPOOL_HOLD, job->spool_name))
        unhold(d, job, cancel);
    else
        rc = recover_submit(d->home, job->id, err);
    if (rc == 0)
        rc = store_job_state(d->store, job->id, JOB_WAITING, TEXT(""), err);
    return rc || cancel ? rc
                        : store_job_control(d->store, job->id, JOB_CONTROL_NONE, err);
}

static int of_paused(struct daemon *d, const struct store_job *job, struct error *err)
{
    bool spooled = job->spool_name.bytes > 0;
    bool begun = frozen_exists(d->home, job->id);
    bool can = begun || spool_has(d->spool, SPOOL_HOLD, job->spool_name);
    if (spooled && can && job->control == JOB_CONTROL_RESUME)
        return go_on(d, job, false, err);
    if (spooled && begun && job->control == JOB_CONTROL_CANCEL)
        return go_on(d, job, true, err);
    if (job->control != JOB_CONTROL_CANCEL || begun)
        return store_job_control(d->store, job->id, JOB_CONTROL_NONE, err);
    if (spooled) {
        struct filed *filed = daemon_file(d, job_of(job), FILED_DONE, JOB_CANCELLED);
        filed->from = SPOOL_HOLD;
    }
    return store_job_state(d->store, job->id, JOB_CANCELLED, TEXT(""), err);
}

static int of_waiting(struct daemon *d, const struct store_job *job, struct error *err)
{
    if (job->control == JOB_CONTROL_RESUME)
        return store_job_control(d->store, job->id, JOB_CONTROL_NONE, err);
    bool known;
    struct backlog_job *waiting = slots_take(d->slots, job->id, &known);
    if (!waiting) /* just starting: then it looks itself; or not taken in yet */
        return 0;
    if (job->control == JOB_CONTROL_PAUSE)
        return end_waiting(d, waiting, JOB_PAUSED, err);
    if (!frozen_exists(d->home, job->id))
        return end_waiting(d, waiting, JOB_CANCELLED, err);
    waiting->cancel = true;
    waiting->due_ns = 0;
    waiting->priority = PRIORITY_HIGH;
    daemon_file(d, waiting, FILED_WAITS, JOB_WAITING);
    return 0;
}

static int fulfil(struct daemon *d, const struct store_job *job, struct error *err)
{
    switch (job->state) {
    case JOB_PAUSED:
        return of_paused(d, job, err);
    case JOB_WAITING:
        return of_waiting(d, job, err);
    case JOB_RUNNING:
        return job->control == JOB_CONTROL_RESUME
                   ? store_job_control(d->store, job->id, JOB_CONTROL_NONE, err)
                   : 0;
    default:
        return store_job_control(d->store, job->id, JOB_CONTROL_NONE, err);
    }
}

/* --- control files --- */

static int set_control(struct daemon *d, const struct control_file *file,
                       struct error *why, struct error *err)
{
    static const enum job_control controls[] = {[CONTROL_PAUSE] = JOB_CONTROL_PAUSE,
                                                [CONTROL_RESUME] = JOB_CONTROL_RESUME,
                                                [CONTROL_CANCEL] = JOB_CONTROL_CANCEL};
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = store_job_get(d->store, text_of(file->job), &arena, &job, err);
    enum job_state state = rc == 1 ? job.state : JOB_STATE_COUNT;
    arena_fini(&arena);
    if (rc == 0)
        error_set(why, ERROR_INPUT, "job \"%s\" is not known", file->job);
    else if (state == JOB_FINISHED || state == JOB_CANCELLED)
        error_set(why, ERROR_INPUT, "job \"%s\" is already %s", file->job,
                  job_state_name(state));
    else if (rc == 1)
        rc = store_job_control(d->store, text_of(file->job), controls[file->wish], err);
    return rc < 0 ? rc : 0;
}

int wishes_control(struct daemon *d, const char *name, struct text content,
                   enum spool_folder from, bool last, struct error *err)
{
    struct control_file file;
    struct error why = {0};
    if (control_file_parse(content, name, &file, &why) == 0) {
        int rc = set_control(d, &file, &why, err);
        if (rc)
            return rc;
    }
    if (why.text[0] && !last) /* the job may be in the spool still */
        return 0;
    struct filed *filed =
        daemon_file(d, backlog_job_make(text_of(file.job), TEXT(""), name, 0, 0),
                    FILED_CONTROL, JOB_WAITING);
    filed->from = from;
    filed->taken_in = true;
    filed->why = why;
    return 0;
}

int wishes_record(struct daemon *d, struct error *err)
{
    struct buffer content = {0};
    const char *name;
    int rc;
    while ((rc = spool_control(d->spool, &name, &content, err)) == 1) {
        rc = wishes_control(d, name, buffer_view(&content), SPOOL_INCOMING, false, err);
        if (rc)
            break;
    }
    buffer_fini(&content);
    struct arena arena;
    struct store_job *jobs;
    size_t count = 0;
    if (rc == 0)
        rc = arena_init(&arena, (size_t)64 << 20, err);
    if (rc)
        return rc;
    rc = store_wishes(d->store, &arena, &jobs, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fulfil(d, &jobs[i], err);
    arena_fini(&arena);
    return rc;
}

void wishes_hold(struct daemon *d)
{
    struct arena arena;
    struct text *accounts;
    struct error err;
    size_t count;
    if (clock_steady_ns() - d->hold_ns < HOLD_NS || arena_init(&arena, HOLD_BYTES, NULL))
        return;
    d->hold_ns = clock_steady_ns();
    if (account_list_blocked(d->store, &arena, &accounts, &count, &err))
        log_warn("engine", "cannot read which accounts are blocked", "reason=\"%s\"",
                 err.text);
    else
        slots_hold(d->slots, accounts, count);
    arena_fini(&arena);
}
