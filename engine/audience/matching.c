/* matching: operations that turn values into conditions. Each makes a raw bitmap first,
 * right or wrong where a value is missing, and settles it with the validity bitmap. */
#include "engine/audience/machine.h"

#include "base/hash.h"

/* raw: a bitmap of what test says of each row i. */
#define EACH_ROW(raw, rows, test)                                                        \
    for (size_t w = 0; w < bitmap_words(rows); w++) {                                    \
        uint64_t word = 0;                                                               \
        size_t last = (rows)-64 * w < 64 ? (rows)-64 * w : 64;                           \
        for (size_t bit = 0; bit < last; bit++) {                                        \
            size_t i = 64 * w + bit;                                                     \
            word |= (uint64_t)(test) << bit;                                             \
        }                                                                                \
        (raw)[w] = word;                                                                 \
    }

/* The native values of an operand: a column's own, or a register's lanes. */
struct native {
    const void *values;
    const uint64_t *valid;
    enum column_type type;
};

static struct native native(struct machine *run, const struct frame *frame,
                            const struct op *op, uint64_t *room)
{
    struct native n;
    if (op->a.kind == OPERAND_COLUMN) {
        const struct column *column = machine_column(frame, op->a.place, room, &n.valid);
        n.type = column->type;
        n.values = machine_values(run, frame, column, machine_width_log2(column->type));
    } else {
        struct vector v = machine_vector(run, op->a);
        n = (struct native){v.data, v.valid, COLUMN_FLOAT64};
    }
    return n;
}

static void range(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct native n = native(run, frame, op, target->no);
    if (op->range.empty)
        bitmap_zero(target->yes, frame->rows);
    else
        run->kernels->range[machine_width_log2(op->range.native)](
            n.values, frame->rows, op->range.low, op->range.span, target->yes);
    machine_settle(target->yes, n.valid, frame->rows, target);
}

static void range_wide(struct machine *run, const struct frame *frame,
                       const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct native n = native(run, frame, op, target->no);
    const int128 *x = n.values, low = op->wide->low, high = op->wide->high;
    EACH_ROW(target->yes, frame->rows, x[i] >= low && x[i] <= high);
    machine_settle(target->yes, n.valid, frame->rows, target);
}

static void range_real(struct machine *run, const struct frame *frame,
                       const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct native n = native(run, frame, op, target->no);
    kernel_real_fn *kernel =
        n.type == COLUMN_FLOAT32 ? run->kernels->real32 : run->kernels->real64;
    kernel(n.values, frame->rows, op->real->low, op->real->high, op->real->nan,
           target->yes);
    machine_settle(target->yes, n.valid, frame->rows, target);
}

static bool among(const struct op *op, int64_t value)
{
    const int64_t *at = op->set.values;
    size_t left = op->set.count;
    while (left > 1) {
        size_t half = left / 2;
        at += at[half] <= value ? half : 0;
        left -= half;
    }
    return left == 1 && *at == value;
}

static void set(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a);
    const int64_t *x = a.data;
    EACH_ROW(target->yes, frame->rows, among(op, x[i]));
    machine_settle(target->yes, a.valid, frame->rows, target);
}

/* --- two values ------------------------------------------------------------------------- */

/* fits: the result of a comparison, -1, 0 or 1, is one the order allows. */
static bool fits(enum order order, int result)
{
    return (unsigned)order >> (result + 1) & 1;
}

static int mixed_compare(const struct vector *a, const struct vector *b, size_t i)
{
    if (a->type.kind == KIND_EXACT && a->type.scale == 0)
        return -real_compare_integer(vector_real(b, i), vector_exact(a, i));
    if (b->type.kind == KIND_EXACT && b->type.scale == 0)
        return real_compare_integer(vector_real(a, i), vector_exact(b, i));
    return real_compare(vector_real(a, i), vector_real(b, i));
}

