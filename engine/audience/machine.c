/* machine: see machine.h. */
#include "engine/audience/machine.h"

#include <stdlib.h>

#define SLAB_BYTES (256 * 1024)

struct slab {
    struct slab *older;
    size_t bytes;
    char data[];
};

/* --- what operations share -------------------------------------------------------------- */

struct vector machine_vector(const struct machine *run, struct operand o)
{
    static const uint64_t none[FRAME_WORDS];
    static const struct constant null = {0};
    if (o.kind == OPERAND_REGISTER) {
        const struct reg *reg = &run->regs[o.index];
        return (struct vector){reg->data, reg->valid, 1, o.type};
    }
    const struct constant *c = o.constant ? o.constant : &null;
    const void *data = o.type.kind == KIND_REAL   ? (const void *)&c->real
                       : o.type.kind == KIND_TEXT ? (const void *)&c->text
                                                  : (const void *)&c->number;
    return (struct vector){data, o.type.kind == KIND_NULL ? none : NULL, 0, o.type};
}

const uint64_t *machine_valid(const uint64_t *a, const uint64_t *b, size_t rows,
                              uint64_t *room)
{
    if (!a || !b)
        return a ? a : b;
    for (size_t w = 0; w < bitmap_words(rows); w++)
        room[w] = a[w] & b[w];
    return room;
}

/* bits_of: a column's bitmap from the frame's first row on; gathered in room where rows are picked. */
static const uint64_t *bits_of(const struct frame *frame, const uint64_t *bits,
                               uint64_t *room)
{
    if (!bits || !frame->picks)
        return bits ? bits + frame->first / 64 : NULL;
    for (size_t w = 0; w < bitmap_words(frame->rows); w++) {
        uint64_t word = 0;
        for (size_t i = 64 * w; i < frame->rows && i < 64 * w + 64; i++)
            word |= (uint64_t)bitmap_get(bits, (size_t)frame->picks[i]) << (i % 64);
        room[w] = word;
    }
    return room;
}

const struct column *machine_column(const struct frame *frame, const struct place *place,
                                    uint64_t *room, const uint64_t **valid_out)
{
    const struct column *column = NULL, *siblings = frame->columns;
    uint64_t picked[FRAME_WORDS];
    *valid_out = bits_of(frame, frame->elements, room);
    for (uint32_t i = 0; i < place->depth; i++) {
        column = &siblings[place->path[i]];
        siblings = column->children;
        const uint64_t *valid =
            bits_of(frame, column->validity, *valid_out ? picked : room);
        *valid_out = machine_valid(*valid_out, valid, frame->rows, room);
    }
    return column;
}

const uint64_t *machine_bits(const struct frame *frame, const struct column *column,
                             uint64_t *room)
{
    return bits_of(frame, column->values, room);
}

unsigned machine_width_log2(enum column_type type)
{
    static const uint8_t widths[] = {
        [COLUMN_INT8] = 0,    [COLUMN_INT16] = 1,   [COLUMN_INT32] = 2,
        [COLUMN_INT64] = 3,   [COLUMN_UINT8] = 0,   [COLUMN_UINT16] = 1,
        [COLUMN_UINT32] = 2,  [COLUMN_UINT64] = 3,  [COLUMN_FLOAT16] = 1,
        [COLUMN_FLOAT32] = 2, [COLUMN_FLOAT64] = 3, [COLUMN_DECIMAL128] = 4,
        [COLUMN_DATE32] = 2,  [COLUMN_DATE64] = 3,  [COLUMN_TIMESTAMP] = 3};
    return widths[type];
}

const void *machine_values(const struct machine *run, const struct frame *frame,
                           const struct column *column, unsigned log2)
{
    const char *values = column->values;
    if (!frame->picks)
        return values + ((size_t)frame->first << log2);
    for (size_t i = 0; i < frame->rows; i++)
        memcpy((char *)run->picked + (i << log2),
               values + ((size_t)frame->picks[i] << log2), (size_t)1 << log2);
    return run->picked;
}

void machine_settle(const uint64_t *raw, const uint64_t *valid, size_t rows,
                    struct reg *target)
{
    for (size_t w = 0; w < bitmap_words(rows); w++) {
        uint64_t there = valid ? valid[w] : ~0ull, yes = raw[w];
        target->yes[w] = yes & there;
        target->no[w] = ~yes & there;
    }
}

