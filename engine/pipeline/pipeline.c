/* pipeline: see pipeline.h. One mutex guards the pool, the claims and the turn; it is
 * taken a few times per chunk of thousands of rows, never per row. */
#include "engine/pipeline/pipeline.h"

#include "base/bitmap.h"
#include "engine/pipeline/compose.h"
#include "engine/pipeline/meter.h"
#include "engine/pipeline/select.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pipeline {
    struct pipeline_config config;
    pthread_t *threads;
    unsigned thread_count;
    _Atomic unsigned next_worker; /* its number in stages */
    struct stages *stages;
    struct batch **batches; /* all of them */
    size_t batch_count;

    pthread_mutex_t lock;
    pthread_cond_t work; /* a batch came back, redos came, or it is over */
    pthread_cond_t turn; /* the meter moved on */
    struct batch *free;
    size_t chunks;
    size_t next_chunk; /* to be claimed */
    size_t settled;    /* chunks below are metered; equals whose turn it is */
    struct redo *redos;
    size_t redo_count, redo_capacity;
    bool finishing, stopping, cancelled;
    int rc;
    struct error err;
    struct meter meter; /* whose turn it is owns it; what others may see of it is below */
    struct books books;
    bool exhausted;
    uint64_t ucs2_texts;
    char ucs2_culprit[8];
    struct waits waits;
};

struct worker {
    struct pipeline *pipeline;
    unsigned number;
    struct snapshot_cursor *cursor;
    struct select *select;
    struct compose *compose;
    struct opening *opening; /* plan only; NULL: nothing has to wait */
    struct waits waits;      /* of this worker */
};

static void enter(const struct worker *w, enum stage stage)
{
    stages_enter(w->pipeline->stages, w->number, stage);
}

/* --- claims --- */

enum claim { CLAIM_NOTHING, CLAIM_CHUNK, CLAIM_REDO };

struct work {
    enum claim claim;
    struct batch *batch;
    size_t chunk;
    struct redo *redos; /* in the batch's arena */
    size_t redo_count;
};

/* take_redos: the entries at the end of the list that share one chunk. */
static void take_redos(struct pipeline *p, struct work *work)
{
    const struct snapshot *snapshot = p->config.job->snapshot;
    size_t first = p->redo_count - 1;
    work->chunk = snapshot_chunk_of_row(snapshot, p->redos[first].row);
    while (first > 0 &&
           snapshot_chunk_of_row(snapshot, p->redos[first - 1].row) == work->chunk)
        first--;
    work->redo_count = p->redo_count - first;
    work->redos =
        arena_alloc(&work->batch->arena, work->redo_count * sizeof(*work->redos));
    CHECK(work->redos != NULL);
    memcpy(work->redos, p->redos + first, work->redo_count * sizeof(*work->redos));
    p->redo_count = first;
}

