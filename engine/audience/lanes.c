/* lanes: operations that make values. Integers, dates and times go through 64-bit lanes,
 * decimals and what may overflow 64 bits through 128-bit ones, reals are doubles, texts
 * are views. */
#include "engine/audience/machine.h"

#include "engine/audience/arithmetic.h"

#include <utf8proc.h>

static const size_t lane_bytes_max = sizeof(int128);

/* --- columns ---------------------------------------------------------------------------- */

static float half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value;
    if (exponent == 0) { /* zero and subnormals: fraction × 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    uint32_t wide =
        sign | (exponent == 31 ? 0xFF : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &wide, sizeof(value));
    return value;
}

#define WIDEN(type, to)                                                                  \
    for (size_t i = 0; i < rows; i++)                                                    \
    ((to *)out)[i] = ((const type *)values)[i]

/* load_fixed: the values found in a column as our lanes, in out; or values itself, where they are
 * ours already. */
static const void *load_fixed(enum column_type type, const void *values, size_t rows,
                              void *out)
{
    switch (type) {
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
    case COLUMN_FLOAT64:
    case COLUMN_DECIMAL128:
        return values;
    case COLUMN_INT8:
        WIDEN(int8_t, int64_t);
        break;
    case COLUMN_INT16:
        WIDEN(int16_t, int64_t);
        break;
    case COLUMN_INT32:
    case COLUMN_DATE32:
        WIDEN(int32_t, int64_t);
        break;
    case COLUMN_UINT8:
        WIDEN(uint8_t, int64_t);
        break;
    case COLUMN_UINT16:
        WIDEN(uint16_t, int64_t);
        break;
    case COLUMN_UINT32:
        WIDEN(uint32_t, int64_t);
        break;
    case COLUMN_UINT64:
        WIDEN(uint64_t, int128);
        break;
    case COLUMN_FLOAT32:
        WIDEN(float, double);
        break;
    case COLUMN_FLOAT16:
        for (size_t i = 0; i < rows; i++)
            ((double *)out)[i] = half(((const uint16_t *)values)[i]);
        break;
    default:
        CHECK(type == COLUMN_DATE64);
        for (size_t i = 0; i < rows; i++) {
            int64_t ms = ((const int64_t *)values)[i];
            ((int64_t *)out)[i] = ms / 86400000 - (ms % 86400000 < 0);
        }
        break;
    }
    return out;
}

void lanes_load_text(const struct column *column, const int32_t *picks, int64_t first,
                     size_t rows, const uint64_t *valid, struct text *out)
{
    const char *bytes = column->values ? column->values : "";
    if (column->type == COLUMN_UTF8 && !picks) {
        const int32_t *at = (const int32_t *)column->offsets + first;
        for (size_t i = 0; i < rows; i++)
            out[i] = (struct text){bytes + at[i], (size_t)(at[i + 1] - at[i])};
        return;
    }
    /* What a null row holds in a view or a code is not to be trusted. */
    for (size_t i = 0; i < rows; i++) {
        int64_t place = picks ? picks[i] : first + (int64_t)i;
        out[i] = valid && !bitmap_get(valid, i) ? TEXT_NONE : column_text(column, place);
    }
}

/* dictionary_valid: valid without the rows whose dictionary entry is null. */
static const uint64_t *dictionary_valid(const struct column *column,
                                        const struct text *texts, size_t rows,
                                        const uint64_t *valid, uint64_t *room)
{
    if (column->type != COLUMN_DICTIONARY || !column->dictionary->validity)
        return valid;
    for (size_t w = 0; w < bitmap_words(rows); w++) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64 && 64 * w + i < rows; i++)
            word |= (uint64_t)(texts[64 * w + i].data != NULL) << i;
        room[w] = valid ? word & valid[w] : word;
    }
    return room;
}

void lanes_load(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    const struct column *column =
        machine_column(frame, op->a.place, target->yes, &target->valid);
    target->data = target->lanes;
    if (op->a.type.kind == KIND_TEXT) {
        lanes_load_text(column, frame->picks, frame->first, frame->rows, target->valid,
                        target->lanes);
        target->valid = dictionary_valid(column, target->lanes, frame->rows,
                                         target->valid, target->yes);
        return;
    }
    unsigned log2 = machine_width_log2(column->type);
    const void *values = machine_values(run, frame, column, log2);
    const void *loaded = load_fixed(column->type, values, frame->rows, target->lanes);
    if (loaded == run->picked) /* which is not ours to keep */
        memcpy(target->lanes, loaded, (size_t)frame->rows << log2);
    else
        target->data = loaded;
}

/* --- arithmetic ------------------------------------------------------------------------- */

