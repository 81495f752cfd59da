/* pieces: see pieces.h. */
#include "engine/audience/pieces.h"

/* One relevant row in so many, and elements are picked one by one instead of swept over. */
#define SPARSE_ROWS 8

/* Elements between two lists that nobody looks at; more of them begin a new piece. */
#define GAP_MAX 512

struct range {
    int64_t first;
    int64_t end;
};

static uint32_t owner_row(const struct pieces *p, uint32_t row)
{
    for (const struct frame *f = p->frame; f != p->owner; f = f->outer)
        row = f->parents[row];
    return row;
}

/* find_relevant: rows that have a list and whose result still matters. */
static void find_relevant(struct pieces *p, const uint64_t *valid,
                          const uint64_t *irrelevant)
{
    bitmap_fill(p->relevant, p->frame->rows);
    if (irrelevant)
        bitmap_andnot(p->relevant, irrelevant, p->frame->rows);
    if (valid && p->owner == p->frame)
        bitmap_and(p->relevant, valid, p->frame->rows);
    if (!valid || p->owner == p->frame)
        return;
    for (uint32_t row = 0; row < p->frame->rows; row++) {
        if (!bitmap_get(valid, owner_row(p, row)))
            bitmap_clear(p->relevant, row);
    }
}

void pieces_open(struct pieces *p, const struct frame *frame, const struct place *place,
                 const uint64_t *irrelevant)
{
    uint64_t room[FRAME_WORDS];
    const uint64_t *valid;
    p->row = p->rows = 0;
    p->resume = -1;
    p->frame = p->owner = frame;
    while (p->owner->level > place->level)
        p->owner = p->owner->outer;
    p->list = machine_column(p->owner, place, room, &valid);
    find_relevant(p, valid, irrelevant);
    p->all_relevant = !valid && !irrelevant;
    p->in_order = p->list->type == COLUMN_LIST && p->owner == p->frame && !frame->picks;
    p->sparse = p->in_order && irrelevant &&
                bitmap_count(p->relevant, frame->rows) * SPARSE_ROWS < frame->rows;
}

static struct range range_of(const struct pieces *p, uint32_t row)
{
    if (!bitmap_get(p->relevant, row))
        return (struct range){0, 0};
    int64_t at = machine_place(p->owner, owner_row(p, row));
    switch (p->list->type) {
    case COLUMN_LIST: {
        const int32_t *offsets = (const int32_t *)p->list->offsets + at;
        return (struct range){offsets[0], offsets[1]};
    }
    case COLUMN_LARGE_LIST: {
        const int64_t *offsets = (const int64_t *)p->list->offsets + at;
        return (struct range){offsets[0], offsets[1]};
    }
    default: {
        int64_t first = ((const int32_t *)p->list->offsets)[at];
        return (struct range){first, first + ((const int32_t *)p->list->sizes)[at]};
    }
    }
}

/* next_anywhere: a piece of lists in any order, row by row. */
static bool next_anywhere(struct pieces *p, uint32_t row, struct frame *inner)
{
    int64_t resume = p->resume, base = -1, end = 0;
    p->resume = -1;
    p->row = row;
    p->rows = 0;
    for (; row < p->frame->rows; row++) {
        struct range range = range_of(p, row);
        if (resume >= 0 && row == p->row)
            range.first = resume;
        uint32_t slot = p->rows;
        if (range.first >= range.end) {
            p->from[slot] = p->to[slot] = 0;
            p->rows++;
            continue;
        }
        if (base < 0) {
            base = range.first & ~(int64_t)63;
            end = range.first;
        }
        if (range.first < end || range.first > end + GAP_MAX ||
            range.first - base >= FRAME_ROWS_MAX)
            break;
        bool whole = range.end - base <= FRAME_ROWS_MAX;
        end = whole ? range.end : base + FRAME_ROWS_MAX;
        p->from[slot] = (uint16_t)(range.first - base);
        p->to[slot] = (uint16_t)(end - base);
        p->rows++;
        if (!whole) {
            p->resume = end;
            break;
        }
    }
    inner->first = base < 0 ? 0 : base;
    inner->rows = base < 0 ? 0 : (uint32_t)(end - base);
    return p->rows > 0;
}

/* next_in_order: the same for a list column's plain offsets, where a row begins as the one before it
 * ends: as many rows as fit are found by bisection. A word of irrelevant rows ends the piece. */