static struct work claim(const struct worker *w)
{
    struct pipeline *p = w->pipeline;
    struct work work = {.claim = CLAIM_NOTHING};
    pthread_mutex_lock(&p->lock);
    for (;;) {
        bool chunks_left = p->next_chunk < p->chunks;
        bool over =
            p->stopping || p->rc ||
            (!chunks_left && p->redo_count == 0 && (p->finishing || p->config.plan_only));
        if (over)
            break;
        /* The last batch is kept for redos: all others may be waiting for just those. */
        bool spare = p->free && (p->free->next || p->config.plan_only);
        if (p->free && (p->redo_count > 0 || (chunks_left && spare))) {
            work.batch = p->free;
            p->free = work.batch->next;
            batch_reset(work.batch);
            work.claim = p->redo_count > 0 ? CLAIM_REDO : CLAIM_CHUNK;
            if (work.claim == CLAIM_REDO)
                take_redos(p, &work);
            else
                work.chunk = p->next_chunk++;
            break;
        }
        enter(w, p->redo_count > 0 || chunks_left ? STAGE_POOL : STAGE_IDLE);
        pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return work;
}

static void fail(struct pipeline *p, int rc, const struct error *err)
{
    pthread_mutex_lock(&p->lock);
    if (p->rc == 0) {
        p->rc = rc;
        p->err = *err;
    }
    pthread_cond_broadcast(&p->work);
    pthread_cond_broadcast(&p->turn);
    pthread_mutex_unlock(&p->lock);
}

/* --- one chunk --- */

/* wait_turn: from here to end_turn the meter belongs to the caller; false when another
 * worker failed before. The meter may ask the database, so it does not run under the
 * lock. */
static bool wait_turn(const struct worker *w, size_t chunk)
{
    struct pipeline *p = w->pipeline;
    enter(w, STAGE_TURN);
    pthread_mutex_lock(&p->lock);
    while (p->settled != chunk && p->rc == 0)
        pthread_cond_wait(&p->turn, &p->lock);
    bool ours = p->rc == 0;
    if (ours)
        p->meter.free_of_charge = p->cancelled;
    pthread_mutex_unlock(&p->lock);
    enter(w, STAGE_METER);
    return ours;
}

static void end_turn(const struct worker *w, const struct batch *batch)
{
    struct pipeline *p = w->pipeline;
    pthread_mutex_lock(&p->lock);
    if (p->ucs2_texts == 0)
        memcpy(p->ucs2_culprit, batch->ucs2_culprit, sizeof(p->ucs2_culprit));
    p->ucs2_texts += batch->ucs2_texts;
    p->books = p->meter.books;
    p->exhausted = p->meter.exhausted;
    p->settled++;
    pthread_cond_broadcast(&p->turn);
    pthread_mutex_unlock(&p->lock);
    enter(w, STAGE_RENDER);
}

static int encode(struct batch *batch, struct error *err)
{
    size_t rows = batch->chunk.rows,
           most = bitmap_count(batch->selected, rows) * CHANNEL_COUNT;
    struct journal_decision *decisions =
        arena_alloc(&batch->arena, (most + 1) * sizeof(*decisions));
    size_t count = 0;
    for (size_t r = bitmap_next(batch->selected, 0, rows); decisions && r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        for (int c = 0; c < CHANNEL_COUNT; c++) {
            uint8_t d = batch->dispositions[c][r];
            bool sms = c == CHANNEL_SMS && d == DISPOSITION_SEND;
            if (d != DISPOSITION_NONE)
                decisions[count++] = (struct journal_decision){
                    .row = (uint32_t)(batch->chunk.first_row + r),
                    .channel = (uint8_t)c,
                    .disposition = d,
                    .segments = sms ? batch->sms_segments[r] : 0};
        }
    }
    if (decisions)
        batch->frame = journal_encode_decisions(
            decisions, count, (uint32_t)batch->chunk_number, &batch->arena);
    if (arena_overflowed(&batch->arena))
        return error_set(err, ERROR_INPUT,
                         "the messages of one batch need too much memory; make "
                         "the template smaller");
    return 0;
}

static int fresh_chunk(struct worker *w, struct batch *batch, struct error *err)
{
    struct pipeline *p = w->pipeline;
    select_chunk(w->select, batch);
    enter(w, STAGE_RENDER);
    compose_sms(w->compose, batch);
    if (!wait_turn(w, batch->chunk_number))
        return 0;
    int rc = meter_chunk(&p->meter, batch, err);
    if (rc)
        return rc;
    end_turn(w, batch);
    if (p->config.plan_only) {
        if (w->opening)
            waits_add_batch(&w->waits, w->opening, p->config.job, batch,
                            p->config.plan_ns);
        pipeline_return(p, batch);
        return 0;
    }
    rc = compose_batch(w->compose, batch, err);
    enter(w, STAGE_COMMIT);
    if (rc == 0)
        rc = encode(batch, err);
    if (rc == 0)
        p->config.take(p->config.arg, batch);
    return rc;
}

/* settled_chunk: an earlier run decided this chunk; what is still open is composed again.
 */
static int settled_chunk(struct worker *w, struct batch *batch, struct error *err)
{
    struct pipeline *p = w->pipeline;
    const struct replay *replay = p->config.replay;
    select_settled(w->select, batch, replay);
    if (!wait_turn(w, batch->chunk_number))
        return 0;
    meter_settled(&p->meter, batch);
    end_turn(w, batch);
    uint32_t first = (uint32_t)batch->chunk.first_row, rows = batch->chunk.rows;
    int rc = compose_reserve(batch, (size_t)rows * CHANNEL_COUNT, err);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (uint32_t r = first; replay->states[c] && r < first + rows && rc == 0; r++) {
            struct replay_state state = replay->states[c][r];
            bool in_doubt = state.outcome == REPLAY_IN_DOUBT;
            struct redo redo = {.row = r,
                                .channel = (uint8_t)c,
                                .attempt = in_doubt, /* at least */
                                .provider = state.provider,
                                .in_doubt = in_doubt,
                                .left_behind = in_doubt};
            bool open = in_doubt || state.outcome == OUTCOME_PENDING;
            if (open && disposition_sends((enum disposition)state.disposition))
                rc = compose_one(w->compose, batch, &redo, err);
        }
    }
    batch->is_redo = true;
    if (rc == 0 && batch->outgoing_count + batch->put_off_count > 0)
        p->config.take(p->config.arg, batch);
    else if (rc == 0)
        pipeline_return(p, batch);
    return rc;
}

