/* comparing: the half of the compiler that turns comparisons into ranges, sets and text
 * tests. */
#include "engine/audience/generator.h"

#include <math.h>

static bool is_null(struct operand o)
{
    return o.type.kind == KIND_NULL;
}

struct operand comparing_unknown(struct generator *g, struct block *block)
{
    return generator_truth(g, block, &(struct constant){0});
}

static enum order mirrored(enum order order)
{
    return (enum order)((order & ORDER_EQUAL) | (order & ORDER_LESS ? ORDER_GREATER : 0) |
                        (order & ORDER_GREATER ? ORDER_LESS : 0));
}

/* release_but: release o unless it is still kept's register. */
static void release_but(struct generator *g, struct operand o, struct operand kept)
{
    if (kept.kind != OPERAND_REGISTER || o.index != kept.index)
        generator_release(g, o);
}

/* --- ranges ----------------------------------------------------------------------------- */

static enum column_type native_of(struct operand o)
{
    if (o.kind != OPERAND_COLUMN)
        return o.type.wide ? COLUMN_DECIMAL128 : COLUMN_INT64;
    switch (o.place->column->type) {
    case COLUMN_DATE32:
        return COLUMN_INT32;
    case COLUMN_DATE64:
    case COLUMN_TIMESTAMP:
        return COLUMN_INT64;
    default:
        return o.place->column->type;
    }
}

static void limits(enum column_type native, int128 *least, int128 *most)
{
    bool is_signed = native <= COLUMN_INT64;
    unsigned bits = 8u << (is_signed ? native - COLUMN_INT8 : native - COLUMN_UINT8);
    *least = is_signed ? -((int128)1 << (bits - 1)) : 0;
    *most = ((int128)1 << (is_signed ? bits - 1 : bits)) - 1;
}

struct operand comparing_bounds(struct generator *g, struct block *block,
                                struct operand o, struct bounds bounds)
{
    enum column_type native = native_of(o);
    struct operand none = {0};
    struct op *op;
    if (native == COLUMN_DECIMAL128) {
        struct bounds *wide = value_alloc(g->arena, sizeof(*wide));
        op = generator_emit(g, block, OP_RANGE_WIDE, o, none);
        op->wide = wide;
        if (wide)
            *wide = bounds;
    } else {
        int128 least, most;
        limits(native, &least, &most);
        if (o.kind == OPERAND_COLUMN && o.place->column->type == COLUMN_DATE64 &&
            bounds.low <= bounds.high) { /* days to the milliseconds they span */
            const int64_t day_ms = 86400000;
            bounds.low = bounds.low > least / day_ms ? bounds.low * day_ms : least;
            bounds.high = bounds.high < most / day_ms - 1
                              ? bounds.high * day_ms + day_ms - 1
                              : most;
        }
        int128 low = bounds.low > least ? bounds.low : least;
        int128 high = bounds.high < most ? bounds.high : most;
        op = generator_emit(g, block, OP_RANGE, o, none);
        op->range.native = native;
        op->range.empty = low > high;
        op->range.low = (uint64_t)low;
        op->range.span = (uint64_t)(high - low);
    }
    struct operand result = generator_target(op);
    result.negated = bounds.outside;
    return result;
}

struct operand comparing_real_bounds(struct generator *g, struct block *block,
                                     struct operand o, struct real_bounds bounds)
{
    enum column_type native =
        o.kind == OPERAND_COLUMN ? o.place->column->type : COLUMN_FLOAT64;
    if (native == COLUMN_FLOAT16)
        o = generator_loaded(g, block, o);
    if (native == COLUMN_FLOAT32) { /* the outermost floats inside */
        float low = (float)bounds.low, high = (float)bounds.high;
        bounds.low = low < bounds.low ? nextafterf(low, INFINITY) : low;
        bounds.high = high > bounds.high ? nextafterf(high, -INFINITY) : high;
    }
    struct real_bounds *real = arena_alloc(g->arena, sizeof(*real));
    struct op *op = generator_emit(g, block, OP_RANGE_REAL, o, (struct operand){0});
    op->real = real;
    if (real)
        *real = bounds;
    struct operand result = generator_target(op);
    result.negated = bounds.outside;
    if (native == COLUMN_FLOAT16)
        generator_release(g, o);
    return result;
}

