/* audience_naive: what an expression means, one row at a time and straight from the
 * parser's tree: the oracle for the vectorized engine. It shares with it the parser, the
 * reading of literals and the arithmetic of 128-bit numbers and calendars (tested by
 * themselves), and nothing else. */
#ifndef TESTS_ENGINE_AUDIENCE_NAIVE_H
#define TESTS_ENGINE_AUDIENCE_NAIVE_H

#include "engine/audience/arithmetic.h"
#include "engine/audience/like.h"
#include "tests/engine/audience_table.h"

#include <utf8proc.h>

struct naive_table {
    const struct naive_table *outer;
    const struct column *columns;
    size_t count;
    const struct column *element; /* a list's child; NULL: the customers */
    struct text name;
    int64_t row;
};

struct naive {
    const struct tzif *zone;
    int64_t now_ns;
    struct arena arena; /* for texts in another case */
};

static struct constant naive_value(struct naive *n, const struct naive_table *table,
                                   const struct node *node);

static const struct constant naive_null = {0};

static bool naive_is_null(const struct constant *c)
{
    return c->type.kind == KIND_NULL;
}

/* --- columns ---------------------------------------------------------------------------- */

static double naive_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

/* naive_wide: a number whose results may go beyond 64 bits, or not, as its column's type
 * says. */
static struct constant naive_wide(int128 value, int32_t scale, bool wide)
{
    struct constant c = constant_exact(value, scale);
    c.type.wide = wide;
    return c;
}

static struct constant naive_cell(const struct column *c, int64_t row)
{
    static const int64_t unit_ns[] = {1000000000, 1000000, 1000, 1};
    if (column_is_null(c, row))
        return naive_null;
    int64_t integer;
    bool truth;
    if (column_is_text(c)) {
        struct text t = column_text(c, row);
        return t.data ? constant_text(t) : naive_null;
    }
    switch (c->type) {
    case COLUMN_BOOL:
        column_bool(c, row, &truth);
        return constant_bool(truth);
    case COLUMN_FLOAT16:
        return constant_real(naive_half(((const uint16_t *)c->values)[row]));
    case COLUMN_FLOAT32:
        return constant_real(((const float *)c->values)[row]);
    case COLUMN_FLOAT64:
        return constant_real(((const double *)c->values)[row]);
    case COLUMN_DECIMAL128:
        return naive_wide(((const int128 *)c->values)[row], c->scale, true);
    case COLUMN_UINT64:
        return naive_wide(((const uint64_t *)c->values)[row], 0, true);
    default:
        column_integer(c, row, &integer);
        break;
    }
    if (c->type == COLUMN_DATE32)
        return constant_date(integer);
    if (c->type == COLUMN_DATE64)
        return constant_date(integer / 86400000 - (integer % 86400000 < 0));
    if (c->type == COLUMN_TIMESTAMP)
        return constant_time(c->timezone ? KIND_INSTANT : KIND_WALL,
                             (int128)integer * unit_ns[c->unit]);
    return constant_exact(integer, 0);
}

/* naive_find: the column a name means; its row in *row_out, -1 when a struct around it is
 * null. */
static const struct column *naive_find(const struct naive_table *table,
                                       const struct name *name, int64_t *row_out)
{
    uint32_t part = 0;
    const struct naive_table *t = table;
    for (; name->count > 1 && t; t = t->outer) {
        if (text_equal(t->name, name->parts[0])) {
            part = 1;
            break;
        }
    }
    t = part ? t : table;
    *row_out = t->row;
    if (t->element && t->element->type != COLUMN_STRUCT) {
        CHECK(text_is(name->parts[part], "value"));
        return t->element;
    }
    if (t->element && column_is_null(t->element, t->row))
        *row_out = -1;
    int i = column_find(t->columns, t->count, name->parts[part]);
    if (i < 0)
        return NULL;
    const struct column *c = &t->columns[i];
    for (part++; part < name->count; part++) {
        if (*row_out >= 0 && column_is_null(c, *row_out))
            *row_out = -1;
        i = column_find(c->children, c->child_count, name->parts[part]);
        CHECK(i >= 0);
        c = &c->children[i];
    }
    return c;
}

/* --- comparing -------------------------------------------------------------------------- */

enum naive_truth { NAIVE_FALSE, NAIVE_TRUE, NAIVE_UNKNOWN };