static int redo_chunk(struct worker *w, struct work *work, struct error *err)
{
    struct batch *batch = work->batch;
    enter(w, STAGE_RENDER);
    int rc = compose_reserve(batch, work->redo_count, err);
    for (size_t i = 0; rc == 0 && i < work->redo_count; i++)
        rc = compose_one(w->compose, batch, &work->redos[i], err);
    batch->is_redo = true;
    batch->remade = work->redo_count;
    if (rc == 0)
        w->pipeline->config.take(w->pipeline->config.arg, batch);
    return rc;
}

static bool was_decided(const struct pipeline *p, size_t chunk)
{
    const struct replay *replay = p->config.replay;
    return replay && chunk < replay->chunk_count &&
           bitmap_get(replay->chunks_decided, chunk);
}

static void *worker_main(void *arg)
{
    struct pipeline *p = arg;
    struct worker w = {
        .pipeline = p,
        .number = atomic_fetch_add(&p->next_worker, 1),
        .cursor = snapshot_cursor_create(p->config.job->snapshot, p->config.job->needed),
        .select = select_create(p->config.job),
        .compose = compose_create(p->config.job),
        .opening = p->config.plan_only ? opening_create(p->config.job) : NULL};
    compose_spread(w.compose, p->config.spread);
    for (;;) {
        struct work work = claim(&w);
        if (work.claim == CLAIM_NOTHING)
            break;
        enter(&w, STAGE_SELECT);
        struct error err = {0};
        work.batch->chunk_number = work.chunk;
        int rc = snapshot_cursor_chunk(w.cursor, work.chunk, &work.batch->chunk, &err);
        if (rc == 0 && work.claim == CLAIM_REDO)
            rc = redo_chunk(&w, &work, &err);
        else if (rc == 0 && was_decided(p, work.chunk))
            rc = settled_chunk(&w, work.batch, &err);
        else if (rc == 0)
            rc = fresh_chunk(&w, work.batch, &err);
        if (rc)
            fail(p, rc, &err);
    }
    enter(&w, STAGE_IDLE);
    pthread_mutex_lock(&p->lock);
    waits_add(&p->waits, &w.waits);
    pthread_mutex_unlock(&p->lock);
    opening_destroy(&w.opening);
    compose_destroy(&w.compose);
    select_destroy(&w.select);
    snapshot_cursor_destroy(&w.cursor);
    return NULL;
}

/* --- start and end --- */

static int make_batches(struct pipeline *p, size_t count, struct error *err)
{
    p->batches = calloc(count, sizeof(struct batch *));
    CHECK(p->batches != NULL);
    for (size_t i = 0; i < count; i++) {
        int rc = batch_create(&p->batches[i], err);
        if (rc)
            return rc;
        p->batch_count++;
        p->batches[i]->next = p->free;
        p->free = p->batches[i];
    }
    return 0;
}

