/* fold: from the elements of lists to one value a row. A row may lie in two pieces (pieces.h), so
 * results are added up, never overwritten. */
#include "engine/audience/kernels_loops.h"
#include "engine/audience/pieces.h"

/* What a fold keeps beside its target. */
struct fold_room {
    struct pieces pieces;
    int64_t counts[FRAME_ROWS_MAX]; /* sum, avg: how many values */
    uint64_t failed[FRAME_WORDS];   /* sum: out of 128 bits */
    int64_t picked[FRAME_ROWS_MAX]; /* counts of picked rows */
    int128 until[FRAME_ROWS_MAX + 1];
};

size_t fold_room_bytes(void)
{
    return sizeof(struct fold_room);
}

/* --- conditions of elements ------------------------------------------------------------- */

struct folding {
    struct machine *run;
    const struct op *op;
    const struct fold *fold;
    struct fold_room *room;
    struct pieces *pieces; /* in room */
    uint32_t rows;
};

/* chosen: word w of the elements the filter leaves. */
static uint64_t chosen(const struct folding *f, size_t w)
{
    return f->fold->filter.kind == OPERAND_NONE
               ? ~0ull
               : machine_truth(f->run, f->fold->filter).yes[w];
}

/* any: set the bits in out of rows with an element in map. */
static void any(const struct folding *f, const uint64_t *map, uint64_t *out)
{
    const struct pieces *p = f->pieces;
    uint64_t picked[FRAME_WORDS] = {0};
    if (!p->picked) {
        f->run->kernels->any(map, p->from, p->to, p->rows, out, p->row);
        return;
    }
    f->run->kernels->any(map, p->from, p->to, p->rows, picked, 0);
    for (size_t r = bitmap_next(picked, 0, p->rows); r < p->rows;
         r = bitmap_next(picked, r + 1, p->rows))
        bitmap_set(out, p->picked_rows[r]);
}

/* count: add each row's elements in map to counts. */
static void count(const struct folding *f, const uint64_t *map, int64_t *counts)
{
    const struct pieces *p = f->pieces;
    if (!p->picked) {
        f->run->kernels->count(map, p->from, p->to, p->rows, counts + p->row);
        return;
    }
    memset(f->room->picked, 0, p->rows * sizeof(f->room->picked[0]));
    f->run->kernels->count(map, p->from, p->to, p->rows, f->room->picked);
    for (uint32_t r = 0; r < p->rows; r++)
        counts[p->picked_rows[r]] += f->room->picked[r];
}

/* fold_condition: ANY is true with one true element and false when all are false; ALL is ANY with
 * true and false exchanged. EXISTS is ANY of elements that are true. In the target, until the end:
 * yes has a deciding element, no has one that is not surely the opposite. */
static void fold_condition(const struct folding *f, const struct frame *inner)
{
    struct reg *target = &f->run->regs[f->op->target];
    uint64_t deciding[FRAME_WORDS + 1] = {0}, open[FRAME_WORDS + 1] = {0};
    uint64_t decided[FRAME_WORDS] = {0};
    struct truth value = {0};
    if (f->fold->value.kind != OPERAND_NONE)
        value = machine_truth(f->run, f->fold->value);
    if (f->fold->kind == FOLD_ALL)
        value = (struct truth){value.no, value.yes};
    uint64_t unknown = 0;
    for (size_t w = 0; w < bitmap_words(inner->rows); w++) {
        uint64_t these = chosen(f, w);
        deciding[w] = value.yes ? these & value.yes[w] : these;
        open[w] = value.yes ? these & ~value.no[w] : these;
        unknown |= deciding[w] ^ open[w];
    }
    any(f, deciding, decided);
    bitmap_or(target->yes, decided, f->rows);
    if (unknown)
        any(f, open, target->no);
    else
        bitmap_or(target->no, decided, f->rows);
}

static void finish_condition(const struct folding *f)
{
    struct reg *target = &f->run->regs[f->op->target];
    for (size_t w = 0; w < bitmap_words(f->rows); w++)
        target->no[w] = ~target->no[w];
    if (f->fold->kind == FOLD_ALL) {
        for (size_t w = 0; w < bitmap_words(f->rows); w++) {
            uint64_t yes = target->yes[w];
            target->yes[w] = target->no[w];
            target->no[w] = yes;
        }
    }
}

/* --- aggregates ------------------------------------------------------------------------- */

/* EACH_VALUE: for every element e of map, its row in the frame as row, whether it is the row's first
 * one as first. */