static struct constant naive_bool(enum naive_truth t)
{
    return t == NAIVE_UNKNOWN ? naive_null : constant_bool(t == NAIVE_TRUE);
}

static enum naive_truth naive_truth_of(const struct constant *c)
{
    if (naive_is_null(c))
        return NAIVE_UNKNOWN;
    CHECK(c->type.kind == KIND_BOOL);
    return c->boolean ? NAIVE_TRUE : NAIVE_FALSE;
}

static int naive_order(struct naive *n, struct constant a, struct constant b)
{
    if (a.type.kind == KIND_TEXT && b.type.kind != KIND_TEXT)
        CHECK(constant_read(a.text, b.type.kind, n->zone, &a) == 0);
    if (b.type.kind == KIND_TEXT && a.type.kind != KIND_TEXT)
        CHECK(constant_read(b.text, a.type.kind, n->zone, &b) == 0);
    if (kind_is_time(a.type.kind)) {
        CHECK(kind_is_time(b.type.kind));
        if (a.type.kind != b.type.kind) {
            CHECK(constant_convert(&a, KIND_WALL, n->zone, &a) == 0);
            CHECK(constant_convert(&b, KIND_WALL, n->zone, &b) == 0);
        }
        return (a.number > b.number) - (a.number < b.number);
    }
    if (a.type.kind == KIND_TEXT) {
        const char *p = a.text.data, *q = b.text.data;
        const char *p_end = p + a.text.bytes, *q_end = q + b.text.bytes;
        while (p < p_end && q < q_end) {
            uint32_t x = utf8_next(&p, p_end), y = utf8_next(&q, q_end);
            if (x != y)
                return x < y ? -1 : 1;
        }
        return (p < p_end) - (q < q_end);
    }
    if (a.type.kind == KIND_BOOL)
        return a.boolean - b.boolean;
    if (a.type.kind == KIND_EXACT && b.type.kind == KIND_EXACT) {
        /* digit by digit would be slower, but no less certain: scales here differ by a
         * few */
        int32_t scale = a.type.scale > b.type.scale ? a.type.scale : b.type.scale;
        int128 x, y;
        if (!number_rescale(a.number, scale - a.type.scale, &x))
            return a.number > 0 ? 1 : -1;
        if (!number_rescale(b.number, scale - b.type.scale, &y))
            return b.number > 0 ? -1 : 1;
        return (x > y) - (x < y);
    }
    bool swap = a.type.kind == KIND_EXACT;
    struct constant real = swap ? b : a, exact = swap ? a : b;
    int order;
    if (exact.type.kind == KIND_REAL || exact.type.scale != 0) {
        long double x = real.real, y = exact.real;
        order = isnan(x) ? !isnan(y) : isnan(y) ? -1 : (x > y) - (x < y);
    } else { /* the 64 bits of a long double hold every integer a column has */
        long double x = real.real, y = (long double)exact.number;
        order = isnan(x) ? 1 : (x > y) - (x < y);
    }
    return swap ? -order : order;
}

static enum naive_truth naive_compare(struct naive *n, enum order order,
                                      struct constant a, struct constant b)
{
    if (naive_is_null(&a) || naive_is_null(&b))
        return NAIVE_UNKNOWN;
    int result = naive_order(n, a, b);
    switch (order) {
    case ORDER_LESS:
        return result < 0;
    case ORDER_LESS_EQUAL:
        return result <= 0;
    case ORDER_EQUAL:
        return result == 0;
    case ORDER_NOT_EQUAL:
        return result != 0;
    case ORDER_GREATER:
        return result > 0;
    default:
        return result >= 0;
    }
}

static enum naive_truth naive_not(enum naive_truth t)
{
    return t == NAIVE_UNKNOWN ? t : t == NAIVE_TRUE ? NAIVE_FALSE : NAIVE_TRUE;
}

static enum naive_truth naive_and(enum naive_truth a, enum naive_truth b)
{
    if (a == NAIVE_FALSE || b == NAIVE_FALSE)
        return NAIVE_FALSE;
    return a == NAIVE_UNKNOWN || b == NAIVE_UNKNOWN ? NAIVE_UNKNOWN : NAIVE_TRUE;
}

static enum naive_truth naive_or(enum naive_truth a, enum naive_truth b)
{
    return naive_not(naive_and(naive_not(a), naive_not(b)));
}

/* --- LIKE, by trying everything --------------------------------------------------------- */