int pipeline_start(const struct pipeline_config *config, struct pipeline **out,
                   struct error *err)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    p->config = *config;
    p->chunks = snapshot_chunks(config->job->snapshot);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->turn, NULL);
    meter_init(&p->meter, config->job);
    p->meter.grant = config->grant;
    p->meter.arg = config->arg;
    if (config->books)
        p->meter.books = *config->books;
    p->books = p->meter.books;
    if (config->replay)
        p->meter.segments = config->replay->sms_segments;
    /* Each worker fills one while another is on its way out, and one is being filled
     * meanwhile; and one is for redos. A frugal job makes do without the one meanwhile. */
    size_t batches = config->plan_only
                         ? config->workers + 1
                         : 2 * (size_t)config->workers + (config->job->frugal ? 1 : 3);
    int rc = make_batches(p, batches, err);
    if (rc) {
        pipeline_destroy(&p);
        return rc;
    }
    p->stages = stages_create(config->workers);
    p->threads = calloc(config->workers, sizeof(*p->threads));
    CHECK(p->threads != NULL);
    *out = p; /* before there is a worker, whose first batch may be returned by *out */
    for (; p->thread_count < config->workers; p->thread_count++)
        CHECK(pthread_create(&p->threads[p->thread_count], NULL, worker_main, p) == 0);
    return 0;
}

void pipeline_return(struct pipeline *p, struct batch *batch)
{
    pthread_mutex_lock(&p->lock);
    batch->next = p->free;
    p->free = batch;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void pipeline_redo(struct pipeline *p, const struct redo *entries, size_t count)
{
    pthread_mutex_lock(&p->lock);
    if (p->redo_count + count > p->redo_capacity) {
        p->redo_capacity = (p->redo_count + count) * 2;
        p->redos = realloc(p->redos, p->redo_capacity * sizeof(*p->redos));
        CHECK(p->redos != NULL);
    }
    memcpy(p->redos + p->redo_count, entries, count * sizeof(*entries));
    p->redo_count += count;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

static void set_flag(struct pipeline *p, bool *flag)
{
    pthread_mutex_lock(&p->lock);
    *flag = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void pipeline_cancel(struct pipeline *p)
{
    set_flag(p, &p->cancelled);
}

void pipeline_finish(struct pipeline *p)
{
    set_flag(p, &p->finishing);
}

void pipeline_stop(struct pipeline *p)
{
    set_flag(p, &p->stopping);
}

void pipeline_books(struct pipeline *p, struct books *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->books;
    pthread_mutex_unlock(&p->lock);
}

size_t pipeline_settled(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    size_t settled = p->settled;
    pthread_mutex_unlock(&p->lock);
    return settled;
}

bool pipeline_exhausted(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    bool exhausted = p->exhausted;
    pthread_mutex_unlock(&p->lock);
    return exhausted;
}

uint64_t pipeline_ucs2(struct pipeline *p, char culprit_out[8])
{
    pthread_mutex_lock(&p->lock);
    uint64_t texts = p->ucs2_texts;
    memcpy(culprit_out, p->ucs2_culprit, sizeof(p->ucs2_culprit));
    pthread_mutex_unlock(&p->lock);
    return texts;
}

void pipeline_waits(struct pipeline *p, struct waits *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->waits;
    pthread_mutex_unlock(&p->lock);
}

void pipeline_stages(struct pipeline *p, struct stage_times *out)
{
    stages_read(p->stages, out);
}

bool pipeline_failed(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    bool failed = p->rc != 0;
    pthread_mutex_unlock(&p->lock);
    return failed;
}

int pipeline_wait(struct pipeline *p, struct error *err)
{
    for (; p->thread_count > 0; p->thread_count--)
        pthread_join(p->threads[p->thread_count - 1], NULL);
    if (p->rc && err)
        *err = p->err;
    return p->rc;
}

void pipeline_destroy(struct pipeline **pipeline)
{
    struct pipeline *p = *pipeline;
    if (!p)
        return;
    CHECK(p->thread_count == 0);
    for (size_t i = 0; i < p->batch_count; i++)
        batch_destroy(&p->batches[i]);
    meter_fini(&p->meter);
    stages_destroy(&p->stages);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->turn);
    free(p->batches);
    free(p->threads);
    free(p->redos);
    free(p);
    *pipeline = NULL;
}