#define EACH_VALUE(f, map, statement)                                                    \
    for (uint32_t r = 0; r < (f)->pieces->rows; r++) {                                   \
        size_t row = pieces_row((f)->pieces, r), end = (f)->pieces->to[r];               \
        bool first = !bitmap_get(target->yes, row), any = false;                         \
        (void)first;                                                                     \
        for (size_t at = (f)->pieces->from[r]; at < end; at += BITS_AT) {                \
            size_t stop = end - at > BITS_AT ? at + BITS_AT : end;                       \
            for (uint64_t bits = bits_between(map, at, stop); bits; bits &= bits - 1) {  \
                size_t e = at + (size_t)__builtin_ctzll(bits);                           \
                statement;                                                               \
                first = false;                                                           \
                any = true;                                                              \
            }                                                                            \
        }                                                                                \
        if (any)                                                                         \
            bitmap_set(target->yes, row);                                                \
    }

static void fold_extreme(const struct folding *f, const struct vector *v,
                         const uint64_t *map)
{
    struct reg *target = &f->run->regs[f->op->target];
    bool max = f->fold->aggregate == AGGREGATE_MAX;
    if (v->type.kind == KIND_TEXT) {
        struct text *out = target->lanes;
        EACH_VALUE(f, map, {
            struct text t = vector_text(v, e);
            if (first || (machine_compare_texts(t, out[row]) > 0) == max)
                out[row] = t;
        });
    } else if (v->type.kind == KIND_REAL) {
        double *out = target->lanes;
        EACH_VALUE(f, map, {
            double x = vector_real(v, e);
            if (first || (real_compare(x, out[row]) > 0) == max)
                out[row] = x;
        });
    } else if (v->type.wide) {
        int128 *out = target->lanes;
        EACH_VALUE(f, map, {
            int128 x = vector_exact(v, e);
            if (first || (x > out[row]) == max)
                out[row] = x;
        });
    } else {
        int64_t *out = target->lanes;
        EACH_VALUE(f, map, {
            int64_t x = ((const int64_t *)v->data)[e * v->stride];
            if (first || (x > out[row]) == max)
                out[row] = x;
        });
    }
}

/* sum_narrow: sums of 64-bit numbers are differences of sums from the piece's start, which takes no
 * branch per element. 4096 of them cannot leave 128 bits. */
static void sum_narrow(const struct folding *f, const struct vector *v,
                       const uint64_t *map, size_t elements)
{
    const struct pieces *p = f->pieces;
    int128 *out = f->run->regs[f->op->target].lanes, *until = f->room->until;
    const int64_t *x = v->data;
    until[0] = 0;
    for (size_t e = 0; e < elements; e++)
        until[e + 1] = until[e] + (x[e * v->stride] & -(int64_t)bitmap_get(map, e));
    for (uint32_t r = 0; r < p->rows; r++) {
        uint32_t row = pieces_row(p, r);
        if (!number_add(out[row], until[p->to[r]] - until[p->from[r]], &out[row]))
            bitmap_set(f->room->failed, row);
    }
}

/* fold_sum: sums of exact numbers in 128 bits, of reals as they come. An average of exact numbers
 * divides the exact sum. */
static void fold_sum(const struct folding *f, const struct vector *v, const uint64_t *map,
                     size_t elements)
{
    struct reg *target = &f->run->regs[f->op->target];
    if (v->type.kind == KIND_REAL) {
        double *out = target->lanes;
        EACH_VALUE(f, map, { out[row] = (first ? 0 : out[row]) + vector_real(v, e); });
    } else if (v->type.wide) {
        int128 *out = target->lanes;
        EACH_VALUE(f, map, {
            if (!number_add(out[row], vector_exact(v, e), &out[row]))
                bitmap_set(f->room->failed, row);
        });
    } else {
        sum_narrow(f, v, map, elements);
    }
}

static void fold_aggregate(const struct folding *f, const struct frame *inner)
{
    struct reg *target = &f->run->regs[f->op->target];
    uint64_t map[FRAME_WORDS + 1];
    struct vector v = {0};
    bool condition = f->fold->value.type.kind == KIND_BOOL;
    if (f->fold->value.kind != OPERAND_NONE && !condition)
        v = machine_vector(f->run, f->fold->value);
    for (size_t w = 0; w < bitmap_words(inner->rows); w++) {
        map[w] = chosen(f, w) & (v.valid ? v.valid[w] : ~0ull);
        if (condition)
            map[w] &= machine_truth(f->run, f->fold->value).yes[w];
    }
    switch (f->fold->aggregate) {
    case AGGREGATE_COUNT_ROWS:
    case AGGREGATE_COUNT:
        count(f, map, target->lanes);
        break;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        if (v.type.kind != KIND_NULL)
            fold_extreme(f, &v, map);
        break;
    default:
        count(f, map, f->room->counts);
        if (v.type.kind != KIND_NULL)
            fold_sum(f, &v, map, inner->rows);
        break;
    }
}