static bool next_in_order(struct pieces *p, uint32_t row, struct frame *inner)
{
    const int32_t *at = (const int32_t *)p->list->offsets + p->frame->first;
    int64_t resume = p->resume;
    p->resume = -1;
    if (resume < 0)
        row = (uint32_t)bitmap_next(p->relevant, row, p->frame->rows);
    if (row == p->frame->rows)
        return false;
    int64_t start = resume < 0 ? at[row] : resume, base = start & ~(int64_t)63;
    int64_t most = base + FRAME_ROWS_MAX;
    uint32_t last = row,
             end = p->frame->rows; /* at[last] <= most, at[end + 1] may be beyond */
    for (uint32_t w = row / 64 + 1; w < bitmap_words(end); w++) {
        if (p->relevant[w] == 0)
            end = 64 * w;
    }
    while (last < end) { /* the greatest row that begins within reach */
        uint32_t middle = last + (end - last + 1) / 2;
        if (at[middle] <= most)
            last = middle;
        else
            end = middle - 1;
    }
    p->row = row;
    p->rows = last - row;
    for (uint32_t r = 0; r < p->rows; r++) {
        p->from[r] = (uint16_t)(at[row + r] - base);
        p->to[r] = (uint16_t)(at[row + r + 1] - base);
    }
    p->from[0] = (uint16_t)(start - base);
    inner->first = base;
    inner->rows = (uint32_t)(at[last] - base);
    if (p->rows == 0) { /* not even the first row fits */
        p->rows = 1;
        p->to[0] = FRAME_ROWS_MAX;
        p->resume = most;
        inner->rows = FRAME_ROWS_MAX;
    }
    for (uint32_t r = 0; r < p->rows && !p->all_relevant; r++) {
        if (!bitmap_get(p->relevant, row + r))
            p->to[r] = p->from[r];
    }
    return true;
}

/* next_picked: only the relevant rows' elements, by their places. */
static bool next_picked(struct pieces *p, uint32_t row, struct frame *inner)
{
    const int32_t *at = (const int32_t *)p->list->offsets + p->frame->first;
    uint32_t elements = 0, end = p->frame->rows;
    int64_t resume = p->resume;
    p->resume = -1;
    p->rows = 0;
    row = (uint32_t)bitmap_next(p->relevant, row, end);
    while (row < end && elements < FRAME_ROWS_MAX) {
        int32_t first = resume >= 0 ? (int32_t)resume : at[row];
        int32_t room = (int32_t)(FRAME_ROWS_MAX - elements), left = at[row + 1] - first;
        p->picked_rows[p->rows] = (uint16_t)row;
        p->from[p->rows] = (uint16_t)elements;
        for (int32_t i = 0; i < left && i < room; i++)
            p->picks[elements++] = first + i;
        p->to[p->rows++] = (uint16_t)elements;
        resume = -1;
        if (left > room)
            p->resume = first + room;
        else
            row = (uint32_t)bitmap_next(p->relevant, row + 1, end);
    }
    p->row = row;
    inner->first = 0;
    inner->picks = p->picks;
    inner->rows = elements;
    return p->rows > 0;
}

bool pieces_next(struct pieces *p, struct frame *inner)
{
    p->picked = p->sparse;
    if (p->sparse)
        return next_picked(p, p->row, inner);
    uint32_t row = p->row + p->rows - (p->resume >= 0);
    inner->picks = NULL;
    return p->in_order ? next_in_order(p, row, inner) : next_anywhere(p, row, inner);
}

void pieces_lengths(const struct pieces *p, int64_t *counts)
{
    uint32_t rows = p->frame->rows;
    if (p->in_order) {
        const int32_t *at = (const int32_t *)p->list->offsets + p->frame->first;
        for (uint32_t row = 0; row < rows; row++)
            counts[row] = bitmap_get(p->relevant, row) ? at[row + 1] - at[row] : 0;
        return;
    }
    for (uint32_t row = 0; row < rows; row++) {
        struct range range = range_of(p, row);
        counts[row] = range.end - range.first;
    }
}

void pieces_parents(const struct pieces *p, struct frame *inner)
{
    memset(inner->parents, 0, inner->rows * sizeof(inner->parents[0]));
    for (uint32_t r = 0; r < p->rows; r++) {
        for (uint32_t e = p->from[r]; e < p->to[r]; e++)
            inner->parents[e] = (uint16_t)pieces_row(p, r);
    }
}
