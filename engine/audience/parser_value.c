/* parser_value: what has a value: literals, columns, parameters, calls and subqueries. */
#include "engine/audience/parser_private.h"

#include "base/near.h"

/* --- literals and names ----------------------------------------------------------------- */

static struct node *interval_literal(struct parser *p)
{
    if (!parser_advance(p))
        return NULL;
    struct node *node = parser_literal(p, (struct constant){.type.kind = KIND_INTERVAL});
    if (!node)
        return NULL;
    struct token string = p->before;
    struct text amount = parser_plain(p, string.text, '\''), unit = TEXT_NONE;
    struct interval *interval = &node->constant.interval;
    /* Standard SQL has the unit behind the quotes: INTERVAL '30' DAY. */
    if (p->token.kind == TOKEN_NAME &&
        calendar_interval(TEXT("1"), p->token.text, interval) == 0) {
        unit = p->token.text;
        if (!parser_advance(p))
            return NULL;
    }
    char quoted[SOURCE_QUOTE_BYTES];
    if (calendar_interval(amount, unit, interval) == 0)
        return node;
    source_error(p->lexer.source, string.offset, p->err,
                 "invalid interval '%s' (write it like '30 days' or '1 year 2 months')",
                 source_quote(amount, quoted));
    return NULL;
}

/* time_literal: DATE '…' or TIMESTAMP '…'; with an offset the latter is an instant. */
static struct node *time_literal(struct parser *p)
{
    bool date = parser_next_is(p, "DATE");
    if (!parser_advance(p))
        return NULL;
    struct node *node = parser_literal(p, (struct constant){.type.kind = KIND_WALL});
    if (!node)
        return NULL;
    struct text t = parser_plain(p, p->before.text, '\'');
    int128 ns;
    bool has_time, has_offset;
    char quoted[SOURCE_QUOTE_BYTES];
    if (calendar_parse(t, &ns, &has_time, &has_offset) || (date && has_time)) {
        source_error(p->lexer.source, p->before.offset, p->err,
                     "invalid %s '%s' (write it like '2026-11-21%s')",
                     date ? "date" : "timestamp", source_quote(t, quoted),
                     date ? "" : " 08:00:00");
        return NULL;
    }
    node->constant = date ? constant_date(number_floor(ns, CALENDAR_DAY_NS))
                          : constant_time(has_offset ? KIND_INSTANT : KIND_WALL, ns);
    node->type = node->constant.type;
    return node;
}

/* name: a.b.c, quoted or not. */
static bool name(struct parser *p, struct name *out, const char *wanted)
{
    *out = (struct name){0};
    for (;;) {
        const struct token *token = &p->token;
        bool quoted = token->kind == TOKEN_QUOTED;
        if (!quoted && (token->kind != TOKEN_NAME ||
                        (out->count == 0 && parser_is_reserved(token)))) {
            parser_unexpected(p, wanted);
            return false;
        }
        if (out->count == NAME_PARTS_MAX) {
            parser_fail(p, token->offset, "a name has at most four parts");
            return false;
        }
        out->parts[out->count] = quoted ? parser_plain(p, token->text, '"') : token->text;
        out->quoted[out->count++] = quoted;
        if (!parser_advance(p))
            return false;
        if (!parser_next_is(p, "."))
            return true;
        if (!parser_advance(p))
            return false;
    }
}

static struct node *column(struct parser *p)
{
    struct node *node = parser_make(p, NODE_COLUMN, p->token.offset);
    return node && name(p, &node->name, "a column, a value or a condition belongs here")
               ? node
               : NULL;
}

static struct node *parameter(struct parser *p)
{
    struct node *node = parser_make(p, NODE_PARAM, p->token.offset);
    if (!node)
        return NULL;
    node->name = (struct name){.parts = {p->token.text}, .count = 1};
    return parser_advance(p) ? node : NULL;
}

/* --- calls ------------------------------------------------------------------------------ */

