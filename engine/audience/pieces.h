/* pieces: the elements of a frame's lists, cut into frames of their own.
 *
 * The child values of a frame's rows lie next to each other, so they are worked on flat: in pieces
 * of up to FRAME_ROWS_MAX elements that cover many rows at once. A piece ends where its elements
 * run out of room, go backwards or leave a gap (a list_view may point anywhere); a row that is too
 * long for one piece goes on in the next. Where few rows still matter, only their elements are
 * picked. */
#ifndef ENGINE_AUDIENCE_PIECES_H
#define ENGINE_AUDIENCE_PIECES_H

#include "engine/audience/machine.h"

struct pieces {
    /* The piece: rows of the frame, and the elements of each, counted from the inner frame's first. */
    uint32_t row;  /* its first row; of a picked one, where the next begins */
    uint32_t rows; /* how many */
    bool picked;   /* the rows are those in picked_rows; else row, row + 1, … */
    uint16_t picked_rows[FRAME_ROWS_MAX];
    uint16_t from[FRAME_ROWS_MAX];
    uint16_t to[FRAME_ROWS_MAX];
    /* Where the list column lies, maybe in a frame further out, and which rows count. */
    const struct frame *frame;
    const struct frame *owner;
    const struct column *list;
    uint64_t relevant[FRAME_WORDS];
    bool all_relevant;
    bool in_order; /* plain offsets of the frame's own rows */
    bool sparse; /* so few rows are relevant that only their elements are worth a look */
    int32_t picks[FRAME_ROWS_MAX];
    int64_t resume; /* the element where the last row goes on in the next piece, or -1 */
};

/* pieces_open: begin with the list at place; rows whose bit is set in irrelevant (may be NULL) are
 * left out, as are rows whose list is null. */
void pieces_open(struct pieces *pieces, const struct frame *frame,
                 const struct place *place, const uint64_t *irrelevant);

/* pieces_next: the next piece, and its elements as the inner frame. Returns false behind the last. */
bool pieces_next(struct pieces *pieces, struct frame *inner);

/* pieces_lengths: the length of every list, at once.
 * Shapes: counts[frame->rows] */
void pieces_lengths(const struct pieces *pieces, int64_t *counts);

/* pieces_parents: tell the inner frame which row each element belongs to. */
void pieces_parents(const struct pieces *pieces, struct frame *inner);

/* pieces_row: the frame's row that is number r of the piece. */
static inline uint32_t pieces_row(const struct pieces *p, uint32_t r)
{
    return p->picked ? p->picked_rows[r] : p->row + r;
}

#endif
