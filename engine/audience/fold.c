/* fold: from the elements of lists to one value a row.
 *
 * The child values of a frame's rows lie next to each other, so they are worked on flat:
 * in pieces of up to FRAME_ROWS_MAX elements that cover many rows at once. A piece ends
 * where its elements run out of room, go backwards or leave a gap (a list_view may point
 * anywhere); a row that is too long for one piece goes on in the next, which is why
 * everything is added up, never overwritten. */
#include "engine/audience/machine.h"

/* Elements between two lists that nobody looks at; more of them begin a new piece. */
#define GAP_MAX 512

struct pieces {
    uint16_t from[FRAME_ROWS_MAX]; /* of each row of the piece, counted from its first
                                      element */
    uint16_t to[FRAME_ROWS_MAX];
    uint32_t row;   /* the first row of the piece */
    uint32_t rows;  /* how many; the last one may go on in the next piece */
    int64_t resume; /* the element where row goes on; -1: at its start */
    int64_t counts[FRAME_ROWS_MAX]; /* avg: how many values */
    uint64_t failed[FRAME_WORDS];   /* sum: out of 128 bits */
};

size_t fold_scratch_bytes(void)
{
    return sizeof(struct pieces);
}

/* --- pieces ----------------------------------------------------------------------------- */

/* A list column as the frame sees it: through the rows around it when it belongs to them.
 */
struct list {
    const struct frame *owner;
    const struct frame *frame;
    const struct column *column;
    const uint64_t *valid;      /* of the owner's rows */
    const uint64_t *irrelevant; /* rows to leave out, or NULL */
};

struct range {
    int64_t first;
    int64_t end;
};

static struct range range_of(const struct list *list, uint32_t row)
{
    struct range none = {0, 0};
    if (list->irrelevant && bitmap_get(list->irrelevant, row))
        return none;
    for (const struct frame *f = list->frame; f != list->owner; f = f->outer)
        row = f->parents[row];
    if (list->valid && !bitmap_get(list->valid, row))
        return none;
    int64_t at = list->owner->first + row;
    switch (list->column->type) {
    case COLUMN_LIST: {
        const int32_t *offsets = (const int32_t *)list->column->offsets + at;
        return (struct range){offsets[0], offsets[1]};
    }
    case COLUMN_LARGE_LIST: {
        const int64_t *offsets = (const int64_t *)list->column->offsets + at;
        return (struct range){offsets[0], offsets[1]};
    }
    default: {
        int64_t first = ((const int32_t *)list->column->offsets)[at];
        return (struct range){first, first + ((const int32_t *)list->column->sizes)[at]};
    }
    }
}

/* next_piece: find the rows and elements of the next piece; false when no row is left.
 * The frame gets the elements. */
static bool next_piece(const struct list *list, struct pieces *p, struct frame *inner)
{
    uint32_t rows = list->frame->rows, row = p->row + p->rows - (p->resume >= 0);
    int64_t resume = p->resume, base = -1, end = 0;
    p->rows = 0;
    p->resume = -1;
    p->row = row;
    for (; row < rows; row++) {
        struct range range = range_of(list, row);
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
        if (!whole) { /* the row is in this piece and in the next */
            p->resume = end;
            break;
        }
    }
    inner->first = base < 0 ? 0 : base;
    inner->rows = base < 0 ? 0 : (uint32_t)(end - base);
    return p->rows > 0;
}

/* name_parents: every element's row, for what elements take from it. */
static void name_parents(const struct pieces *p, struct frame *inner)
{
    memset(inner->parents, 0, inner->rows * sizeof(inner->parents[0]));
    for (uint32_t r = 0; r < p->rows; r++) {
        for (uint32_t e = p->from[r]; e < p->to[r]; e++)
            inner->parents[e] = (uint16_t)(p->row + r);
    }
}

/* --- conditions of elements ------------------------------------------------------------- */