static void compare_raw(enum order order, const struct vector *a, const struct vector *b,
                        size_t rows, uint64_t *raw)
{
    enum kind kind = a->type.kind == KIND_NULL ? b->type.kind : a->type.kind;
    if (a->type.kind == KIND_NULL || b->type.kind == KIND_NULL) {
        bitmap_zero(raw, rows);
    } else if (kind == KIND_TEXT) {
        EACH_ROW(
            raw, rows,
            fits(order, machine_compare_texts(vector_text(a, i), vector_text(b, i))));
    } else if (a->type.kind == KIND_REAL && b->type.kind == KIND_REAL) {
        EACH_ROW(raw, rows,
                 fits(order, real_compare(vector_real(a, i), vector_real(b, i))));
    } else if (a->type.kind == KIND_REAL || b->type.kind == KIND_REAL) {
        EACH_ROW(raw, rows, fits(order, mixed_compare(a, b, i)));
    } else if (!a->type.wide && !b->type.wide && a->type.scale == b->type.scale) {
        const int64_t *x = a->data, *y = b->data;
        EACH_ROW(raw, rows,
                 fits(order, (x[i * a->stride] > y[i * b->stride]) -
                                 (x[i * a->stride] < y[i * b->stride])));
    } else {
        EACH_ROW(raw, rows,
                 fits(order, number_compare(vector_exact(a, i), a->type.scale,
                                            vector_exact(b, i), b->type.scale)));
    }
}

/* settle_distinct: yes where exactly one is missing, or both are there and differ. */
static void settle_distinct(const uint64_t *a_valid, const uint64_t *b_valid, size_t rows,
                            struct reg *target)
{
    for (size_t w = 0; w < bitmap_words(rows); w++) {
        uint64_t a = a_valid ? a_valid[w] : ~0ull, b = b_valid ? b_valid[w] : ~0ull;
        target->yes[w] = (target->yes[w] & a & b) | (a ^ b);
        target->no[w] = ~target->yes[w];
    }
}

static void compare(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a), b = machine_vector(run, op->b);
    compare_raw(op->order, &a, &b, frame->rows, target->yes);
    if (op->distinct)
        settle_distinct(a.valid, b.valid, frame->rows, target);
    else
        machine_settle(target->yes,
                       machine_valid(a.valid, b.valid, frame->rows, target->no),
                       frame->rows, target);
}

/* compare_bool: false is less than true. */
static void compare_bool(struct machine *run, const struct frame *frame,
                         const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct truth a = machine_truth(run, op->a), b = machine_truth(run, op->b);
    for (size_t w = 0; w < bitmap_words(frame->rows); w++) {
        uint64_t a_valid = a.yes[w] | a.no[w], b_valid = b.yes[w] | b.no[w];
        uint64_t raw = (op->order & ORDER_LESS ? a.no[w] & b.yes[w] : 0) |
                       (op->order & ORDER_EQUAL ? ~(a.yes[w] ^ b.yes[w]) : 0) |
                       (op->order & ORDER_GREATER ? a.yes[w] & b.no[w] : 0);
        uint64_t both = a_valid & b_valid;
        target->yes[w] = raw & both;
        target->no[w] = ~raw & both;
        if (op->distinct) {
            target->yes[w] |= a_valid ^ b_valid;
            target->no[w] = ~target->yes[w];
        }
    }
}

/* --- texts ------------------------------------------------------------------------------ */

static bool in_text_set(const struct text_test *test, struct text t)
{
    size_t slot = hash64(t.data, t.bytes) & (test->slots - 1);
    while (test->set[slot].data && !text_equal(test->set[slot], t))
        slot = (slot + 1) & (test->slots - 1);
    return test->set[slot].data != NULL;
}

/* test_texts: raw and valid texts; those that are none (data NULL) may come out either
 * way. */
static void test_texts(const struct text_test *test, const struct text *texts,
                       size_t rows, uint64_t *raw)
{
    switch (test->kind) {
    case TEXT_ORDER:
        if (test->order == ORDER_EQUAL) {
            EACH_ROW(raw, rows, text_equal(texts[i], test->text));
        } else {
            EACH_ROW(raw, rows,
                     fits(test->order, machine_compare_texts(texts[i], test->text)));
        }
        break;
    case TEXT_LIKE:
        EACH_ROW(raw, rows, texts[i].data && like_matches(&test->like, texts[i]));
        break;
    default:
        EACH_ROW(raw, rows, texts[i].data && in_text_set(test, texts[i]));
        break;
    }
}

