/* parser: recursive descent, one function per level of precedence, loosest first:
 * OR, AND, NOT, IS, comparison, IN/LIKE/BETWEEN, + -, * / %, sign. That is PostgreSQL's
 * order. */
#include "engine/audience/parser.h"

#include "engine/audience/lexer.h"

#include "base/near.h"

struct parser {
    struct lexer lexer;
    struct token before; /* read last */
    struct token token;  /* to be read next */
    struct token ahead;  /* the one behind it */
    struct arena *arena;
    size_t *nodes;
    unsigned depth;
    struct error *err;
};

static const char *const reserved[] = {
    "AND",    "OR",       "NOT",   "IN",    "IS",           "NULL",
    "LIKE",   "ILIKE",    "TRUE",  "FALSE", "BETWEEN",      "EXISTS",
    "SELECT", "FROM",     "WHERE", "ANY",   "SOME",         "ALL",
    "ESCAPE", "DISTINCT", "AS",    "ORDER", "GROUP",        "LIMIT",
    "HAVING", "UNION",    "CASE",  "CAST",  "CURRENT_DATE", "CURRENT_TIMESTAMP",
};

static struct node *expression(struct parser *p);
static struct node *additive(struct parser *p);

/* --- words ------------------------------------------------------------------------------ */

static bool advance(struct parser *p)
{
    p->before = p->token;
    p->token = p->ahead;
    return lexer_next(&p->lexer, &p->ahead) == 0;
}

static bool advance_twice(struct parser *p)
{
    bool first = advance(p);
    return first && advance(p);
}

static bool next_is(const struct parser *p, const char *word)
{
    return token_is(&p->token, word);
}

static bool is_reserved(const struct token *token)
{
    for (size_t i = 0; i < ARRAY_COUNT(reserved); i++) {
        if (token->kind == TOKEN_NAME && token_is(token, reserved[i]))
            return true;
    }
    return false;
}

static struct node *fail(struct parser *p, size_t offset, const char *sentence)
{
    source_error(p->lexer.source, offset, p->err, "%s", sentence);
    return NULL;
}

/* unexpected: the sentence for a word that cannot stand here. */
static struct node *unexpected(struct parser *p, const char *wanted)
{
    const struct token *token = &p->token;
    char quoted[SOURCE_QUOTE_BYTES], hint[200] = "";
    if (token->kind == TOKEN_END) {
        source_error(p->lexer.source, token->offset, p->err,
                     "the expression ends too early: %s", wanted);
        return NULL;
    }
    if (token->kind == TOKEN_NAME && !is_reserved(token)) {
        struct near near = {.wanted = token->text};
        for (size_t i = 0; i < ARRAY_COUNT(reserved); i++)
            near_offer(&near, text_of(reserved[i]));
        near_hint(&near, hint, sizeof(hint));
    }
    source_error(p->lexer.source, token->offset, p->err, "unexpected %s%s%s%s: %s",
                 token->kind == TOKEN_STRING ? "'" : "\"",
                 source_quote(token->text, quoted),
                 token->kind == TOKEN_STRING ? "'" : "\"", hint, wanted);
    return NULL;
}

static bool expect(struct parser *p, const char *word, const char *wanted)
{
    if (next_is(p, word))
        return advance(p);
    unexpected(p, wanted);
    return false;
}

/* --- nodes ------------------------------------------------------------------------------ */

struct node *parser_node(struct arena *arena, size_t *nodes)
{
    if (*nodes == AUDIENCE_NODES_MAX)
        return NULL;
    ++*nodes;
    return value_alloc(arena, sizeof(struct node));
}

static struct node *make(struct parser *p, enum node_kind kind, size_t offset)
{
    struct node *node = parser_node(p->arena, p->nodes);
    if (!node)
        return fail(p, offset, "the expression has more than 4096 parts");
    node->kind = kind;
    node->depth = 1;
    node->source = p->lexer.source;
    node->offset = offset;
    return node;
}

/* adopt: child becomes the last in a list of node's. Takes NULL (an error already told)
 * and passes it on. */
static struct node *adopt_into(struct parser *p, struct node *node, struct node **list,
                               struct node *child)
{
    if (!node || !child)
        return NULL;
    while (*list)
        list = &(*list)->next;
    *list = child;
    if (child->depth >= node->depth)
        node->depth = child->depth + 1;
    if (node->depth > AUDIENCE_DEPTH_MAX)
        return fail(p, node->offset, "the expression is nested deeper than 64 levels");
    return node;
}

static struct node *adopt(struct parser *p, struct node *node, struct node *child)
{
    return adopt_into(p, node, node ? &node->children : NULL, child);
}

