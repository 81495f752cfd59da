/* stages: what the workers of a pipeline spend their time on, so that `top` can name the
 * stage that holds the others up. Told a few times per batch, never per row. */
#ifndef ENGINE_STAGES_H
#define ENGINE_STAGES_H

#include <stdint.h>

enum stage {
    STAGE_SELECT, /* reading the chunk, the audience, dispositions */
    STAGE_RENDER, /* texts */
    STAGE_METER,  /* one worker at a time */
    STAGE_COMMIT, /* encoding decisions for the journal */
    STAGE_TURN,   /* waiting for the meter's turn */
    STAGE_POOL,   /* waiting for a free batch: delivery is behind */
    STAGE_IDLE,   /* nothing left to do but perhaps retries */
    STAGE_COUNT
};
const char *stage_name(enum stage stage);

/* Nanoseconds of all workers together since the start. */
struct stage_times {
    int64_t ns[STAGE_COUNT];
};

struct stages;

struct stages *stages_create(unsigned workers);
void stages_destroy(struct stages **stages);

/* stages_enter: the worker does something else from now on.
 * Threads: each worker for itself. */
void stages_enter(struct stages *stages, unsigned worker, enum stage stage);

/* stages_read: up to now, what is under way included.
 * Threads: any. */
void stages_read(struct stages *stages, struct stage_times *out);

#endif