/* arguments: `(a, b)` into node's children. */
struct node *parser_arguments(struct parser *p, struct node *node)
{
    if (!node || !parser_expect(p, "(", "( belongs here"))
        return NULL;
    while (!parser_next_is(p, ")")) {
        if (!(node = parser_adopt(p, node, parser_expression(p))))
            return NULL;
        if (!parser_next_is(p, ","))
            break;
        if (!parser_advance(p))
            return NULL;
    }
    return parser_expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

static struct node *saved(struct parser *p)
{
    struct node *node = parser_make(p, NODE_SAVED, p->token.offset);
    if (!node || !parser_advance(p) ||
        !parser_expect(p, "(", "audience('name') needs a name"))
        return NULL;
    if (p->token.kind != TOKEN_STRING)
        return parser_unexpected(p, "audience('name') needs a name in single quotes");
    node->name =
        (struct name){.parts = {parser_plain(p, p->token.text, '\'')}, .count = 1};
    return parser_advance(p) && parser_expect(p, ")", "a closing ) belongs here") ? node
                                                                                  : NULL;
}

static const struct {
    const char *name;
    enum node_kind kind;
    enum function function;
    uint8_t least, most;
} functions[] = {
    {"lower", NODE_CALL, FUNCTION_LOWER, 1, 1},
    {"upper", NODE_CALL, FUNCTION_UPPER, 1, 1},
    {"length", NODE_CALL, FUNCTION_LENGTH, 1, 1},
    {"coalesce", NODE_CALL, FUNCTION_COALESCE, 1, 255},
    {"now", NODE_NOW, FUNCTION_LOWER, 0, 0},
};

static const char *const aggregates[] = {
    [AGGREGATE_COUNT] = "count", [AGGREGATE_MIN] = "min", [AGGREGATE_MAX] = "max",
    [AGGREGATE_SUM] = "sum",     [AGGREGATE_AVG] = "avg",
};

static enum aggregate aggregate_named(const struct token *token)
{
    for (size_t i = AGGREGATE_COUNT; i < ARRAY_COUNT(aggregates); i++) {
        if (token->kind == TOKEN_NAME && token_is(token, aggregates[i]))
            return (enum aggregate)i;
    }
    return AGGREGATE_NONE;
}

static struct node *unknown_function(struct parser *p)
{
    struct near near = {.wanted = p->token.text};
    for (size_t i = 0; i < ARRAY_COUNT(functions); i++)
        near_offer(&near, text_of(functions[i].name));
    near_offer(&near, TEXT("audience"));
    char quoted[SOURCE_QUOTE_BYTES], hint[200];
    if (aggregate_named(&p->token))
        source_error(p->lexer.source, p->token.offset, p->err,
                     "%s() needs a subquery: (SELECT %s(…) FROM visits WHERE …)",
                     source_quote(p->token.text, quoted), quoted);
    else
        source_error(p->lexer.source, p->token.offset, p->err,
                     "unknown function \"%s\"%s", source_quote(p->token.text, quoted),
                     near_hint(&near, hint, sizeof(hint)));
    return NULL;
}

static struct node *call(struct parser *p)
{
    if (parser_next_is(p, "audience"))
        return saved(p);
    for (size_t i = 0; i < ARRAY_COUNT(functions); i++) {
        if (!parser_next_is(p, functions[i].name))
            continue;
        struct node *node = parser_make(p, functions[i].kind, p->token.offset);
        if (!node || !parser_advance(p) || !(node = parser_arguments(p, node)))
            return NULL;
        node->function = functions[i].function;
        size_t count = 0;
        for (struct node *n = node->children; n; n = n->next)
            count++;
        if (count >= functions[i].least && count <= functions[i].most)
            return node;
        source_error(node->source, node->offset, p->err, "%s() takes %s, not %zu",
                     functions[i].name,
                     functions[i].most == 0   ? "no argument"
                     : functions[i].most == 1 ? "one argument"
                                              : "1 to 255 arguments",
                     count);
        return NULL;
    }
    return unknown_function(p);
}

/* --- subqueries ------------------------------------------------------------------------- */

/* selected: what stands behind SELECT: an aggregate, * or values. */
static struct node *selected(struct parser *p, struct node *node)
{
    enum aggregate aggregate = aggregate_named(&p->token);
    if (aggregate == AGGREGATE_NONE || !token_is(&p->ahead, "(")) {
        if (parser_next_is(p, "*"))
            return parser_advance(p) ? node : NULL;
        return parser_adopt(p, node, parser_expression(p));
    }
    node->aggregate = aggregate;
    if (!parser_advance_twice(p))
        return NULL;
    if (aggregate == AGGREGATE_COUNT && parser_next_is(p, "*")) {
        node->aggregate = AGGREGATE_COUNT_ROWS;
        if (!parser_advance(p))
            return NULL;
    } else if (parser_next_is(p, "DISTINCT")) {
        return parser_fail(p, p->token.offset,
                           "DISTINCT inside an aggregate is not supported");
    } else if (!(node = parser_adopt(p, node, parser_expression(p)))) {
        return NULL;
    }
    return parser_expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

/* subquery: from SELECT to the closing parenthesis. */
static struct node *subquery(struct parser *p)
{
    struct node *node = parser_make(p, NODE_SUBQUERY, p->token.offset);
    if (!node || !parser_advance(p) || !(node = selected(p, node)))
        return NULL;
    if (!parser_expect(p, "FROM", "FROM and the name of a list column belong here"))
        return NULL;
    size_t table = p->token.offset;
    if (!name(p, &node->name, "the name of a list column belongs here"))
        return NULL;
    node->offset = table;
    bool as = parser_next_is(p, "AS");
    if (as && !parser_advance(p))
        return NULL;
    if (as || p->token.kind == TOKEN_QUOTED ||
        (p->token.kind == TOKEN_NAME && !parser_is_reserved(&p->token))) {
        struct name alias;
        if (!name(p, &alias, "an alias belongs here"))
            return NULL;
        node->alias = alias.parts[0];
    }
    if (parser_next_is(p, "WHERE") &&
        (!parser_advance(p) ||
         !parser_adopt_into(p, node, &node->condition, parser_expression(p))))
        return NULL;
    return parser_expect(p, ")",
                         "a condition goes on with AND or OR, a subquery ends with )")
               ? node
               : NULL;
}

/* values: a subquery that gives its rows' values, for EXISTS, IN and ANY. */
struct node *parser_values(struct parser *p)
{
    struct node *node = subquery(p);
    if (node && node->aggregate != AGGREGATE_NONE)
        return parser_fail(p, node->offset,
                           "an aggregate makes one value: compare it with =");
    return node;
}

static struct node *exists(struct parser *p)
{
    struct node *node = parser_make(p, NODE_EXISTS, p->token.offset);
    if (!node || !parser_advance(p) ||
        !parser_expect(p, "(", "EXISTS (SELECT …) belongs here"))
        return NULL;
    if (!parser_next_is(p, "SELECT"))
        return parser_unexpected(p, "EXISTS (SELECT 1 FROM list WHERE …) belongs here");
    return parser_adopt(p, node, parser_values(p));
}

static struct node *scalar(struct parser *p)
{
    struct node *node = subquery(p);
    if (node && node->aggregate == AGGREGATE_NONE)
        return parser_fail(
            p, node->offset,
            "this subquery may have many rows: use EXISTS, IN, count, min, max, "
            "sum or avg");
    return node;
}

/* quantified: left order ANY (…), behind the word ANY, SOME or ALL. */
struct node *parser_quantified(struct parser *p, struct node *left, enum order order,
                               enum quantifier quantifier, size_t offset)
{
    struct node *node = parser_adopt(p, parser_make(p, NODE_QUANTIFIED, offset), left);
    if (!node || !parser_expect(p, "(", "( and the name of a list column belong here"))
        return NULL;
    node->order = order;
    node->quantifier = quantifier;
    if (parser_next_is(p, "SELECT"))
        return parser_adopt(p, node, parser_values(p));
    if (!(node = parser_adopt(p, node, column(p))))
        return NULL;
    return parser_expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

/* --- expressions ------------------------------------------------------------------------ */

static struct node *parenthesis(struct parser *p)
{
    if (!parser_advance(p))
        return NULL;
    if (parser_next_is(p, "SELECT"))
        return scalar(p);
    struct node *node = parser_expression(p);
    return node && parser_expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

static struct node *keyword(struct parser *p)
{
    if (parser_next_is(p, "TRUE") || parser_next_is(p, "FALSE"))
        return parser_literal(p, constant_bool(parser_next_is(p, "TRUE")));
    if (parser_next_is(p, "NULL"))
        return parser_literal(p, (struct constant){0});
    if (parser_next_is(p, "CURRENT_DATE") || parser_next_is(p, "CURRENT_TIMESTAMP")) {
        struct node *node =
            parser_make(p, parser_next_is(p, "CURRENT_DATE") ? NODE_TODAY : NODE_NOW,
                        p->token.offset);
        return node && parser_advance(p) ? node : NULL;
    }
    if (parser_next_is(p, "EXISTS"))
        return exists(p);
    return parser_unexpected(p, "a column, a value or a condition belongs here");
}

struct node *parser_primary(struct parser *p)
{
    const struct token *token = &p->token;
    struct constant number;
    switch (token->kind) {
    case TOKEN_NUMBER:
        CHECK(constant_number(token->text, &number) == 0);
        return parser_literal(p, number);
    case TOKEN_STRING:
        return parser_literal(p, constant_text(parser_plain(p, token->text, '\'')));
    case TOKEN_PARAM:
        return parameter(p);
    case TOKEN_QUOTED:
        return column(p);
    case TOKEN_NAME:
        if (parser_is_reserved(token))
            return keyword(p);
        if (p->ahead.kind == TOKEN_STRING && parser_next_is(p, "INTERVAL"))
            return interval_literal(p);
        if (p->ahead.kind == TOKEN_STRING &&
            (parser_next_is(p, "DATE") || parser_next_is(p, "TIMESTAMP")))
            return time_literal(p);
        return token_is(&p->ahead, "(") ? call(p) : column(p);
    default:
        return parser_next_is(p, "(")
                   ? parenthesis(p)
                   : parser_unexpected(p,
                                       "a column, a value or a condition belongs here");
    }
}
