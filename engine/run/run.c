/* run: see run.h. The control thread's side: start, wishes from outside, end. */
#include "engine/run/run.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/run/notice.h"
#include "engine/results/report.h"
#include "engine/results/results.h"
#include "engine/run/run_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How often the store is asked for opt-outs and wishes; R10 and `cancel` promise a
 * second. */
#define LOOK_NS (200 * NS_PER_MS)

static int grant(void *arg, uint64_t segments, struct error *err)
{
    struct run *run = arg;
    return quota_grant(run->lease, segments, err);
}

/* How often the store is told how many messages wait for their customers' hours. */
#define TELL_NS (10 * NS_PER_S)

/* --- start --- */

static int read_journal(struct run *run, struct error *err)
{
    if (!replay_exists(run->dir))
        return 0;
    run->replay = calloc(1, sizeof(*run->replay));
    CHECK(run->replay != NULL);
    struct run_dead_journal dead;
    struct replay_visitor visitor = run_dead_visitor(&dead);
    int rc = replay_read(run->dir, &visitor, run->replay, err);
    int recovered = run_dead_recover(&run->dead, &dead, run->job, rc ? NULL : err);
    rc = rc ? rc : recovered;
    for (int c = 0; rc == 0 && c < CHANNEL_COUNT; c++) {
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            run->done_before += run->replay->outcomes[c][o];
    }
    return rc;
}

static void replayed_books(const struct run *run, struct books *out)
{
    *out = (struct books){0};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        out->channels[c].named = job_names(run->job, (enum channel)c);
    if (!run->replay)
        return;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        uint64_t matched = 0;
        for (int d = DISPOSITION_SEND; d < DISPOSITION_COUNT; d++) {
            out->channels[c].dispositions[d] = run->replay->counts[c][d];
            matched += run->replay->counts[c][d];
        }
        if (out->channels[c].named)
            out->matched = matched;
    }
    out->channels[CHANNEL_SMS].segments = run->replay->sms_segments;
}

static int open_quota(struct run *run, const char *home, struct error *err)
{
    const struct job *job = run->job;
    uint64_t used = run->replay ? run->replay->sms_segments : 0;
    if (!job_uses(job, CHANNEL_SMS))
        return 0;
    int rc = store_open(home, false, &run->quota_store, err);
    if (rc == 0)
        rc = quota_lease_open(run->quota_store, job->config, &job->account, job->file.id,
                              job->now_ns, used, &run->lease, err);
    if (rc == 0)
        rc = quota_read(run->quota_store, job->config, &job->account, job->now_ns,
                        &run->quota, err);
    if (rc == 0) /* before this job, as `plan` says it */
        run->quota.used -= used < run->quota.used ? used : run->quota.used;
    return rc;
}

/* decided_prefix: decisions are appended in chunk order, so the decided chunks are the
 * first ones. */
static size_t decided_prefix(const struct run *run)
{
    size_t chunk = 0;
    while (chunk < run->replay->chunk_count &&
           bitmap_get(run->replay->chunks_decided, chunk))
        chunk++;
    return chunk;
}

struct opening {
    struct run *run;
    struct error *err;
};

static int open_here(void *arg)
{
    struct opening *opening = arg;
    return run_io_open(opening->run, opening->err);
}

static int start_pipeline(struct run *run, struct error *err)
{
    struct books books;
    replayed_books(run, &books);
    struct pipeline_config config = {.job = run->job,
                                     .workers = run->job->workers,
                                     .spread = run->spread,
                                     .replay = run->replay,
                                     .books = &books,
                                     .grant = grant,
                                     .take = run_io_take,
                                     .arg = run};
    int rc = pipeline_start(&config, &run->pipeline, err);
    if (rc == 0 && run->replay && run->replay->cancelled)
        pipeline_cancel(run->pipeline);
    return rc;
}

static void destroy(struct run *run)
{
    pipeline_destroy(&run->pipeline);
    spread_destroy(&run->spread);
    if (run->replay)
        replay_fini(run->replay);
    free(run->replay);
    batch_destroy(&run->notice);
    if (run->lease)
        (void)!quota_lease_close(&run->lease, NULL);
    if (run->quota_store)
        store_close(&run->quota_store);
    for (int c = 0; c < CHANNEL_COUNT; c++)
        dedupe_fini(&run->io.late_optouts[c]);
    for (struct intending *i = run->io.intending_free, *next; i; i = next) {
        next = i->next;
        free(i);
    }
    waiting_fini(&run->io.waiting);
    auto_hold_fini(&run->io.hold);
    run_dead_fini(&run->dead);
    job_close(&run->job);
    pthread_mutex_destroy(&run->lock);
    pthread_cond_destroy(&run->changed);
    free(run->dir);
    free(run);
}

