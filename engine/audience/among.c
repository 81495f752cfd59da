/* among: the part of the compiler that does BETWEEN and IN. */
#include "engine/audience/generator.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

/* With more values than these IN looks them up instead of comparing one by one. */
#define SET_RANGES_MAX 4
#define SET_TEXTS_MAX  3

/* between_bounds: both ends are constants, so that one range does. */
static bool between_bounds(struct generator *g, struct block *block, struct operand o,
                           struct node *low, struct node *high, struct operand *out)
{
    if (o.kind == OPERAND_CONSTANT || low->kind != NODE_LITERAL ||
        high->kind != NODE_LITERAL || low->type.kind == KIND_NULL ||
        high->type.kind == KIND_NULL || low->left_as != o.type.kind ||
        high->left_as != o.type.kind)
        return false;
    if (o.type.kind == KIND_REAL) {
        struct real_bounds a = bounds_real(ORDER_GREATER_EQUAL, &low->constant);
        struct real_bounds b = bounds_real(ORDER_LESS_EQUAL, &high->constant);
        a.low = fmax(a.low, b.low);
        a.high = fmin(a.high, b.high);
        a.nan = a.nan && b.nan;
        *out = comparing_real_bounds(g, block, o, a);
        return true;
    }
    if (!comparing_has_bounds(o, &low->constant) ||
        !comparing_has_bounds(o, &high->constant))
        return false;
    struct bounds a = bounds_exact(ORDER_GREATER_EQUAL, o.type, &low->constant);
    struct bounds b = bounds_exact(ORDER_LESS_EQUAL, o.type, &high->constant);
    a.low = a.low > b.low ? a.low : b.low;
    a.high = a.high < b.high ? a.high : b.high;
    *out = comparing_bounds(g, block, o, a);
    return true;
}

struct operand among_between(struct generator *g, struct block *block, struct node *node)
{
    struct node *low = node->children->next, *high = low->next;
    struct operand o = generator_value(g, block, node->children), result;
    if (!between_bounds(g, block, o, low, high, &result)) {
        struct operand a = comparing_against(g, block, ORDER_GREATER_EQUAL, o, low);
        result = generator_join(g, block, OP_AND, a,
                                comparing_against(g, block, ORDER_LESS_EQUAL, o, high));
    }
    generator_release(g, o);
    return result;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* number_set: the literals among the list as stored numbers, ascending and once each, or
 * NULL when they have to be compared one by one. */
static int64_t *number_set(struct generator *g, struct operand o, struct node *list,
                           size_t *count_out)
{
    size_t count = 0;
    for (struct node *n = list; n; n = n->next) {
        if (n->kind != NODE_LITERAL ||
            (n->type.kind != KIND_NULL &&
             (n->left_as != o.type.kind || !comparing_has_bounds(o, &n->constant))))
            return NULL;
        count++;
    }
    if (o.kind == OPERAND_CONSTANT || o.type.kind == KIND_REAL ||
        o.type.kind == KIND_TEXT || o.type.wide || count <= SET_RANGES_MAX)
        return NULL;
    int64_t *values = arena_alloc(g->arena, count * sizeof(*values));
    count = 0;
    for (struct node *n = list; n && values; n = n->next) {
        struct bounds b = bounds_exact(ORDER_EQUAL, o.type, &n->constant);
        if (n->type.kind != KIND_NULL && b.low == b.high && b.low >= INT64_MIN &&
            b.low <= INT64_MAX)
            values[count++] = (int64_t)b.low;
    }
    if (!values)
        return NULL;
    qsort(values, count, sizeof(*values), by_value);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || values[kept - 1] != values[i])
            values[kept++] = values[i];
    }
    *count_out = kept;
    return values;
}

static bool text_set(struct generator *g, struct operand o, struct node *list,
                     struct text_test *out)
{
    size_t count = 0;
    for (struct node *n = list; n; n = n->next) {
        if (n->kind != NODE_LITERAL || n->left_as != o.type.kind)
            return false;
        count++;
    }
    if (o.kind == OPERAND_CONSTANT || o.type.kind != KIND_TEXT || count <= SET_TEXTS_MAX)
        return false;
    size_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    *out = (struct text_test){.kind = TEXT_SET, .slots = slots};
    out->set = arena_zalloc(g->arena, slots * sizeof(*out->set));
    for (struct node *n = list; n && out->set; n = n->next) {
        if (n->type.kind == KIND_NULL)
            continue;
        struct text t = n->constant.text;
        size_t slot = hash64(t.data, t.bytes) & (slots - 1);
        while (out->set[slot].data && !text_equal(out->set[slot], t))
            slot = (slot + 1) & (slots - 1);
        out->set[slot] = t;
    }
    return out->set != NULL;
}

/* one_by_one: left equals one of the list. */
static struct operand one_by_one(struct generator *g, struct block *block,
                                 struct operand o, struct node *list)
{
    struct operand result = {0};
    for (struct node *n = list; n; n = n->next) {
        if (n->type.kind == KIND_NULL)
            continue;
        struct operand same = comparing_against(g, block, ORDER_EQUAL, o, n);
        result = result.kind == OPERAND_NONE
                     ? same
                     : generator_join(g, block, OP_OR, result, same);
    }
    return result.kind == OPERAND_NONE ? comparing_unknown(g, block) : result;
}

static struct operand in_conditions(struct generator *g, struct block *block,
                                    struct node *node)
{
    struct operand result = {0};
    for (struct node *n = node->children->next; n; n = n->next) {
        struct operand a = generator_condition(g, block, node->children);
        struct operand b = generator_condition(g, block, n);
        struct op *op = generator_emit(g, block, OP_COMPARE_BOOL, a, b);
        op->order = ORDER_EQUAL;
        struct operand same = generator_target(op);
        generator_release(g, a);
        generator_release(g, b);
        result = result.kind == OPERAND_NONE
                     ? same
                     : generator_join(g, block, OP_OR, result, same);
    }
    return result;
}

struct operand among_in(struct generator *g, struct block *block, struct node *node)
{
    struct node *list = node->children->next;
    if (node->children->type.kind == KIND_BOOL)
        return in_conditions(g, block, node);
    bool null = false;
    for (struct node *n = list; n; n = n->next)
        null = null || n->type.kind == KIND_NULL;
    struct operand o = generator_value(g, block, node->children), result;
    struct text_test test;
    size_t count;
    int64_t *values;
    if (o.type.kind == KIND_NULL) {
        result = comparing_unknown(g, block);
    } else if (text_set(g, o, list, &test)) {
        result = comparing_text(g, block, o, test);
    } else if ((values = number_set(g, o, list, &count))) {
        struct operand loaded = generator_loaded(g, block, o);
        struct op *op = generator_emit(g, block, OP_SET, loaded, (struct operand){0});
        op->set.values = values;
        op->set.count = count;
        result = generator_target(op);
        if (o.kind == OPERAND_COLUMN)
            generator_release(g, loaded);
    } else {
        result = one_by_one(g, block, o, list);
    }
    generator_release(g, o);
    if (!null)
        return result;
    struct operand open = generator_target(
        generator_emit(g, block, OP_NEVER_FALSE, result, (struct operand){0}));
    generator_release(g, result);
    return open;
}