static bool naive_matches(const char *p, const char *p_end, const char *t,
                          const char *t_end, uint32_t escape, bool fold)
{
    if (p == p_end)
        return t == t_end;
    uint32_t wanted = utf8_next(&p, p_end);
    if (escape && wanted == escape) {
        wanted = utf8_next(&p, p_end);
    } else if (wanted == '%') {
        for (;;) {
            if (naive_matches(p, p_end, t, t_end, escape, fold))
                return true;
            if (t == t_end)
                return false;
            utf8_next(&t, t_end);
        }
    } else if (wanted == '_') {
        return t < t_end &&
               (utf8_next(&t, t_end), naive_matches(p, p_end, t, t_end, escape, fold));
    }
    if (t == t_end)
        return false;
    uint32_t c = utf8_next(&t, t_end);
    return (fold ? like_fold(c) == like_fold(wanted) : c == wanted) &&
           naive_matches(p, p_end, t, t_end, escape, fold);
}

static enum naive_truth naive_like(const struct node *node, const struct constant *t,
                                   const struct constant *pattern,
                                   const struct constant *escape)
{
    if (naive_is_null(t) || naive_is_null(pattern))
        return NAIVE_UNKNOWN;
    const char *at = escape ? escape->text.data : NULL;
    uint32_t c =
        escape && escape->text.bytes ? utf8_next(&at, at + escape->text.bytes) : 0;
    return naive_matches(pattern->text.data, pattern->text.data + pattern->text.bytes,
                         t->text.data, t->text.data + t->text.bytes, c, node->fold_case);
}

/* --- values ----------------------------------------------------------------------------- */

static struct constant naive_arithmetic(struct naive *n, const struct node *node,
                                        struct constant a, struct constant b)
{
    struct type type;
    if (naive_is_null(&a) || naive_is_null(&b))
        return naive_null;
    CHECK(arithmetic_type(node->arithmetic, a.type, b.type, &type));
    struct constant c = arithmetic_constant(node->arithmetic, &a, &b, type, n->zone);
    if (c.type.kind == KIND_EXACT)
        c.type.wide = type.wide;
    return c;
}

static struct constant naive_case(struct naive *n, struct text t, bool upper)
{
    char *out = arena_alloc(&n->arena, 4 * t.bytes + 1);
    CHECK(out != NULL);
    size_t bytes = 0;
    const char *at = t.data, *end = t.data + t.bytes;
    while (at < end) {
        int32_t c = (int32_t)utf8_next(&at, end);
        bytes += utf8_encode(
            (uint32_t)(upper ? utf8proc_toupper(c) : utf8proc_tolower(c)), out + bytes);
    }
    return constant_text((struct text){out, bytes});
}

static struct constant naive_call(struct naive *n, const struct naive_table *table,
                                  const struct node *node)
{
    struct constant first = naive_value(n, table, node->children);
    int64_t count = 0;
    switch (node->function) {
    case FUNCTION_COALESCE:
        for (const struct node *arg = node->children; arg; arg = arg->next) {
            struct constant c = naive_value(n, table, arg);
            if (!naive_is_null(&c))
                return c;
        }
        return naive_null;
    case FUNCTION_LENGTH:
        if (naive_is_null(&first))
            return first;
        for (const char *at = first.text.data, *end = at + first.text.bytes; at < end;
             count++)
            utf8_next(&at, end);
        return constant_exact(count, 0);
    default:
        return naive_is_null(&first)
                   ? first
                   : naive_case(n, first.text, node->function == FUNCTION_UPPER);
    }
}

/* --- lists ------------------------------------------------------------------------------ */

struct naive_list {
    struct naive_table inner;
    int64_t first;
    int64_t count;
};

static struct naive_list naive_open(const struct naive_table *table,
                                    const struct node *query)
{
    struct naive_list list = {.inner = {.outer = table}};
    const struct column *c = NULL;
    int64_t row = -1;
    for (const struct naive_table *t = table; t && !c; t = t->outer) {
        if (!t->element || t->element->type == COLUMN_STRUCT)
            c = naive_find(t, &query->name, &row);
    }
    CHECK(c && column_is_list(c));
    if (row >= 0)
        column_list(c, row, &list.first, &list.count);
    list.inner.element = &c->children[0];
    list.inner.columns = c->children[0].children;
    list.inner.count = c->children[0].child_count;
    list.inner.name =
        query->alias.data ? query->alias : query->name.parts[query->name.count - 1];
    return list;
}