static void finish_aggregate(const struct folding *f)
{
    struct reg *target = &f->run->regs[f->op->target];
    enum aggregate aggregate = f->fold->aggregate;
    target->data = target->lanes;
    bool counts = aggregate == AGGREGATE_COUNT || aggregate == AGGREGATE_COUNT_ROWS;
    target->valid = counts ? NULL : target->yes;
    if (aggregate == AGGREGATE_SUM || aggregate == AGGREGATE_AVG) {
        for (size_t r = 0; r < f->rows; r++)
            target->yes[r / 64] |= (uint64_t)(f->room->counts[r] > 0) << (r % 64);
        bitmap_andnot(target->yes, f->room->failed, f->rows);
    }
    if (aggregate != AGGREGATE_AVG)
        return;
    struct type type = f->fold->value.type;
    for (size_t r = bitmap_next(target->yes, 0, f->rows); r < f->rows;
         r = bitmap_next(target->yes, r + 1, f->rows)) {
        /* The sums are wider than the averages: ascending, none is overwritten before it
         * is read. */
        double sum = type.kind == KIND_REAL
                         ? ((double *)target->lanes)[r]
                         : number_to_real(((int128 *)target->lanes)[r], type.scale);
        ((double *)target->lanes)[r] = sum / (double)f->room->counts[r];
    }
}

/* --- the operation ---------------------------------------------------------------------- */

/* only_lengths: nothing has to be known about the elements but how many there are. */
static bool only_lengths(const struct fold *fold)
{
    return fold->kind == FOLD_AGGREGATE && fold->aggregate == AGGREGATE_COUNT_ROWS &&
           fold->filter.kind == OPERAND_NONE;
}

static void begin(const struct folding *f, struct frame *inner, const struct frame *frame)
{
    struct reg *target = &f->run->regs[f->op->target];
    bitmap_zero(target->yes, f->rows);
    bitmap_zero(target->no, f->rows);
    switch (f->fold->aggregate) {
    case AGGREGATE_COUNT:
    case AGGREGATE_COUNT_ROWS:
        memset(target->lanes, 0, f->rows * sizeof(int64_t));
        break;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        memset(target->lanes, 0, f->rows * sizeof(int128));
        memset(f->room->counts, 0, f->rows * sizeof(int64_t));
        memset(f->room->failed, 0, sizeof(f->room->failed));
        break;
    default:
        break;
    }
    const struct column *element = &f->pieces->list->children[0];
    bool plain = element->type != COLUMN_STRUCT;
    inner->columns = plain ? element : element->children;
    inner->elements = plain ? NULL : element->validity;
    inner->outer = frame;
    inner->level = frame->level + 1;
}

static void fold_piece(const struct folding *f, struct frame *inner)
{
    if (f->fold->block->correlated)
        pieces_parents(f->pieces, inner);
    machine_block(f->run, f->fold->block, inner);
    if (f->fold->kind == FOLD_AGGREGATE)
        fold_aggregate(f, inner);
    else
        fold_condition(f, inner);
}

void fold_operation(struct machine *run, const struct frame *frame, const struct op *op)
{
    const struct fold *fold = op->fold;
    struct fold_room *room = (struct fold_room *)run->fold_rooms + frame->level;
    struct folding f = {.run = run,
                        .op = op,
                        .fold = fold,
                        .room = room,
                        .pieces = &room->pieces,
                        .rows = frame->rows};
    bool masked = fold->mask.kind == OPERAND_REGISTER;
    pieces_open(f.pieces, frame, fold->list,
                masked ? machine_truth(run, fold->mask).yes : NULL);
    struct frame *inner = &run->frames[frame->level + 1];
    begin(&f, inner, frame);
    if (only_lengths(fold)) {
        pieces_lengths(f.pieces, run->regs[op->target].lanes);
    } else {
        while (pieces_next(f.pieces, inner)) {
            if (inner->rows > 0)
                fold_piece(&f, inner);
        }
    }
    if (fold->kind == FOLD_AGGREGATE)
        finish_aggregate(&f);
    else
        finish_condition(&f);
}