/* start: an operation's result is there where its operands are, until clear() says
 * otherwise. */
static void start(struct reg *target, const uint64_t *a, const uint64_t *b, size_t rows)
{
    bitmap_fill(target->yes, rows);
    if (a)
        bitmap_and(target->yes, a, rows);
    if (b)
        bitmap_and(target->yes, b, rows);
    target->valid = target->yes;
    target->data = target->lanes;
}

/* narrow: 64-bit lanes without scales, the common case. */
static void narrow(enum arithmetic op, const struct vector *a, const struct vector *b,
                   size_t rows, struct reg *target)
{
    const int64_t *x = a->data, *y = b->data;
    int64_t *out = target->lanes;
    for (size_t i = 0; i < rows; i++) {
        int64_t p = x[i * a->stride], q = y[i * b->stride];
        bool bad = op == ADD        ? __builtin_add_overflow(p, q, &out[i])
                   : op == SUBTRACT ? __builtin_sub_overflow(p, q, &out[i])
                   : op == MULTIPLY ? __builtin_mul_overflow(p, q, &out[i])
                                    : q == 0 || (q == -1 && p == INT64_MIN);
        if (!bad && op == DIVIDE)
            out[i] = p / q;
        if (op == MODULO && q != 0) {
            bad = false;
            out[i] = q == -1 ? 0 : p % q;
        }
        if (bad)
            bitmap_clear(target->yes, i);
    }
}

static void arithmetic(struct machine *run, const struct frame *frame,
                       const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a), b = machine_vector(run, op->b);
    start(target, a.valid, b.valid, frame->rows);
    if (op->type.kind == KIND_REAL) {
        for (size_t i = 0; i < frame->rows; i++) {
            if (!arithmetic_real(op->arithmetic, vector_real(&a, i), vector_real(&b, i),
                                 (double *)target->lanes + i))
                bitmap_clear(target->yes, i);
        }
        return;
    }
    if (!op->type.wide && !a.type.wide && !b.type.wide) {
        narrow(op->arithmetic, &a, &b, frame->rows, target);
        return;
    }
    for (size_t i = 0; i < frame->rows; i++) {
        int128 out = 0;
        if (!arithmetic_exact(op->arithmetic, vector_exact(&a, i), a.type.scale,
                              vector_exact(&b, i), b.type.scale, op->type, &out))
            bitmap_clear(target->yes, i);
        if (op->type.wide)
            ((int128 *)target->lanes)[i] = out;
        else
            ((int64_t *)target->lanes)[i] = (int64_t)out;
    }
}

static bool negated(int128 value, const struct op *op, const struct machine *run,
                    int128 *out)
{
    (void)run;
    return number_subtract(0, value, out) && (op->type.wide || *out <= INT64_MAX);
}

static bool shifted(int128 value, const struct op *op, const struct machine *run,
                    int128 *out)
{
    return arithmetic_shift(value, op->a.type, &op->interval, run->zone, op->type, out);
}

/* converted: between scales, and between the kinds of time. */
static bool converted(int128 value, const struct op *op, const struct machine *run,
                      int128 *out)
{
    struct type from = op->a.type, to = op->type;
    int32_t scale = from.scale;
    if (from.kind != to.kind) {
        int128 ns;
        if (from.kind == KIND_DATE)
            ns = value * CALENDAR_DAY_NS;
        else if (!number_rescale(value, 9 - scale, &ns))
            return false;
        if (to.kind == KIND_INSTANT)
            ns = calendar_instant(run->zone, ns);
        else if (from.kind == KIND_INSTANT)
            ns = calendar_wall(run->zone, ns);
        /* A zone moves by whole seconds, so nothing is lost on the way back to the scale.
         */
        value = ns;
        scale = 9;
        while (scale > to.scale) {
            value = number_floor(value, 10);
            scale--;
        }
    }
    return number_rescale(value, to.scale - scale, out) &&
           (to.wide || (*out >= INT64_MIN && *out <= INT64_MAX));
}

static void
each_exact(struct machine *run, const struct frame *frame, const struct op *op,
           bool (*one)(int128, const struct op *, const struct machine *, int128 *))
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a);
    start(target, a.valid, NULL, frame->rows);
    for (size_t i = 0; i < frame->rows; i++) {
        int128 out = 0;
        if (bitmap_get(target->yes, i) && !one(vector_exact(&a, i), op, run, &out))
            bitmap_clear(target->yes, i);
        if (op->type.wide)
            ((int128 *)target->lanes)[i] = out;
        else
            ((int64_t *)target->lanes)[i] = (int64_t)out;
    }
}

