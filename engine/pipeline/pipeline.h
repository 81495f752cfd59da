/* pipeline: worker threads that take chunks through select, render and meter, and hand
 * over batches ready to be committed and delivered.
 *
 * A fixed pool of batches is made at start. A worker claims the next chunk together with
 * a free batch, so the oldest chunk always has one and an empty pool is the
 * back-pressure. The meter runs in chunk order: a worker waits there for its turn. */
#ifndef ENGINE_PIPELINE_H
#define ENGINE_PIPELINE_H

#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/meter.h"
#include "engine/pipeline/spread.h"
#include "engine/pipeline/stages.h"
#include "engine/pipeline/waits.h"
#include "outbox/journal/replay.h"

struct pipeline;

struct pipeline_config {
    const struct job *job;
    unsigned workers;
    bool plan_only; /* stop after the meter: no texts but SMS, no batches handed over */
    /* planned: plan only, may be NULL: a chunk that the meter has settled, in their order. */
    void (*planned)(void *arg, struct batch *batch);
    int64_t plan_ns;               /* plan only: when the job would begin; calendar */
    const struct spread *spread;   /* when messages may go; NULL: at once */
    const struct replay *replay;   /* what an earlier run did; NULL: nothing */
    const struct books *books;     /* where its books stood; NULL: empty */
    struct meter_segments account; /* used by one worker at a time */
    /* take: a finished batch; give it back with pipeline_return. Called on any worker, in
     * any order of chunks. */
    void (*take)(void *arg, struct batch *batch);
    void *arg; /* of take and planned */
};

int pipeline_start(const struct pipeline_config *config, struct pipeline **out,
                   struct error *err) MUST_USE;

/* --- from any thread --- */
void pipeline_return(struct pipeline *pipeline, struct batch *batch);
/* pipeline_redo: make these messages again; entries are copied. */
void pipeline_redo(struct pipeline *pipeline, const struct redo *entries, size_t count);
/* pipeline_cancel: settle what is left without using up segments. */
void pipeline_cancel(struct pipeline *pipeline);
/* pipeline_finish: no more redos will come; workers end when the chunks are done. */
void pipeline_finish(struct pipeline *pipeline);
/* pipeline_stop: workers end after the batch they have. */
void pipeline_stop(struct pipeline *pipeline);
/* pipeline_books: a consistent copy: the dispositions up to now (outcomes as given at
 * start). */
void pipeline_books(struct pipeline *pipeline, struct books *out);
/* pipeline_settled: chunks metered so far; pipeline_exhausted: the allowance ran out. */
size_t pipeline_settled(struct pipeline *pipeline);
bool pipeline_exhausted(struct pipeline *pipeline);
/* pipeline_ucs2: how many SMS texts are UCS-2, and the character that made the first one
 * so. */
uint64_t pipeline_ucs2(struct pipeline *pipeline, char culprit_out[8]);
/* pipeline_waits: plan only: what would have to wait. */
void pipeline_waits(struct pipeline *pipeline, struct waits *out);
/* pipeline_stages: what the workers spent their time on. */
void pipeline_stages(struct pipeline *pipeline, struct stage_times *out);
/* pipeline_failed: a worker ended with an error (pipeline_wait tells which). */
bool pipeline_failed(struct pipeline *pipeline);

/* pipeline_wait: until all workers have ended.
 * Errors: the first one of any worker. */
int pipeline_wait(struct pipeline *pipeline, struct error *err) MUST_USE;

/* pipeline_destroy: after pipeline_wait, once nobody holds a batch any more. */
void pipeline_destroy(struct pipeline **pipeline);

#endif