/* has_bounds: o compares with the constant as a range of its exact numbers. */
bool comparing_has_bounds(struct operand o, const struct constant *constant)
{
    return o.type.kind != KIND_REAL && o.type.kind != KIND_TEXT &&
           (constant->type.kind != KIND_REAL || o.type.scale == 0);
}

static struct operand against_number(struct generator *g, struct block *block,
                                     enum order order, struct operand o,
                                     const struct constant *constant)
{
    if (comparing_has_bounds(o, constant))
        return comparing_bounds(g, block, o, bounds_exact(order, o.type, constant));
    if (o.type.kind == KIND_REAL)
        return comparing_real_bounds(g, block, o, bounds_real(order, constant));
    struct operand real = generator_as(g, block, o, KIND_REAL);
    struct operand result =
        comparing_real_bounds(g, block, real, bounds_real(order, constant));
    generator_release(g, real);
    return result;
}

/* --- texts ------------------------------------------------------------------------------ */

struct operand comparing_text(struct generator *g, struct block *block, struct operand o,
                              struct text_test test)
{
    struct text_test *kept = arena_alloc(g->arena, sizeof(*kept));
    struct op *op = generator_emit(g, block, OP_TEXT, o, (struct operand){0});
    op->text = kept;
    if (kept)
        *kept = test;
    return generator_target(op);
}

static struct operand against_text(struct generator *g, struct block *block,
                                   enum order order, struct operand o,
                                   const struct constant *constant)
{
    bool outside = order == ORDER_NOT_EQUAL;
    struct text_test test = {.kind = TEXT_ORDER,
                             .order = outside ? ORDER_EQUAL : order,
                             .text = constant->text};
    struct operand result = comparing_text(g, block, o, test);
    result.negated = outside;
    return result;
}

/* --- two sides -------------------------------------------------------------------------- */

struct operand comparing_order(struct generator *g, struct block *block, enum order order,
                               struct operand left, struct operand right)
{
    if (is_null(left) || is_null(right))
        return comparing_unknown(g, block);
    if (left.kind == OPERAND_CONSTANT && right.kind != OPERAND_CONSTANT)
        return comparing_order(g, block, mirrored(order), right, left);
    if (right.kind == OPERAND_CONSTANT && left.kind != OPERAND_CONSTANT)
        return left.type.kind == KIND_TEXT
                   ? against_text(g, block, order, left, right.constant)
                   : against_number(g, block, order, left, right.constant);
    struct operand a = generator_loaded(g, block, left),
                   b = generator_loaded(g, block, right);
    struct op *op = generator_emit(g, block, OP_COMPARE, a, b);
    op->order = order;
    struct operand result = generator_target(op);
    if (left.kind == OPERAND_COLUMN)
        generator_release(g, a);
    if (right.kind == OPERAND_COLUMN)
        generator_release(g, b);
    return result;
}

/* against: left order right, where right says what left has to become first. */
struct operand comparing_against(struct generator *g, struct block *block,
                                 enum order order, struct operand left,
                                 struct node *right)
{
    struct operand a = generator_as(g, block, left, right->left_as);
    struct operand b = generator_value(g, block, right);
    struct operand result = comparing_order(g, block, order, a, b);
    release_but(g, a, left);
    generator_release(g, b);
    return result;
}

static struct operand conditions(struct generator *g, struct block *block,
                                 struct node *node, enum order order, bool distinct)
{
    struct operand a = generator_condition(g, block, node->children);
    struct operand b = generator_condition(g, block, node->children->next);
    struct op *op = generator_emit(g, block, OP_COMPARE_BOOL, a, b);
    op->order = order;
    op->distinct = distinct;
    struct operand result = generator_target(op);
    generator_release(g, a);
    generator_release(g, b);
    return result;
}