/* close_journal: the journal, on the I/O thread, and wait for it. */
static int close_here(void *arg)
{
    struct run *run = arg;
    if (run->io.journal)
        run_io_close(run, run->state == RUN_FINISHED ? JOURNAL_FINISHED : 0);
    else
        atomic_store(&run->io.closed, true);
    return 0;
}

static void wait_changed(struct run *run, int wait_ms)
{
    struct timespec until; /* by the steady clock: the calendar may be set */
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ms * NS_PER_MS;
    until.tv_sec += ns / NS_PER_S;
    until.tv_nsec = ns % NS_PER_S;
    pthread_cond_timedwait(&run->changed, &run->lock, &until);
}

static void close_journal(struct run *run)
{
    if (io_thread_call(run->thread, close_here, run))
        return;
    pthread_mutex_lock(&run->lock);
    while (!atomic_load(&run->io.closed) && !io_thread_failed(run->thread, NULL))
        wait_changed(run, 100);
    pthread_mutex_unlock(&run->lock);
}

int run_start(struct io_thread *thread, struct store *store, const char *dir,
              struct job **job, struct run **out, struct error *err)
{
    struct run *run = calloc(1, sizeof(*run));
    CHECK(run != NULL);
    run->thread = thread;
    run->store = store;
    run->dir = text_copy(text_of(dir));
    run->job = *job;
    run->started_steady_ns = clock_steady_ns();
    run->io.loop = io_thread_loop(thread);
    run->io.dispatch = io_thread_dispatch(thread);
    run->io.chunks = snapshot_chunks(run->job->snapshot);
    if (run->job->file.expires_at_ns)
        run->io.expires_ns =
            run->job->file.expires_at_ns - clock_now_ns() + run->started_steady_ns;
    pthread_mutex_init(&run->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &steady);
    pthread_condattr_destroy(&steady);
    run_dead_init(&run->dead);
    struct opening opening = {run, err};
    int rc = read_journal(run, err);
    if (rc == 0)
        rc = open_quota(run, run->job->config->home, err);
    if (rc == 0 && run->replay)
        run->io.next_chunk = decided_prefix(run);
    if (rc == 0)
        rc = spread_create(run->job, &run->spread, err);
    if (rc == 0)
        rc = io_thread_call(thread, open_here, &opening);
    if (rc == 0)
        rc = start_pipeline(run, err);
    if (rc) {
        if (run->io.journal)
            close_journal(run);
        run->job = NULL; /* stays the caller's */
        destroy(run);
        return rc;
    }
    *job = NULL;
    *out = run;
    return 0;
}

/* --- while it goes --- */

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

/* write_dead: addresses that turned out dead. What cannot be written now is tried again, at the
 * latest when somebody resumes the job. */
static void write_dead(struct run *run)
{
    struct error err;
    if (run_dead_write(&run->dead, run->store, run->job->account.id, &err))
        log_warn("engine", "cannot record dead addresses", "reason=\"%s\"", err.text);
}

/* waiting_sentence: for `show`, so that nobody thinks that the job hangs. */
static void waiting_sentence(struct run *run, int64_t until_ns, char out[160])
{
    char when[CLOCK_FORMAT_BYTES];
    clock_format(until_ns, false, when);
    snprintf(out, 160, "%" PRIu64 " messages wait for their %s, the next until %s",
             atomic_load(&run->io.dormant_messages),
             run->spread ? "turn in spread_over" : "customers' hours", when);
}

/* tell_waiting: into the store, where other processes see it. */
static void tell_waiting(struct run *run)
{
    int64_t until_ns = atomic_load(&run->io.dormant_until_ns);
    int64_t now_ns = clock_steady_ns();
    bool stale = (until_ns || run->told_late) && now_ns - run->told_ns > TELL_NS;
    bool late = atomic_load(&run->late.ends_ns) != 0;
    bool changed = until_ns != run->told_until_ns;
    if (run->spread) /* whose next slot is always another one */
        changed = !until_ns != !run->told_until_ns;
    if (!changed && !stale && late == run->told_late)
        return;
    char sentence[RUN_LATE_BYTES + 162], waiting[160] = "";
    struct error err;
    if (until_ns)
        waiting_sentence(run, until_ns, waiting);
    run_late_sentence(run, sentence);
    size_t used = strlen(sentence);
    snprintf(sentence + used, sizeof(sentence) - used, "%s%s",
             used && *waiting ? "; " : "", waiting);
    if (store_job_state(run->store, run->job->file.id, JOB_RUNNING, text_of(sentence),
                        &err))
        log_warn("engine", "cannot record what the job waits for", "reason=\"%s\"",
                 err.text);
    run->told_late = late;
    run->told_until_ns = until_ns;
    run->told_ns = now_ns;
}

