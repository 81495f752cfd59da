/* select: which customers of a chunk are in the audience, and which channels reach them.
 */
#ifndef ENGINE_SELECT_H
#define ENGINE_SELECT_H

#include "engine/job/job.h"
#include "engine/pipeline/batch.h"
#include "outbox/journal/replay.h"

struct select;

/* select_create: scratch memory of one worker thread.
 * Owns: the caller destroys it. */
struct select *select_create(const struct job *job);
void select_destroy(struct select **select);

/* select_chunk: fill batch->selected, ->dispositions and ->address_hashes for
 * batch->chunk. A selected row gets SEND or the reason why not for every channel the job
 * uses; email as fallback is judged as if it were named, other rows and channels are
 * NONE. What only the order of rows can tell (duplicates, quota, delivery "first",
 * limits) is the meter's.
 * Threads: one select a thread; the job is read-only. */
void select_chunk(struct select *select, struct batch *batch);

/* select_audience: batch->selected alone: who the job is for, by its frozen inputs. */
void select_audience(struct select *select, struct batch *batch);

/* select_settled: the same from what an earlier run recorded for the chunk, instead of
 * judging. */
void select_settled(struct select *select, struct batch *batch,
                    const struct replay *replay);

#endif