/* same_bytes: bytes equal to those of wanted, several at a time; most differ early. */
static bool same_bytes(const char *p, struct text wanted)
{
    if (wanted.bytes >= 8) {
        uint64_t a, b;
        memcpy(&a, p, 8);
        memcpy(&b, wanted.data, 8);
        return a == b && memcmp(p + 8, wanted.data + 8, wanted.bytes - 8) == 0;
    }
    if (wanted.bytes >= 4) {
        uint32_t a[2], b[2];
        memcpy(&a[0], p, 4);
        memcpy(&b[0], wanted.data, 4);
        memcpy(&a[1], p + wanted.bytes - 4, 4);
        memcpy(&b[1], wanted.data + wanted.bytes - 4, 4);
        return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
    }
    if (wanted.bytes >= 2) {
        uint16_t a[2], b[2];
        memcpy(&a[0], p, 2);
        memcpy(&b[0], wanted.data, 2);
        memcpy(&a[1], p + wanted.bytes - 2, 2);
        memcpy(&b[1], wanted.data + wanted.bytes - 2, 2);
        return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
    }
    return wanted.bytes == 0 || p[0] == wanted.data[0];
}

/* equal_utf8: equality with a constant reads the lengths first and only then the bytes.
 */
static void equal_utf8(const struct machine *run, const struct frame *frame,
                       const struct column *column, struct text wanted, uint64_t *raw)
{
    const int32_t *at = (const int32_t *)column->offsets + frame->first;
    if (wanted.bytes > INT32_MAX) {
        bitmap_zero(raw, frame->rows);
        return;
    }
    run->kernels->lengths(at, frame->rows, (int32_t)wanted.bytes, raw);
    if (wanted.bytes == 0)
        return;
    for (size_t w = 0; w < bitmap_words(frame->rows); w++) {
        uint64_t word = raw[w];
        for (uint64_t rest = word; rest; rest &= rest - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(rest);
            bool same =
                same_bytes((const char *)column->values + at[64 * w + bit], wanted);
            word &= ~((uint64_t)!same << bit);
        }
        raw[w] = word;
    }
}

static unsigned code_at(const void *codes, unsigned log2, size_t i)
{
    return log2 == 0   ? ((const uint8_t *)codes)[i]
           : log2 == 1 ? ((const uint16_t *)codes)[i]
           : log2 == 2 ? ((const uint32_t *)codes)[i]
                       : (unsigned)((const uint64_t *)codes)[i];
}

/* codes_in: rows whose code's bit is set in entries. One run of codes, the usual result
 * of an equality, is a range of numbers. */
static void codes_in(const struct machine *run, const void *codes, unsigned log2,
                     size_t rows, const uint64_t *entries, size_t entry_count,
                     uint64_t *raw)
{
    size_t first = bitmap_next(entries, 0, entry_count), end = first;
    while (end < entry_count && bitmap_get(entries, end))
        end++;
    if (first == entry_count) {
        bitmap_zero(raw, rows);
    } else if (bitmap_next(entries, end, entry_count) == entry_count) {
        run->kernels->range[log2](codes, rows, first, end - first - 1, raw);
    } else {
        /* A null row may hold any code. */
        EACH_ROW(raw, rows,
                 code_at(codes, log2, i) < entry_count &&
                     bitmap_get(entries, code_at(codes, log2, i)));
    }
}

/* test_dictionary: test every entry once, then look up the rows' codes. room: lanes for
 * texts. Returns the validity: without rows whose entry is null. */
static const uint64_t *test_dictionary(const struct machine *run,
                                       const struct frame *frame,
                                       const struct column *column,
                                       const struct text_test *test,
                                       const uint64_t *valid, struct reg *target)
{
    const struct column *entries = column->dictionary;
    size_t count = (size_t)entries->rows;
    unsigned log2 = machine_width_log2(column->code_type);
    const void *codes = machine_values(run, frame, column, log2);
    uint64_t matching[FRAME_WORDS + 1], there[FRAME_WORDS];
    struct text *texts = target->lanes;
    lanes_load_text(entries, NULL, 0, count, entries->validity, texts);
    test_texts(test, texts, count, matching);
    if (entries->validity) {
        bitmap_and(matching, entries->validity, count);
        codes_in(run, codes, log2, frame->rows, entries->validity, count, there);
    }
    codes_in(run, codes, log2, frame->rows, matching, count, target->yes);
    return entries->validity ? machine_valid(valid, there, frame->rows, target->no)
                             : valid;
}