/* tell_still: to whoever asked the run to stop. Its books may take a while. */
static void tell_still(struct run *run)
{
    struct error err;
    if (!run->asked || run->told_still || !atomic_load(&run->io.still))
        return;
    run->told_still = true;
    if (store_job_state(run->store, run->job->file.id, JOB_RUNNING, TEXT(RUN_STOPPED),
                        &err))
        log_warn("engine", "cannot record that the job has stopped", "reason=\"%s\"",
                 err.text);
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
    write_dead(run);
    run_late_look(run);
    if (!run->asked)
        tell_waiting(run);
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
        wait_changed(run, wait_ms);
    pthread_mutex_unlock(&run->lock);
    look_outside(run);
    run->state = judge(run);
    tell_still(run);
    return run->state;
}

void run_progress(struct run *run, struct run_progress *out)
{
    *out = (struct run_progress){.quota = run->quota,
                                 .chunks_settled = pipeline_settled(run->pipeline),
                                 .chunks = run->io.chunks,
                                 .rows = snapshot_rows(run->job->snapshot),
                                 .elapsed_ns = clock_steady_ns() - run->started_steady_ns,
                                 .answered_before = run->done_before};
    /* Outcomes first: a message's decision is always counted before its outcome. */
    uint64_t outcomes[CHANNEL_COUNT][OUTCOME_COUNT];
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (int o = 0; o < OUTCOME_COUNT; o++)
            outcomes[c][o] = atomic_load(&run->io.outcomes[c][o]);
    }
    pipeline_books(run->pipeline, &out->books);
    for (int c = 0; c < CHANNEL_COUNT; c++)
        memcpy(out->books.channels[c].outcomes, outcomes[c], sizeof(outcomes[c]));
    pipeline_stages(run->pipeline, &out->stages);
    out->late_ends_ns = atomic_load(&run->late.ends_ns);
    out->waiting = atomic_load(&run->io.dormant_messages);
    out->waiting_until_ns = atomic_load(&run->io.dormant_until_ns);
}

int64_t run_waits_until_ns(const struct run *run)
{
    bool going = run->state == RUN_GOING && !run->pausing && !run->cancelling;
    return going ? atomic_load(&run->io.asleep_until_ns) : 0;
}

uint64_t run_progress_planned(const struct run_progress *progress)
{
    uint64_t planned = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        const struct books_channel *channel = &progress->books.channels[c];
        planned += channel->dispositions[DISPOSITION_SEND] +
                   channel->dispositions[DISPOSITION_FROM_FALLBACK];
    }
    return planned;
}

double run_progress_share(const struct run_progress *progress)
{
    uint64_t planned = run_progress_planned(progress);
    uint64_t pending = books_total(&progress->books, OUTCOME_PENDING);
    double selected = progress->chunks
                          ? (double)progress->chunks_settled / (double)progress->chunks
                          : 1;
    return planned && selected > 0
               ? (double)(planned - pending) / (double)planned * selected
               : selected;
}

const char *run_state_name(const struct run *run)
{
    if (run->state != RUN_GOING)
        return "ending";
    return run->cancelling ? "cancelling" : run->pausing ? "pausing" : "running";
}

const char *run_held(const struct run *run)
{
    return atomic_load(&run->io.tripped) ? run->io.held_because : NULL;
}

const struct job *run_job(const struct run *run)
{
    return run->job;
}

/* --- end --- */

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
    if (!run->lease)
        return 0;
    quota_lease_refund(run->lease, summary->books.channels[CHANNEL_SMS].segments -
                                       summary->charged_segments);
    return quota_lease_close(&run->lease, err);
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
    close_journal(run);
    failpoint(FAILPOINT_END_CLOSED);
    write_dead(run);
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
    bool put_off = rc == 0 && run->put_off && run->state == RUN_PAUSED && !held;
    struct run_progress progress;
    run_progress(run, &progress);
    *out = (struct run_ending){.state = put_off ? JOB_WAITING : state_of(run->state),
                               .held = rc == 0 && held,
                               .books = progress.books,
                               .elapsed_ns = progress.elapsed_ns,
                               .answered_before = progress.answered_before};
    if (put_off)
        waiting_sentence(run, run->told_until_ns, out->reason);
    else
        snprintf(out->reason, sizeof(out->reason), "%s",
                 out->held ? run->io.held_because : why.text);
    if (rc && err)
        *err = why;
    destroy(run);
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
