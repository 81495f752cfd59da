/* run_end: the control thread's side when it is over: journal, quota, results, report. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "engine/results/report.h"
#include "engine/results/results.h"
#include "engine/run/run_private.h"

#include <stdio.h>
#include <stdlib.h>

static enum job_state state_of(enum run_state state)
{
    switch (state) {
    case RUN_FINISHED:
        return JOB_FINISHED;
    case RUN_CANCELLED:
        return JOB_CANCELLED;
    case RUN_PAUSED:
        return JOB_PAUSED;
    default:
        return JOB_FAILED;
    }
}

/* settle_quota: what was not sent is not charged. */
static int settle_quota(struct run *run, const struct results_summary *summary,
                        struct error *err)
{
    if (!run->segments)
        return 0;
    quota_job_refund(run->segments, summary->books.channels[CHANNEL_SMS].segments -
                                        summary->charged_segments);
    return quota_job_close(&run->segments, err);
}

/* write_report: summary is NULL while the job is only held. */
static int write_report(struct run *run, const struct run_progress *progress,
                        const struct results_summary *summary, struct error *err)
{
    struct arena arena;
    struct store_job stored = {0};
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = store_job_get(run->store, run->job->file.id, &arena, &stored, err);
    struct report report = {
        .job = run->job,
        .books = summary ? &summary->books : &progress->books,
        .state = state_of(run->state),
        .quota = &run->quota,
        .results = summary,
        .started_ns =
            stored.started_ns ? stored.started_ns : clock_now_ns() - progress->elapsed_ns,
        .finished_ns = summary ? clock_now_ns() : 0,
        .elapsed_ns = progress->elapsed_ns,
        .answered_before = progress->answered_before,
        .reason = summary ? TEXT_NONE : text_of(run->io.held_because)};
    if (rc >= 0)
        rc = report_write(run->dir, &report, err);
    arena_fini(&arena);
    return rc;
}

static int write_books(struct run *run, struct error *err)
{
    struct run_progress progress;
    struct results_summary summary;
    run_progress(run, &progress);
    int rc = results_write(run->dir, run->job, &summary, err);
    failpoint(FAILPOINT_END_RESULTS);
    if (rc == 0)
        rc = settle_quota(run, &summary, err);
    failpoint(FAILPOINT_END_QUOTA);
    char why[256];
    if (rc == 0 && !books_balanced(&summary.books, why, sizeof(why)))
        rc = error_set(err, ERROR_BUG, "the books of %.*s do not balance: %s",
                       TEXT_ARGS(run->job->file.id), why);
    if (rc == 0)
        rc = write_report(run, &progress, &summary, err);
    tally_fini(&summary.tally);
    return rc;
}

/* report_held: how far it came, for whoever looks into the folder. */
static int report_held(struct run *run, struct error *err)
{
    struct run_progress progress;
    run_progress(run, &progress);
    return write_report(run, &progress, NULL, err);
}

int run_close(struct run **ended, struct run_ending *out, struct error *err)
{
    struct run *run = *ended;
    struct error why = {0};
    pipeline_finish(run->pipeline);
    if (run->state != RUN_FINISHED && run->state != RUN_CANCELLED)
        pipeline_stop(run->pipeline);
    int rc = pipeline_wait(run->pipeline, &why);
    run_close_journal(run);
    failpoint(FAILPOINT_END_CLOSED);
    run_tell_dead(run);
    if (atomic_load(&run->io.broken) && rc == 0) {
        why = run->io.why;
        rc = -(int)why.kind;
    }
    if (rc == 0 && (run->state == RUN_FINISHED || run->state == RUN_CANCELLED))
        rc = write_books(run, &why);
    bool held = rc == 0 && run->state == RUN_PAUSED && run_held(run);
    if (held)
        rc = report_held(run, &why);
    if (rc)
        run->state = RUN_FAILED;
    failpoint(FAILPOINT_END_REPORT);
    bool blocked = rc == 0 && run->state == RUN_PAUSED && !held && run_blocked(run);
    bool put_off = rc == 0 && run->put_off && run->state == RUN_PAUSED && !held;
    struct run_progress progress;
    run_progress(run, &progress);
    *out = (struct run_ending){.state = put_off ? JOB_WAITING : state_of(run->state),
                               .held = rc == 0 && held,
                               .blocked = blocked,
                               .books = progress.books,
                               .elapsed_ns = progress.elapsed_ns,
                               .answered_before = progress.answered_before};
    if (put_off)
        run_tell_sentence(run, run->told_until_ns, out->reason);
    else
        snprintf(out->reason, sizeof(out->reason), "%s",
                 out->held ? run->io.held_because
                 : blocked ? run->blocked_because
                           : why.text);
    if (rc && err)
        *err = why;
    run_destroy(run);
    *ended = NULL;
    return rc;
}

int run_end(struct run **run, struct error *err)
{
    struct run_ending ending;
    struct error ignored;
    struct store *store = (*run)->store;
    char *id = text_copy((*run)->job->file.id);
    int rc = run_close(run, &ending, err);
    int recorded = store_job_state(store, text_of(id), ending.state,
                                   text_of(ending.reason), rc ? &ignored : err);
    failpoint(FAILPOINT_END_RECORDED);
    free(id);
    return rc ? rc : recorded;
}