/* plain: the text of a quoted token without its doubled quotes. */
static struct text plain(struct parser *p, struct text raw, char quote)
{
    if (raw.bytes == 0 || !memchr(raw.data, quote, raw.bytes))
        return raw;
    char *out = arena_alloc(p->arena, raw.bytes);
    if (!out)
        return TEXT_NONE;
    size_t bytes = 0;
    for (size_t i = 0; i < raw.bytes; i++) {
        out[bytes++] = raw.data[i];
        i += raw.data[i] == quote;
    }
    return (struct text){out, bytes};
}

static struct node *literal(struct parser *p, struct constant value)
{
    struct node *node = make(p, NODE_LITERAL, p->token.offset);
    if (!node || !advance(p))
        return NULL;
    node->constant = value;
    node->type = value.type;
    return node;
}

/* --- literals and names ----------------------------------------------------------------- */

static struct node *interval_literal(struct parser *p)
{
    if (!advance(p))
        return NULL;
    struct node *node = literal(p, (struct constant){.type.kind = KIND_INTERVAL});
    if (!node)
        return NULL;
    struct token string = p->before;
    struct text amount = plain(p, string.text, '\''), unit = TEXT_NONE;
    struct interval *interval = &node->constant.interval;
    /* Standard SQL has the unit behind the quotes: INTERVAL '30' DAY. */
    if (p->token.kind == TOKEN_NAME &&
        calendar_interval(TEXT("1"), p->token.text, interval) == 0) {
        unit = p->token.text;
        if (!advance(p))
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
    bool date = next_is(p, "DATE");
    if (!advance(p))
        return NULL;
    struct node *node = literal(p, (struct constant){.type.kind = KIND_WALL});
    if (!node)
        return NULL;
    struct text t = plain(p, p->before.text, '\'');
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
        if (!quoted &&
            (token->kind != TOKEN_NAME || (out->count == 0 && is_reserved(token)))) {
            unexpected(p, wanted);
            return false;
        }
        if (out->count == NAME_PARTS_MAX) {
            fail(p, token->offset, "a name has at most four parts");
            return false;
        }
        out->parts[out->count] = quoted ? plain(p, token->text, '"') : token->text;
        out->quoted[out->count++] = quoted;
        if (!advance(p))
            return false;
        if (!next_is(p, "."))
            return true;
        if (!advance(p))
            return false;
    }
}

static struct node *column(struct parser *p)
{
    struct node *node = make(p, NODE_COLUMN, p->token.offset);
    return node && name(p, &node->name, "a column, a value or a condition belongs here")
               ? node
               : NULL;
}

static struct node *parameter(struct parser *p)
{
    struct node *node = make(p, NODE_PARAM, p->token.offset);
    if (!node)
        return NULL;
    node->name = (struct name){.parts = {p->token.text}, .count = 1};
    return advance(p) ? node : NULL;
}

/* --- calls ------------------------------------------------------------------------------ */