char *machine_pool(struct machine *run, size_t bytes)
{
    struct text_pool *pool = &run->pool;
    if (!pool->slabs || pool->used_bytes + bytes > pool->slabs->bytes) {
        size_t size = bytes > SLAB_BYTES ? bytes : SLAB_BYTES;
        struct slab *slab = malloc(sizeof(*slab) + size);
        CHECK(slab != NULL);
        *slab = (struct slab){.older = pool->slabs, .bytes = size};
        pool->slabs = slab;
        pool->used_bytes = 0;
    }
    pool->used_bytes += bytes;
    return pool->slabs->data + pool->used_bytes - bytes;
}

void machine_pool_reset(struct machine *run, bool keep)
{
    struct text_pool *pool = &run->pool;
    while (pool->slabs && (!keep || pool->slabs->older)) {
        struct slab *slab = pool->slabs;
        pool->slabs = slab->older;
        free(slab);
    }
    pool->used_bytes = 0;
}

/* --- conditions among themselves -------------------------------------------------------- */

static void truth(struct machine *run, const struct op *op)
{
    const struct constant *c = op->a.constant;
    bool known = c->type.kind == KIND_BOOL;
    struct reg *target = &run->regs[op->target];
    memset(target->yes, known && c->boolean ? 0xFF : 0, FRAME_WORDS * 8);
    memset(target->no, known && !c->boolean ? 0xFF : 0, FRAME_WORDS * 8);
}

static void join(struct machine *run, const struct op *op)
{
    struct truth a = machine_truth(run, op->a), b = machine_truth(run, op->b);
    if (op->code == OP_OR) { /* De Morgan: the same with the sides exchanged */
        a = (struct truth){a.no, a.yes};
        b = (struct truth){b.no, b.yes};
    }
    for (size_t w = 0; w < FRAME_WORDS; w++) {
        a.yes[w] &= b.yes[w];
        a.no[w] |= b.no[w];
    }
}

static void is(struct machine *run, const struct op *op)
{
    struct truth a = machine_truth(run, op->a);
    struct reg *target = &run->regs[op->target];
    for (size_t w = 0; w < FRAME_WORDS; w++) {
        uint64_t yes = op->test == TEST_TRUE    ? a.yes[w]
                       : op->test == TEST_FALSE ? a.no[w]
                                                : ~(a.yes[w] | a.no[w]);
        target->yes[w] = yes;
        target->no[w] = ~yes;
    }
}

static void coalesce(struct machine *run, const struct op *op)
{
    struct truth a = machine_truth(run, op->a), b = machine_truth(run, op->b);
    struct reg *target = &run->regs[op->target];
    for (size_t w = 0; w < FRAME_WORDS; w++) {
        uint64_t open = ~(a.yes[w] | a.no[w]);
        uint64_t yes = a.yes[w] | (open & b.yes[w]), no = a.no[w] | (open & b.no[w]);
        target->yes[w] = yes;
        target->no[w] = no;
    }
}

static void never_false(struct machine *run, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    memcpy(target->yes, machine_truth(run, op->a).yes, FRAME_WORDS * 8);
    memset(target->no, 0, FRAME_WORDS * 8);
}

/* certain: the operand is true for every row of the frame. */
static bool certain(const struct machine *run, const struct frame *frame,
                    struct operand o)
{
    const uint64_t *yes = machine_truth(run, o).yes;
    uint64_t all = ~0ull;
    for (size_t w = 0; w < frame->rows / 64; w++)
        all &= yes[w];
    if (frame->rows % 64)
        all &= yes[frame->rows / 64] | ~0ull << (frame->rows % 64);
    return all == ~0ull;
}

void machine_block(struct machine *run, const struct block *block,
                   const struct frame *frame)
{
    for (size_t at = 0; at < block->count; at++) {
        const struct op *op = &block->ops[at];
        switch (op->code) {
        case OP_SKIP:
            if (certain(run, frame, op->a))
                at = op->target - 1;
            break;
        case OP_TRUTH:
            truth(run, op);
            break;
        case OP_AND:
        case OP_OR:
            join(run, op);
            break;
        case OP_IS:
            is(run, op);
            break;
        case OP_COALESCE_BOOL:
            coalesce(run, op);
            break;
        case OP_NEVER_FALSE:
            never_false(run, op);
            break;
        case OP_FOLD:
            fold_operation(run, frame, op);
            break;
        default:
            if (op->code >= OP_LOAD)
                lanes_operation(run, frame, op);
            else
                matching_operation(run, frame, op);
            break;
        }
    }
}