struct folding {
    struct machine *run;
    const struct op *op;
    const struct fold *fold;
    struct pieces *pieces;
    uint32_t rows;
};

/* chosen: word w of the elements the filter leaves. */
static uint64_t chosen(const struct folding *f, size_t w)
{
    return f->fold->filter.kind == OPERAND_NONE
               ? ~0ull
               : machine_truth(f->run, f->fold->filter).yes[w];
}

static void any(const struct folding *f, const uint64_t *map, uint64_t *out)
{
    const struct pieces *p = f->pieces;
    f->run->kernels->any(map, p->from, p->to, p->rows, out, p->row);
}

/* fold_condition: ANY is true with one true element and false when all are false; ALL is
 * ANY with true and false exchanged. EXISTS is ANY of elements that are true. In the
 * target, until the end: yes has a deciding element, no has one that is not surely the
 * opposite. */
static void fold_condition(const struct folding *f, const struct frame *inner)
{
    struct reg *target = &f->run->regs[f->op->target];
    uint64_t deciding[FRAME_WORDS + 1], open[FRAME_WORDS + 1];
    bool exists = f->fold->value.kind == OPERAND_NONE;
    struct truth value = {0};
    if (!exists)
        value = machine_truth(f->run, f->fold->value);
    if (f->fold->kind == FOLD_ALL)
        value = (struct truth){value.no, value.yes};
    for (size_t w = 0; w < bitmap_words(inner->rows); w++) {
        uint64_t these = chosen(f, w);
        deciding[w] = exists ? these : these & value.yes[w];
        open[w] = exists ? these : these & ~value.no[w];
    }
    any(f, deciding, target->yes);
    if (!exists)
        any(f, open, target->no);
}

static void finish_condition(const struct folding *f)
{
    struct reg *target = &f->run->regs[f->op->target];
    bool exists = f->fold->value.kind == OPERAND_NONE;
    for (size_t w = 0; w < bitmap_words(f->rows); w++)
        target->no[w] = ~(exists ? target->yes[w] : target->no[w]);
    if (f->fold->kind == FOLD_ALL) {
        for (size_t w = 0; w < bitmap_words(f->rows); w++) {
            uint64_t yes = target->yes[w];
            target->yes[w] = target->no[w];
            target->no[w] = yes;
        }
    }
}

/* --- aggregates ------------------------------------------------------------------------- */

static void fold_lengths(const struct folding *f)
{
    const struct pieces *p = f->pieces;
    int64_t *counts = (int64_t *)f->run->regs[f->op->target].lanes + p->row;
    for (uint32_t r = 0; r < p->rows; r++)
        counts[r] += p->to[r] - p->from[r];
}

/* EACH_VALUE: for every element e of map, its row in the frame as row, whether it is the
 * row's first one as first. */
#define EACH_VALUE(f, map, statement)                                                    \
    for (uint32_t r = 0; r < (f)->pieces->rows; r++) {                                   \
        size_t row = (f)->pieces->row + r, end = (f)->pieces->to[r];                     \
        for (size_t e = bitmap_next(map, (f)->pieces->from[r], end); e < end;            \
             e = bitmap_next(map, e + 1, end)) {                                         \
            bool first = !bitmap_get(target->yes, row);                                  \
            statement;                                                                   \
            bitmap_set(target->yes, row);                                                \
        }                                                                                \
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

/* fold_sum: sums of exact numbers in 128 bits, of reals as they come. An average of exact
 * numbers divides the exact sum. */
static void fold_sum(const struct folding *f, const struct vector *v, const uint64_t *map)
{
    struct reg *target = &f->run->regs[f->op->target];
    if (v->type.kind == KIND_REAL) {
        double *out = target->lanes;
        EACH_VALUE(f, map, { out[row] = (first ? 0 : out[row]) + vector_real(v, e); });
    } else {
        int128 *out = target->lanes;
        EACH_VALUE(f, map, {
            if (!number_add(first ? 0 : out[row], vector_exact(v, e), &out[row]))
                bitmap_set(f->pieces->failed, row);
        });
    }
}

static void fold_aggregate(const struct folding *f, const struct frame *inner)
{
    struct reg *target = &f->run->regs[f->op->target];
    const struct pieces *p = f->pieces;
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
        f->run->kernels->count(map, p->from, p->to, p->rows,
                               (int64_t *)target->lanes + p->row);
        break;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        if (v.type.kind != KIND_NULL)
            fold_extreme(f, &v, map);
        break;
    default:
        f->run->kernels->count(map, p->from, p->to, p->rows, f->pieces->counts + p->row);
        if (v.type.kind != KIND_NULL)
            fold_sum(f, &v, map);
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
    if (aggregate == AGGREGATE_SUM || aggregate == AGGREGATE_AVG)
        bitmap_andnot(target->yes, f->pieces->failed, f->rows);
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
        ((double *)target->lanes)[r] = sum / (double)f->pieces->counts[r];
    }
}