static bool naive_chosen(struct naive *n, const struct naive_table *inner,
                         const struct node *query)
{
    if (!query->condition)
        return true;
    struct constant c = naive_value(n, inner, query->condition);
    return naive_truth_of(&c) == NAIVE_TRUE;
}

static struct constant naive_aggregate(struct naive *n, const struct naive_table *table,
                                       const struct node *query)
{
    struct naive_list list = naive_open(table, query);
    struct constant result = naive_null;
    int64_t count = 0;
    bool overflow = false;
    for (int64_t i = 0; i < list.count; i++) {
        list.inner.row = list.first + i;
        if (!naive_chosen(n, &list.inner, query))
            continue;
        struct constant c = query->aggregate == AGGREGATE_COUNT_ROWS
                                ? constant_exact(1, 0)
                                : naive_value(n, &list.inner, query->children);
        if (naive_is_null(&c))
            continue;
        count++;
        if (query->aggregate == AGGREGATE_MIN || query->aggregate == AGGREGATE_MAX) {
            int order = count == 1 ? 0 : naive_order(n, c, result);
            if (count == 1 ||
                (order != 0 && (order > 0) == (query->aggregate == AGGREGATE_MAX)))
                result = c;
        } else if (c.type.kind == KIND_REAL) {
            result = constant_real((count == 1 ? 0 : result.real) + c.real);
        } else if (c.type.kind == KIND_EXACT) {
            int128 sum;
            overflow =
                overflow || !number_add(count == 1 ? 0 : result.number, c.number, &sum);
            result = naive_wide(overflow ? 0 : sum, c.type.scale, true);
        }
    }
    if (query->aggregate == AGGREGATE_COUNT || query->aggregate == AGGREGATE_COUNT_ROWS)
        return constant_exact(count, 0);
    if (overflow)
        return naive_null;
    if (query->aggregate == AGGREGATE_AVG && count > 0)
        return constant_real(result.real / (double)count);
    return result;
}

static enum naive_truth naive_exists(struct naive *n, const struct naive_table *table,
                                     const struct node *query)
{
    struct naive_list list = naive_open(table, query);
    for (int64_t i = 0; i < list.count; i++) {
        list.inner.row = list.first + i;
        if (naive_chosen(n, &list.inner, query))
            return NAIVE_TRUE;
    }
    return NAIVE_FALSE;
}

static enum naive_truth naive_quantified(struct naive *n, const struct naive_table *table,
                                         const struct node *node)
{
    const struct node *query = node->children->next;
    bool any = node->quantifier == QUANTIFIER_ANY;
    struct constant left = naive_value(n, table, node->children);
    struct naive_list list = naive_open(table, query);
    enum naive_truth result = any ? NAIVE_FALSE : NAIVE_TRUE;
    for (int64_t i = 0; i < list.count; i++) {
        list.inner.row = list.first + i;
        if (query->kind == NODE_SUBQUERY && !naive_chosen(n, &list.inner, query))
            continue;
        struct constant right = query->kind == NODE_SUBQUERY
                                    ? naive_value(n, &list.inner, query->children)
                                    : naive_cell(list.inner.element, list.inner.row);
        enum naive_truth one = naive_compare(n, node->order, left, right);
        result = any ? naive_or(result, one) : naive_and(result, one);
    }
    return node->negated ? naive_not(result) : result;
}

/* --- conditions ------------------------------------------------------------------------- */

static enum naive_truth naive_in(struct naive *n, const struct naive_table *table,
                                 const struct node *node, struct constant left)
{
    enum naive_truth result = NAIVE_FALSE;
    for (const struct node *item = node->children->next; item; item = item->next)
        result = naive_or(
            result, naive_compare(n, ORDER_EQUAL, left, naive_value(n, table, item)));
    return result;
}

static enum naive_truth naive_is(struct naive *n, const struct naive_table *table,
                                 const struct node *node)
{
    const struct node *child = node->children;
    if (node->test == TEST_NULL && child->kind == NODE_COLUMN) {
        int64_t row;
        const struct column *c = naive_find(table, &child->name, &row);
        if (row < 0 || column_is_null(c, row))
            return NAIVE_TRUE;
        return column_is_text(c) && !column_text(c, row).data;
    }
    struct constant c = naive_value(n, table, child);
    if (node->test == TEST_NULL)
        return naive_is_null(&c);
    enum naive_truth t = naive_truth_of(&c);
    return t == (node->test == TEST_TRUE    ? NAIVE_TRUE
                 : node->test == TEST_FALSE ? NAIVE_FALSE
                                            : NAIVE_UNKNOWN);
}