/* arguments: `(a, b)` into node's children. */
static struct node *arguments(struct parser *p, struct node *node)
{
    if (!node || !expect(p, "(", "( belongs here"))
        return NULL;
    while (!next_is(p, ")")) {
        if (!(node = adopt(p, node, expression(p))))
            return NULL;
        if (!next_is(p, ","))
            break;
        if (!advance(p))
            return NULL;
    }
    return expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

static struct node *saved(struct parser *p)
{
    struct node *node = make(p, NODE_SAVED, p->token.offset);
    if (!node || !advance(p) || !expect(p, "(", "audience('name') needs a name"))
        return NULL;
    if (p->token.kind != TOKEN_STRING)
        return unexpected(p, "audience('name') needs a name in single quotes");
    node->name = (struct name){.parts = {plain(p, p->token.text, '\'')}, .count = 1};
    return advance(p) && expect(p, ")", "a closing ) belongs here") ? node : NULL;
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
    if (next_is(p, "audience"))
        return saved(p);
    for (size_t i = 0; i < ARRAY_COUNT(functions); i++) {
        if (!next_is(p, functions[i].name))
            continue;
        struct node *node = make(p, functions[i].kind, p->token.offset);
        if (!node || !advance(p) || !(node = arguments(p, node)))
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
        if (next_is(p, "*"))
            return advance(p) ? node : NULL;
        return adopt(p, node, expression(p));
    }
    node->aggregate = aggregate;
    if (!advance_twice(p))
        return NULL;
    if (aggregate == AGGREGATE_COUNT && next_is(p, "*")) {
        node->aggregate = AGGREGATE_COUNT_ROWS;
        if (!advance(p))
            return NULL;
    } else if (next_is(p, "DISTINCT")) {
        return fail(p, p->token.offset, "DISTINCT inside an aggregate is not supported");
    } else if (!(node = adopt(p, node, expression(p)))) {
        return NULL;
    }
    return expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

/* subquery: from SELECT to the closing parenthesis. */
static struct node *subquery(struct parser *p)
{
    struct node *node = make(p, NODE_SUBQUERY, p->token.offset);
    if (!node || !advance(p) || !(node = selected(p, node)))
        return NULL;
    if (!expect(p, "FROM", "FROM and the name of a list column belong here"))
        return NULL;
    size_t table = p->token.offset;
    if (!name(p, &node->name, "the name of a list column belongs here"))
        return NULL;
    node->offset = table;
    bool as = next_is(p, "AS");
    if (as && !advance(p))
        return NULL;
    if (as || p->token.kind == TOKEN_QUOTED ||
        (p->token.kind == TOKEN_NAME && !is_reserved(&p->token))) {
        struct name alias;
        if (!name(p, &alias, "an alias belongs here"))
            return NULL;
        node->alias = alias.parts[0];
    }
    if (next_is(p, "WHERE") &&
        (!advance(p) || !adopt_into(p, node, &node->condition, expression(p))))
        return NULL;
    return expect(p, ")", "a condition goes on with AND or OR, a subquery ends with )")
               ? node
               : NULL;
}

/* values: a subquery that gives its rows' values, for EXISTS, IN and ANY. */
static struct node *values(struct parser *p)
{
    struct node *node = subquery(p);
    if (node && node->aggregate != AGGREGATE_NONE)
        return fail(p, node->offset, "an aggregate makes one value: compare it with =");
    return node;
}

static struct node *exists(struct parser *p)
{
    struct node *node = make(p, NODE_EXISTS, p->token.offset);
    if (!node || !advance(p) || !expect(p, "(", "EXISTS (SELECT …) belongs here"))
        return NULL;
    if (!next_is(p, "SELECT"))
        return unexpected(p, "EXISTS (SELECT 1 FROM list WHERE …) belongs here");
    return adopt(p, node, values(p));
}

static struct node *scalar(struct parser *p)
{
    struct node *node = subquery(p);
    if (node && node->aggregate == AGGREGATE_NONE)
        return fail(p, node->offset,
                    "this subquery may have many rows: use EXISTS, IN, count, min, max, "
                    "sum or avg");
    return node;
}

/* quantified: left order ANY (…), behind the word ANY, SOME or ALL. */
static struct node *quantified(struct parser *p, struct node *left, enum order order,
                               enum quantifier quantifier, size_t offset)
{
    struct node *node = adopt(p, make(p, NODE_QUANTIFIED, offset), left);
    if (!node || !expect(p, "(", "( and the name of a list column belong here"))
        return NULL;
    node->order = order;
    node->quantifier = quantifier;
    if (next_is(p, "SELECT"))
        return adopt(p, node, values(p));
    if (!(node = adopt(p, node, column(p))))
        return NULL;
    return expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

/* --- expressions ------------------------------------------------------------------------ */

static struct node *parenthesis(struct parser *p)
{
    if (!advance(p))
        return NULL;
    if (next_is(p, "SELECT"))
        return scalar(p);
    struct node *node = expression(p);
    return node && expect(p, ")", "a closing ) belongs here") ? node : NULL;
}

static struct node *keyword(struct parser *p)
{
    if (next_is(p, "TRUE") || next_is(p, "FALSE"))
        return literal(p, constant_bool(next_is(p, "TRUE")));
    if (next_is(p, "NULL"))
        return literal(p, (struct constant){0});
    if (next_is(p, "CURRENT_DATE") || next_is(p, "CURRENT_TIMESTAMP")) {
        struct node *node =
            make(p, next_is(p, "CURRENT_DATE") ? NODE_TODAY : NODE_NOW, p->token.offset);
        return node && advance(p) ? node : NULL;
    }
    if (next_is(p, "EXISTS"))
        return exists(p);
    return unexpected(p, "a column, a value or a condition belongs here");
}

static struct node *primary(struct parser *p)
{
    const struct token *token = &p->token;
    struct constant number;
    switch (token->kind) {
    case TOKEN_NUMBER:
        CHECK(constant_number(token->text, &number) == 0);
        return literal(p, number);
    case TOKEN_STRING:
        return literal(p, constant_text(plain(p, token->text, '\'')));
    case TOKEN_PARAM:
        return parameter(p);
    case TOKEN_QUOTED:
        return column(p);
    case TOKEN_NAME:
        if (is_reserved(token))
            return keyword(p);
        if (p->ahead.kind == TOKEN_STRING && next_is(p, "INTERVAL"))
            return interval_literal(p);
        if (p->ahead.kind == TOKEN_STRING &&
            (next_is(p, "DATE") || next_is(p, "TIMESTAMP")))
            return time_literal(p);
        return token_is(&p->ahead, "(") ? call(p) : column(p);
    default:
        return next_is(p, "(")
                   ? parenthesis(p)
                   : unexpected(p, "a column, a value or a condition belongs here");
    }
}

static struct node *sign(struct parser *p)
{
    if (!next_is(p, "-") && !next_is(p, "+"))
        return primary(p);
    bool minus = next_is(p, "-");
    size_t offset = p->token.offset;
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return fail(p, offset, "the expression is nested deeper than 64 levels");
    struct node *node = advance(p) ? sign(p) : NULL;
    p->depth--;
    if (!minus || !node)
        return node;
    return adopt(p, make(p, NODE_NEGATE, offset), node);
}

/* chain: operands joined by one of the operators, from the left. */
static struct node *chain(struct parser *p, const char *operators,
                          struct node *(*operand)(struct parser *))
{
    struct node *left = operand(p);
    while (left && p->token.kind == TOKEN_SYMBOL && p->token.text.bytes == 1 &&
           strchr(operators, p->token.text.data[0])) {
        struct node *node = make(p, NODE_ARITHMETIC, p->token.offset);
        if (!node)
            return NULL;
        node->arithmetic = (enum arithmetic)p->token.text.data[0];
        if (!advance(p) || !adopt(p, node, left))
            return NULL;
        left = adopt(p, node, operand(p));
    }
    return left;
}

static struct node *multiplicative(struct parser *p)
{
    return chain(p, "*/%", sign);
}

static struct node *additive(struct parser *p)
{
    return chain(p, "+-", multiplicative);
}

static struct node *between(struct parser *p, struct node *node)
{
    if (!(node = adopt(p, node, additive(p))) ||
        !expect(p, "AND", "BETWEEN … AND … needs its AND"))
        return NULL;
    return adopt(p, node, additive(p));
}

static struct node *in(struct parser *p, struct node *node)
{
    if (next_is(p, "(") && token_is(&p->ahead, "SELECT")) {
        node->kind = NODE_QUANTIFIED;
        node->order = ORDER_EQUAL;
        node->quantifier = QUANTIFIER_ANY;
        return advance(p) ? adopt(p, node, values(p)) : NULL;
    }
    if (!next_is(p, "("))
        return unexpected(
            p, "IN needs a list in parentheses (for a list column: = ANY(tags))");
    node = arguments(p, node);
    if (node && !node->children->next)
        return fail(p, node->offset, "IN () needs at least one value");
    return node;
}

static struct node *like(struct parser *p, struct node *node)
{
    if (!(node = adopt(p, node, additive(p))) || !next_is(p, "ESCAPE"))
        return node;
    return advance(p) ? adopt(p, node, additive(p)) : NULL;
}

/* membership: [NOT] IN, LIKE, ILIKE, BETWEEN. */
static struct node *membership(struct parser *p)
{
    struct node *left = additive(p);
    while (left) {
        bool negated = next_is(p, "NOT");
        const struct token *word = negated ? &p->ahead : &p->token;
        enum node_kind kind = token_is(word, "IN")        ? NODE_IN
                              : token_is(word, "BETWEEN") ? NODE_BETWEEN
                              : token_is(word, "LIKE") || token_is(word, "ILIKE")
                                  ? NODE_LIKE
                                  : NODE_LITERAL;
        if (kind == NODE_LITERAL)
            return left;
        struct node *node = adopt(p, make(p, kind, word->offset), left);
        if (!node || (negated && !advance(p)))
            return NULL;
        node->negated = negated;
        node->fold_case = next_is(p, "ILIKE");
        if (!advance(p))
            return NULL;
        left = kind == NODE_IN        ? in(p, node)
               : kind == NODE_BETWEEN ? between(p, node)
                                      : like(p, node);
    }
    return NULL;
}

static bool comparison_operator(const struct token *token, enum order *out)
{
    static const struct {
        const char *symbol;
        enum order order;
    } operators[] = {{"=", ORDER_EQUAL},         {"<>", ORDER_NOT_EQUAL},
                     {"!=", ORDER_NOT_EQUAL},    {"<", ORDER_LESS},
                     {"<=", ORDER_LESS_EQUAL},   {">", ORDER_GREATER},
                     {">=", ORDER_GREATER_EQUAL}};
    for (size_t i = 0; i < ARRAY_COUNT(operators); i++) {
        if (token->kind == TOKEN_SYMBOL && token_is(token, operators[i].symbol)) {
            *out = operators[i].order;
            return true;
        }
    }
    return false;
}

static struct node *comparison(struct parser *p)
{
    struct node *left = membership(p);
    enum order order;
    while (left && comparison_operator(&p->token, &order)) {
        size_t offset = p->token.offset;
        if (!advance(p))
            return NULL;
        bool all = next_is(p, "ALL");
        if (all || next_is(p, "ANY") || next_is(p, "SOME")) {
            if (!advance(p))
                return NULL;
            left =
                quantified(p, left, order, all ? QUANTIFIER_ALL : QUANTIFIER_ANY, offset);
            continue;
        }
        struct node *node = adopt(p, make(p, NODE_COMPARE, offset), left);
        if (!node)
            return NULL;
        node->order = order;
        left = adopt(p, node, membership(p));
    }
    return left;
}

static struct node *is_test(struct parser *p, struct node *left, size_t offset)
{
    static const struct {
        const char *word;
        enum test test;
    } tests[] = {{"NULL", TEST_NULL},
                 {"TRUE", TEST_TRUE},
                 {"FALSE", TEST_FALSE},
                 {"UNKNOWN", TEST_UNKNOWN}};
    bool negated = next_is(p, "NOT");
    if (negated && !advance(p))
        return NULL;
    struct node *node =
        adopt(p, make(p, next_is(p, "DISTINCT") ? NODE_DISTINCT : NODE_IS, offset), left);
    if (!node)
        return NULL;
    node->negated = negated;
    if (node->kind == NODE_DISTINCT) {
        if (!advance(p) || !expect(p, "FROM", "IS DISTINCT FROM needs its FROM"))
            return NULL;
        return adopt(p, node, comparison(p));
    }
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) {
        if (next_is(p, tests[i].word)) {
            node->test = tests[i].test;
            return advance(p) ? node : NULL;
        }
    }
    return unexpected(p, "IS takes NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
}

static struct node *is(struct parser *p)
{
    struct node *left = comparison(p);
    while (left && next_is(p, "IS")) {
        size_t offset = p->token.offset;
        left = advance(p) ? is_test(p, left, offset) : NULL;
    }
    return left;
}

static struct node *negation(struct parser *p)
{
    if (!next_is(p, "NOT"))
        return is(p);
    size_t offset = p->token.offset;
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return fail(p, offset, "the expression is nested deeper than 64 levels");
    struct node *child = advance(p) ? negation(p) : NULL;
    p->depth--;
    return child ? adopt(p, make(p, NODE_NOT, offset), child) : NULL;
}

/* joined: operands with the same word between them become children of one node. */
static struct node *joined(struct parser *p, const char *word, enum node_kind kind,
                           struct node *(*operand)(struct parser *))
{
    struct node *first = operand(p);
    if (!first || !next_is(p, word))
        return first;
    struct node *node = adopt(p, make(p, kind, p->token.offset), first);
    struct node **end = node ? &first->next : NULL;
    while (node && next_is(p, word)) {
        if (!advance(p))
            return NULL;
        struct node *child = operand(p);
        if (!adopt_into(p, node, end, child))
            return NULL;
        end = &child->next;
    }
    return node;
}

static struct node *conjunction(struct parser *p)
{
    return joined(p, "AND", NODE_AND, negation);
}

static struct node *expression(struct parser *p)
{
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return fail(p, p->token.offset, "the expression is nested deeper than 64 levels");
    struct node *node = joined(p, "OR", NODE_OR, conjunction);
    p->depth--;
    return node;
}

int parser_parse(const struct source *source, struct arena *arena, size_t *nodes,
                 struct node **out, struct error *err)
{
    if (source->text.bytes > AUDIENCE_BYTES_MAX)
        return source_error(source, 0, err, "the expression is longer than 64 KiB");
    if (!utf8_valid(source->text))
        return source_error(source, 0, err, "the expression is not valid UTF-8");
    struct parser p = {.lexer = {.source = source, .err = err},
                       .arena = arena,
                       .nodes = nodes,
                       .err = err};
    if (!advance_twice(&p) || !(*out = expression(&p)))
        return -ERROR_INPUT;
    if (p.token.kind != TOKEN_END) {
        unexpected(&p, "conditions are joined by AND or OR");
        return -ERROR_INPUT;
    }
    return 0;
}
