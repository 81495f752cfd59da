/* run: see run.h. The control thread's side: start, and how it is taken apart again. */
#include "engine/run/run.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/run/run_private.h"

#include <stdlib.h>
#include <time.h>

static int begin_segments(void *arg, uint64_t *left_out, struct error *err)
{
    return quota_job_begin(arg, left_out, err);
}

static int end_segments(void *arg, uint64_t taken, struct error *err)
{
    return quota_job_end(arg, taken, err);
}

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
        rc = quota_job_open(run->quota_store, job->config, &job->account, job->file.id,
                            job->now_ns, used, &run->segments, err);
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
    struct pipeline_config config = {
        .job = run->job,
        .workers = run->job->workers,
        .spread = run->spread,
        .replay = run->replay,
        .books = &books,
        .account = {begin_segments, end_segments, run->segments},
        .take = run_io_take,
        .arg = run};
    int rc = pipeline_start(&config, &run->pipeline, err);
    if (rc == 0 && run->replay && run->replay->cancelled)
        pipeline_cancel(run->pipeline);
    return rc;
}

void run_destroy(struct run *run)
{
    pipeline_destroy(&run->pipeline);
    spread_destroy(&run->spread);
    if (run->replay)
        replay_fini(run->replay);
    free(run->replay);
    batch_destroy(&run->notice);
    if (run->segments)
        (void)!quota_job_close(&run->segments, NULL);
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

static int close_here(void *arg)
{
    struct run *run = arg;
    if (run->io.journal)
        run_io_close(run, run->state == RUN_FINISHED ? JOURNAL_FINISHED : 0);
    else
        atomic_store(&run->io.closed, true);
    return 0;
}

void run_wait_changed(struct run *run, int wait_ms)
{
    struct timespec until; /* by the steady clock: the calendar may be set */
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ms * NS_PER_MS;
    until.tv_sec += ns / NS_PER_S;
    until.tv_nsec = ns % NS_PER_S;
    pthread_cond_timedwait(&run->changed, &run->lock, &until);
}

void run_close_journal(struct run *run)
{
    if (io_thread_call(run->thread, close_here, run))
        return;
    pthread_mutex_lock(&run->lock);
    while (!atomic_load(&run->io.closed) && !io_thread_failed(run->thread, NULL))
        run_wait_changed(run, 100);
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
            run_close_journal(run);
        run->job = NULL; /* stays the caller's */
        run_destroy(run);
        return rc;
    }
    *job = NULL;
    *out = run;
    return 0;
}
