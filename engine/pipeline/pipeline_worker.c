/* pipeline_worker: what a worker thread does: claim a chunk with a free batch, and see it through. */
#include "base/bitmap.h"
#include "engine/job/opening.h"
#include "engine/pipeline/compose.h"
#include "engine/pipeline/pipeline_private.h"
#include "engine/pipeline/select.h"

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
    if (p->config.planned)
        p->config.planned(p->config.arg, batch);
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

void *pipeline_worker(void *arg)
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