static void text(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    const struct text_test *test = op->text;
    if (op->a.kind != OPERAND_COLUMN) {
        struct vector a = machine_vector(run, op->a);
        test_texts(test, a.data, frame->rows, target->yes);
        machine_settle(target->yes, a.valid, frame->rows, target);
        return;
    }
    const uint64_t *valid;
    const struct column *column = machine_column(frame, op->a.place, target->no, &valid);
    if (column->type == COLUMN_DICTIONARY && column->dictionary->rows <= frame->rows) {
        valid = test_dictionary(run, frame, column, test, valid, target);
    } else if (column->type == COLUMN_UTF8 && !frame->picks && test->kind == TEXT_ORDER &&
               test->order == ORDER_EQUAL) {
        equal_utf8(run, frame, column, test->text, target->yes);
    } else {
        struct op load = {.code = OP_LOAD, .target = op->target, .a = op->a};
        lanes_load(run, frame, &load);
        valid = target->valid;
        if (valid == target->yes) {
            bitmap_copy(target->no, valid, frame->rows);
            valid = target->no;
        }
        test_texts(test, target->lanes, frame->rows, target->yes);
    }
    machine_settle(target->yes, valid, frame->rows, target);
}

/* like: the pattern is not known beforehand. */
static bool like_row(const struct op *op, struct text t, struct text pattern,
                     bool *broken)
{
    struct like like;
    char escape[4];
    struct text escape_text = {escape, op->escape ? utf8_encode(op->escape, escape) : 0};
    *broken = like_init(&like, pattern, escape_text, op->fold_case) != 0;
    return !*broken && like_matches(&like, t);
}

static void like(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a), b = machine_vector(run, op->b);
    bitmap_zero(target->yes, frame->rows);
    bitmap_zero(target->no, frame->rows);
    for (size_t i = 0; i < frame->rows; i++) {
        if ((a.valid && !bitmap_get(a.valid, i)) || (b.valid && !bitmap_get(b.valid, i)))
            continue;
        bool broken;
        bool matches = like_row(op, vector_text(&a, i), vector_text(&b, i), &broken);
        if (!broken)
            bitmap_set(matches ? target->yes : target->no, i);
    }
}

/* --- the rest --------------------------------------------------------------------------- */

static void present(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    const uint64_t *valid;
    if (op->a.kind != OPERAND_COLUMN) {
        valid = machine_vector(run, op->a).valid;
    } else if (op->a.type.kind == KIND_TEXT) {
        /* A dictionary's entry may be null too. */
        struct op load = {.code = OP_LOAD, .target = op->target, .a = op->a};
        const struct column *column =
            machine_column(frame, op->a.place, target->no, &valid);
        if (column->type == COLUMN_DICTIONARY && column->dictionary->validity) {
            lanes_load(run, frame, &load);
            valid = target->valid;
        }
    } else {
        machine_column(frame, op->a.place, target->no, &valid);
    }
    for (size_t w = 0; w < bitmap_words(frame->rows); w++) {
        uint64_t there = valid ? valid[w] : ~0ull;
        target->yes[w] = there;
        target->no[w] = ~there;
    }
}

static void bool_column(struct machine *run, const struct frame *frame,
                        const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    const uint64_t *valid;
    const struct column *column = machine_column(frame, op->a.place, target->no, &valid);
    machine_settle(machine_bits(frame, column, target->yes), valid, frame->rows, target);
}

void matching_operation(struct machine *run, const struct frame *frame,
                        const struct op *op)
{
    switch (op->code) {
    case OP_BOOL:
        bool_column(run, frame, op);
        break;
    case OP_PRESENT:
        present(run, frame, op);
        break;
    case OP_RANGE:
        range(run, frame, op);
        break;
    case OP_RANGE_WIDE:
        range_wide(run, frame, op);
        break;
    case OP_RANGE_REAL:
        range_real(run, frame, op);
        break;
    case OP_SET:
        set(run, frame, op);
        break;
    case OP_COMPARE:
        compare(run, frame, op);
        break;
    case OP_COMPARE_BOOL:
        compare_bool(run, frame, op);
        break;
    case OP_TEXT:
        text(run, frame, op);
        break;
    default:
        CHECK(op->code == OP_LIKE);
        like(run, frame, op);
        break;
    }
}