static enum naive_truth naive_condition(struct naive *n, const struct naive_table *table,
                                        const struct node *node)
{
    enum naive_truth result = node->kind == NODE_AND ? NAIVE_TRUE : NAIVE_FALSE;
    struct constant a = naive_null, b = naive_null, c = naive_null;
    const struct node *first = node->children, *second = first ? first->next : NULL;
    const struct node *third = second ? second->next : NULL;
    if (node->kind == NODE_AND || node->kind == NODE_OR) {
        for (const struct node *child = first; child; child = child->next) {
            a = naive_value(n, table, child);
            enum naive_truth t = naive_truth_of(&a);
            result = node->kind == NODE_AND ? naive_and(result, t) : naive_or(result, t);
        }
        return result;
    }
    if (node->kind == NODE_EXISTS)
        return naive_exists(n, table, first);
    if (node->kind == NODE_QUANTIFIED)
        return naive_quantified(n, table, node);
    if (node->kind == NODE_IS)
        return node->negated ? naive_not(naive_is(n, table, node))
                             : naive_is(n, table, node);
    a = naive_value(n, table, first);
    if (node->kind == NODE_NOT)
        return naive_not(naive_truth_of(&a));
    if (node->kind == NODE_IN) {
        result = naive_in(n, table, node, a);
        return node->negated ? naive_not(result) : result;
    }
    b = naive_value(n, table, second);
    c = third ? naive_value(n, table, third) : naive_null;
    switch (node->kind) {
    case NODE_COMPARE:
        return naive_compare(n, node->order, a, b);
    case NODE_DISTINCT:
        result = naive_is_null(&a) || naive_is_null(&b)
                     ? naive_is_null(&a) != naive_is_null(&b)
                     : naive_compare(n, ORDER_NOT_EQUAL, a, b);
        break;
    case NODE_BETWEEN:
        result = naive_and(naive_compare(n, ORDER_GREATER_EQUAL, a, b),
                           naive_compare(n, ORDER_LESS_EQUAL, a, c));
        break;
    default:
        CHECK(node->kind == NODE_LIKE);
        result = naive_like(node, &a, &b, third ? &c : NULL);
        break;
    }
    return node->negated ? naive_not(result) : result;
}

static struct constant naive_value(struct naive *n, const struct naive_table *table,
                                   const struct node *node)
{
    struct constant a;
    int64_t row;
    const struct column *column;
    switch (node->kind) {
    case NODE_LITERAL:
        return node->constant;
    case NODE_NOW:
        return constant_time(KIND_INSTANT, n->now_ns);
    case NODE_TODAY:
        return constant_date(
            number_floor(calendar_wall(n->zone, n->now_ns), CALENDAR_DAY_NS));
    case NODE_COLUMN:
        column = naive_find(table, &node->name, &row);
        CHECK(column != NULL);
        return row < 0 ? naive_null : naive_cell(column, row);
    case NODE_ARITHMETIC:
        a = naive_value(n, table, node->children);
        return naive_arithmetic(n, node, a, naive_value(n, table, node->children->next));
    case NODE_NEGATE:
        a = naive_value(n, table, node->children);
        if (naive_is_null(&a))
            return a;
        if (a.type.kind == KIND_REAL)
            return constant_real(-a.real);
        if (!a.type.wide && a.number == INT64_MIN)
            return naive_null;
        return naive_wide(-a.number, a.type.scale, a.type.wide);
    case NODE_CALL:
        return naive_call(n, table, node);
    case NODE_SUBQUERY:
        return naive_aggregate(n, table, node);
    default:
        return naive_bool(naive_condition(n, table, node));
    }
}

/* naive_selects: the expression is true for one customer. */
TEST_HELPER bool naive_selects(struct naive *n, const struct node *root,
                               const struct column *columns, size_t count, int64_t row)
{
    struct naive_table customers = {
        .columns = columns, .count = count, .name = TEXT("customers"), .row = row};
    arena_reset(&n->arena);
    struct constant c = naive_value(n, &customers, root);
    return naive_truth_of(&c) == NAIVE_TRUE;
}

#endif