static void each_real(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a);
    double sign = op->code == OP_NEGATE ? -1 : 1;
    start(target, a.valid, NULL, frame->rows);
    for (size_t i = 0; i < frame->rows; i++)
        ((double *)target->lanes)[i] = sign * vector_real(&a, i);
}

/* --- texts ------------------------------------------------------------------------------ */

/* cased: a code point never takes more than twice the bytes in the other case. */
static struct text cased(struct machine *run, struct text t, bool upper)
{
    char *out = machine_pool(run, 2 * t.bytes);
    size_t bytes = 0;
    const char *at = t.data, *end = t.data + t.bytes;
    while (at < end) {
        uint32_t c = utf8_next(&at, end);
        if (c == UTF8_BAD)
            out[bytes++] = at[-1];
        else
            bytes += utf8_encode((uint32_t)(upper ? utf8proc_toupper((int32_t)c)
                                                  : utf8proc_tolower((int32_t)c)),
                                 out + bytes);
    }
    return (struct text){out, bytes};
}

static int64_t length(struct text t)
{
    int64_t count = 0;
    for (size_t i = 0; i < t.bytes; i++)
        count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
    return count;
}

static void each_text(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a);
    start(target, a.valid, NULL, frame->rows);
    for (size_t i = 0; i < frame->rows; i++) {
        struct text t = bitmap_get(target->yes, i) ? vector_text(&a, i) : TEXT_NONE;
        if (op->code == OP_LENGTH)
            ((int64_t *)target->lanes)[i] = length(t);
        else
            ((struct text *)target->lanes)[i] = t.data ? cased(run, t, op->upper) : t;
    }
}

/* --- choosing and moving ---------------------------------------------------------------- */

static size_t lane_bytes(struct type type)
{
    if (type.kind == KIND_TEXT)
        return sizeof(struct text);
    return type.wide ? sizeof(int128) : sizeof(int64_t);
}

static void coalesce(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    struct vector a = machine_vector(run, op->a), b = machine_vector(run, op->b);
    size_t bytes = lane_bytes(op->type);
    for (size_t i = 0; i < frame->rows; i++) {
        const struct vector *v = !a.valid || bitmap_get(a.valid, i) ? &a : &b;
        memcpy((char *)target->lanes + i * bytes,
               (const char *)v->data + i * v->stride * bytes, bytes);
    }
    if (a.valid && b.valid) {
        bitmap_copy(target->yes, a.valid, frame->rows);
        bitmap_or(target->yes, b.valid, frame->rows);
    }
    target->valid = a.valid && b.valid ? target->yes : NULL;
    target->data = target->lanes;
}

static void gather_bits(const struct frame *frame, const uint64_t *from, uint64_t *out)
{
    for (size_t w = 0; w < bitmap_words(frame->rows); w++) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64 && 64 * w + i < frame->rows; i++)
            word |= (uint64_t)bitmap_get(from, frame->parents[64 * w + i]) << i;
        out[w] = word;
    }
}

static void gather(struct machine *run, const struct frame *frame, const struct op *op)
{
    struct reg *target = &run->regs[op->target];
    if (op->code == OP_GATHER_BOOL) {
        struct truth a = machine_truth(run, op->a);
        gather_bits(frame, a.yes, target->yes);
        gather_bits(frame, a.no, target->no);
        return;
    }
    struct vector a = machine_vector(run, op->a);
    size_t bytes = lane_bytes(op->type);
    CHECK(bytes <= lane_bytes_max);
    for (size_t i = 0; i < frame->rows; i++)
        memcpy((char *)target->lanes + i * bytes,
               (const char *)a.data + frame->parents[i] * a.stride * bytes, bytes);
    if (a.valid)
        gather_bits(frame, a.valid, target->yes);
    target->valid = a.valid ? target->yes : NULL;
    target->data = target->lanes;
}

void lanes_operation(struct machine *run, const struct frame *frame, const struct op *op)
{
    bool real = op->type.kind == KIND_REAL;
    switch (op->code) {
    case OP_LOAD:
        lanes_load(run, frame, op);
        break;
    case OP_ARITHMETIC:
        arithmetic(run, frame, op);
        break;
    case OP_NEGATE:
        real ? each_real(run, frame, op) : each_exact(run, frame, op, negated);
        break;
    case OP_SHIFT:
        each_exact(run, frame, op, shifted);
        break;
    case OP_CONVERT:
        real ? each_real(run, frame, op) : each_exact(run, frame, op, converted);
        break;
    case OP_CASE:
    case OP_LENGTH:
        each_text(run, frame, op);
        break;
    case OP_COALESCE:
        coalesce(run, frame, op);
        break;
    default:
        gather(run, frame, op);
        break;
    }
}
