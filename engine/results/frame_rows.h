/* frame_rows: which rows the frames of a journal are about, so that a reader of some rows leaves the
 * other frames out. */
#ifndef ENGINE_FRAME_ROWS_H
#define ENGINE_FRAME_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries, whatever the journal's size: where a slow job has a frame for every message, many frames
 * share one. A frame of a fast job has thousands of rows. */
#define FRAME_ROWS_MAX 16384

/* Zero: nothing noted. */
struct frame_rows {
    unsigned shift; /* an entry has 2^shift frames */
    size_t count;
    uint64_t last; /* frame */
    struct frame_rows_span {
        uint32_t first, last; /* first > last: none */
    } spans[FRAME_ROWS_MAX];
};

/* frame_rows_begin: what is noted from now on is of this frame; frames come in order, from 1 on. */
void frame_rows_begin(struct frame_rows *frames, uint64_t frame);
static inline void frame_rows_note(struct frame_rows *frames, uint32_t first,
                                   uint32_t last)
{
    struct frame_rows_span *span = &frames->spans[frames->count - 1];
    span->first = first < span->first ? first : span->first;
    span->last = last > span->last ? last : span->last;
}

/* frame_rows_has: the frame may be about rows of [first, first + rows); true for one behind the last that
 * was begun. */
bool frame_rows_has(const struct frame_rows *frames, uint64_t frame, uint64_t first,
                    uint64_t rows);

#endif
