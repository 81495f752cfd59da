/* frame_rows: see frame_rows.h. */
#include "engine/results/frame_rows.h"

static size_t entry_of(const struct frame_rows *frames, uint64_t frame)
{
    return (size_t)((frame - 1) >> frames->shift);
}

/* merge: pairs of entries become one. */
static void merge(struct frame_rows *frames)
{
    struct frame_rows_span *spans = frames->spans;
    for (size_t i = 0; i < FRAME_ROWS_MAX / 2; i++) {
        struct frame_rows_span a = spans[2 * i], b = spans[2 * i + 1];
        spans[i].first = a.first < b.first ? a.first : b.first;
        spans[i].last = a.last > b.last ? a.last : b.last;
    }
    frames->count = FRAME_ROWS_MAX / 2;
    frames->shift++;
}

void frame_rows_begin(struct frame_rows *frames, uint64_t frame)
{
    frames->last = frame;
    while (entry_of(frames, frame) >= FRAME_ROWS_MAX)
        merge(frames);
    while (frames->count <= entry_of(frames, frame))
        frames->spans[frames->count++] = (struct frame_rows_span){.first = UINT32_MAX};
}

bool frame_rows_has(const struct frame_rows *frames, uint64_t frame, uint64_t first,
                    uint64_t rows)
{
    if (frame > frames->last)
        return true;
    const struct frame_rows_span *span = &frames->spans[entry_of(frames, frame)];
    return span->first <= span->last && span->first < first + rows && span->last >= first;
}