static struct operand compare(struct generator *g, struct block *block, struct node *node)
{
    struct node *left = node->children;
    if (left->type.kind == KIND_BOOL || left->next->type.kind == KIND_BOOL)
        return conditions(g, block, node, node->order, false);
    struct operand a = generator_value(g, block, left);
    struct operand result = comparing_against(g, block, node->order, a, left->next);
    generator_release(g, a);
    return result;
}

/* distinct_values: two values of which each may be missing. */
static struct operand distinct_values(struct generator *g, struct block *block,
                                      struct operand left, struct node *right)
{
    struct operand as = generator_as(g, block, left, right->left_as);
    struct operand a = generator_loaded(g, block, as);
    struct operand b = generator_loaded(g, block, generator_value(g, block, right));
    struct op *op = generator_emit(g, block, OP_COMPARE, a, b);
    op->order = ORDER_NOT_EQUAL;
    op->distinct = true;
    struct operand result = generator_target(op);
    generator_release(g, b);
    release_but(g, a, left);
    return result;
}

/* distinct: a IS DISTINCT FROM b is never unknown. */
static struct operand distinct(struct generator *g, struct block *block,
                               struct node *node)
{
    struct node *left = node->children, *right = left->next;
    struct operand result;
    if (left->type.kind == KIND_BOOL || right->type.kind == KIND_BOOL) {
        result = conditions(g, block, node, ORDER_NOT_EQUAL, true);
    } else {
        struct operand l = generator_value(g, block, left);
        bool missing = is_null(l) || right->type.kind == KIND_NULL;
        if (!missing && (l.kind == OPERAND_CONSTANT || right->kind == NODE_LITERAL)) {
            /* A constant is there: what is not equal to it is distinct. */
            struct operand same = comparing_against(g, block, ORDER_EQUAL, l, right);
            struct op *op = generator_emit(g, block, OP_IS, same, (struct operand){0});
            op->test = TEST_TRUE;
            result = generator_target(op);
            result.negated = true;
            generator_release(g, same);
        } else {
            result = distinct_values(g, block, l, right);
        }
        generator_release(g, l);
    }
    result.negated = result.negated != node->negated;
    return result;
}

/* --- LIKE
 * -------------------------------------------------------------------------------------
 */

static struct operand like(struct generator *g, struct block *block, struct node *node)
{
    struct node *pattern = node->children->next, *escape = pattern->next;
    struct text escape_text = escape ? escape->constant.text : TEXT_NONE;
    struct operand o = generator_value(g, block, node->children);
    struct operand p = generator_value(g, block, pattern), result;
    struct text_test test = {.kind = TEXT_LIKE};
    if (is_null(o) || is_null(p) || (escape && escape->type.kind == KIND_NULL)) {
        result = comparing_unknown(g, block);
    } else if (p.kind == OPERAND_CONSTANT && o.kind != OPERAND_CONSTANT &&
               like_init(&test.like, p.constant->text, escape_text, node->fold_case) ==
                   0) {
        result = comparing_text(g, block, o, test);
    } else {
        struct operand a = generator_loaded(g, block, o),
                       b = generator_loaded(g, block, p);
        like_init(&test.like, TEXT(""), escape_text, node->fold_case);
        struct op *op = generator_emit(g, block, OP_LIKE, a, b);
        op->fold_case = node->fold_case;
        op->escape = test.like.escape;
        result = generator_target(op);
        if (o.kind == OPERAND_COLUMN)
            generator_release(g, a);
        if (p.kind == OPERAND_COLUMN)
            generator_release(g, b);
    }
    generator_release(g, o);
    generator_release(g, p);
    return result;
}

struct operand comparing_node(struct generator *g, struct block *block, struct node *node)
{
    struct operand result;
    switch (node->kind) {
    case NODE_COMPARE:
        return compare(g, block, node);
    case NODE_DISTINCT:
        return distinct(g, block, node);
    case NODE_BETWEEN:
        result = among_between(g, block, node);
        break;
    case NODE_IN:
        result = among_in(g, block, node);
        break;
    default:
        CHECK(node->kind == NODE_LIKE);
        result = like(g, block, node);
        break;
    }
    result.negated = result.negated != node->negated;
    return result;
}