/* --- the operation ---------------------------------------------------------------------- */

static struct list open_list(const struct fold *fold, const struct frame *frame,
                             uint64_t *room)
{
    struct list list = {.frame = frame, .owner = frame};
    while (list.owner->level > fold->list->level)
        list.owner = list.owner->outer;
    list.column = machine_column(list.owner, fold->list, room, &list.valid);
    return list;
}

static void begin(const struct folding *f, const struct list *list, struct frame *inner)
{
    struct reg *target = &f->run->regs[f->op->target];
    struct pieces *p = f->pieces;
    p->row = p->rows = 0;
    p->resume = -1;
    bitmap_zero(target->yes, f->rows);
    bitmap_zero(target->no, f->rows);
    if (f->fold->kind == FOLD_AGGREGATE) {
        enum aggregate aggregate = f->fold->aggregate;
        if (aggregate == AGGREGATE_COUNT || aggregate == AGGREGATE_COUNT_ROWS)
            memset(target->lanes, 0, f->rows * sizeof(int64_t));
        memset(p->counts, 0, sizeof(p->counts));
        memset(p->failed, 0, sizeof(p->failed));
    }
    const struct column *element = &list->column->children[0];
    bool plain = element->type != COLUMN_STRUCT;
    inner->columns = plain ? element : element->children;
    inner->elements = plain ? NULL : element->validity;
    inner->outer = list->frame;
    inner->level = list->frame->level + 1;
}

void fold_operation(struct machine *run, const struct frame *frame, const struct op *op)
{
    const struct fold *fold = op->fold;
    struct frame *inner = &run->frames[frame->level + 1];
    struct folding f = {.run = run,
                        .op = op,
                        .fold = fold,
                        .pieces = &run->pieces[frame->level],
                        .rows = frame->rows};
    uint64_t room[FRAME_WORDS + 1];
    struct list list = open_list(fold, frame, room);
    if (fold->mask.kind == OPERAND_REGISTER)
        list.irrelevant = machine_truth(run, fold->mask).yes;
    begin(&f, &list, inner);
    bool lengths = fold->kind == FOLD_AGGREGATE &&
                   fold->aggregate == AGGREGATE_COUNT_ROWS &&
                   fold->filter.kind == OPERAND_NONE;
    while (next_piece(&list, f.pieces, inner)) {
        if (lengths) {
            fold_lengths(&f);
            continue;
        }
        if (inner->rows > 0) {
            if (fold->block->correlated)
                name_parents(f.pieces, inner);
            machine_block(run, fold->block, inner);
        }
        if (fold->kind == FOLD_AGGREGATE)
            fold_aggregate(&f, inner);
        else
            fold_condition(&f, inner);
    }
    if (fold->kind == FOLD_AGGREGATE)
        finish_aggregate(&f);
    else
        finish_condition(&f);
}
