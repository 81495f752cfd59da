/* parser: recursive descent, one function per level of precedence, loosest first:
 * OR, AND, NOT, IS, comparison, IN/LIKE/BETWEEN, + -, * / %, sign. That is PostgreSQL's
 * order. */
#include "engine/audience/parser_private.h"

static struct node *additive(struct parser *p);

static struct node *sign(struct parser *p)
{
    if (!parser_next_is(p, "-") && !parser_next_is(p, "+"))
        return parser_primary(p);
    bool minus = parser_next_is(p, "-");
    size_t offset = p->token.offset;
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return parser_fail(p, offset, "the expression is nested deeper than 64 levels");
    struct node *node = parser_advance(p) ? sign(p) : NULL;
    p->depth--;
    if (!minus || !node)
        return node;
    return parser_adopt(p, parser_make(p, NODE_NEGATE, offset), node);
}

/* chain: operands joined by one of the operators, from the left. */
static struct node *chain(struct parser *p, const char *operators,
                          struct node *(*operand)(struct parser *))
{
    struct node *left = operand(p);
    while (left && p->token.kind == TOKEN_SYMBOL && p->token.text.bytes == 1 &&
           strchr(operators, p->token.text.data[0])) {
        struct node *node = parser_make(p, NODE_ARITHMETIC, p->token.offset);
        if (!node)
            return NULL;
        node->arithmetic = (enum arithmetic)p->token.text.data[0];
        if (!parser_advance(p) || !parser_adopt(p, node, left))
            return NULL;
        left = parser_adopt(p, node, operand(p));
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
    if (!(node = parser_adopt(p, node, additive(p))) ||
        !parser_expect(p, "AND", "BETWEEN … AND … needs its AND"))
        return NULL;
    return parser_adopt(p, node, additive(p));
}

static struct node *in(struct parser *p, struct node *node)
{
    if (parser_next_is(p, "(") && token_is(&p->ahead, "SELECT")) {
        node->kind = NODE_QUANTIFIED;
        node->order = ORDER_EQUAL;
        node->quantifier = QUANTIFIER_ANY;
        return parser_advance(p) ? parser_adopt(p, node, parser_values(p)) : NULL;
    }
    if (!parser_next_is(p, "("))
        return parser_unexpected(
            p, "IN needs a list in parentheses (for a list column: = ANY(tags))");
    node = parser_arguments(p, node);
    if (node && !node->children->next)
        return parser_fail(p, node->offset, "IN () needs at least one value");
    return node;
}

static struct node *like(struct parser *p, struct node *node)
{
    if (!(node = parser_adopt(p, node, additive(p))) || !parser_next_is(p, "ESCAPE"))
        return node;
    return parser_advance(p) ? parser_adopt(p, node, additive(p)) : NULL;
}

/* membership: [NOT] IN, LIKE, ILIKE, BETWEEN. */
static struct node *membership(struct parser *p)
{
    struct node *left = additive(p);
    while (left) {
        bool negated = parser_next_is(p, "NOT");
        const struct token *word = negated ? &p->ahead : &p->token;
        enum node_kind kind = token_is(word, "IN")        ? NODE_IN
                              : token_is(word, "BETWEEN") ? NODE_BETWEEN
                              : token_is(word, "LIKE") || token_is(word, "ILIKE")
                                  ? NODE_LIKE
                                  : NODE_LITERAL;
        if (kind == NODE_LITERAL)
            return left;
        struct node *node = parser_adopt(p, parser_make(p, kind, word->offset), left);
        if (!node || (negated && !parser_advance(p)))
            return NULL;
        node->negated = negated;
        node->fold_case = parser_next_is(p, "ILIKE");
        if (!parser_advance(p))
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
        if (!parser_advance(p))
            return NULL;
        bool all = parser_next_is(p, "ALL");
        if (all || parser_next_is(p, "ANY") || parser_next_is(p, "SOME")) {
            if (!parser_advance(p))
                return NULL;
            left = parser_quantified(p, left, order,
                                     all ? QUANTIFIER_ALL : QUANTIFIER_ANY, offset);
            continue;
        }
        struct node *node = parser_adopt(p, parser_make(p, NODE_COMPARE, offset), left);
        if (!node)
            return NULL;
        node->order = order;
        left = parser_adopt(p, node, membership(p));
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
    bool negated = parser_next_is(p, "NOT");
    if (negated && !parser_advance(p))
        return NULL;
    struct node *node = parser_adopt(
        p,
        parser_make(p, parser_next_is(p, "DISTINCT") ? NODE_DISTINCT : NODE_IS, offset),
        left);
    if (!node)
        return NULL;
    node->negated = negated;
    if (node->kind == NODE_DISTINCT) {
        if (!parser_advance(p) ||
            !parser_expect(p, "FROM", "IS DISTINCT FROM needs its FROM"))
            return NULL;
        return parser_adopt(p, node, comparison(p));
    }
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) {
        if (parser_next_is(p, tests[i].word)) {
            node->test = tests[i].test;
            return parser_advance(p) ? node : NULL;
        }
    }
    return parser_unexpected(p, "IS takes NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
}

static struct node *is(struct parser *p)
{
    struct node *left = comparison(p);
    while (left && parser_next_is(p, "IS")) {
        size_t offset = p->token.offset;
        left = parser_advance(p) ? is_test(p, left, offset) : NULL;
    }
    return left;
}

static struct node *negation(struct parser *p)
{
    if (!parser_next_is(p, "NOT"))
        return is(p);
    size_t offset = p->token.offset;
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return parser_fail(p, offset, "the expression is nested deeper than 64 levels");
    struct node *child = parser_advance(p) ? negation(p) : NULL;
    p->depth--;
    return child ? parser_adopt(p, parser_make(p, NODE_NOT, offset), child) : NULL;
}

/* joined: operands with the same word between them become children of one node. */
static struct node *joined(struct parser *p, const char *word, enum node_kind kind,
                           struct node *(*operand)(struct parser *))
{
    struct node *first = operand(p);
    if (!first || !parser_next_is(p, word))
        return first;
    struct node *node = parser_adopt(p, parser_make(p, kind, p->token.offset), first);
    struct node **end = node ? &first->next : NULL;
    while (node && parser_next_is(p, word)) {
        if (!parser_advance(p))
            return NULL;
        struct node *child = operand(p);
        if (!parser_adopt_into(p, node, end, child))
            return NULL;
        end = &child->next;
    }
    return node;
}

static struct node *conjunction(struct parser *p)
{
    return joined(p, "AND", NODE_AND, negation);
}

struct node *parser_expression(struct parser *p)
{
    if (++p->depth > AUDIENCE_DEPTH_MAX)
        return parser_fail(p, p->token.offset,
                           "the expression is nested deeper than 64 levels");
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
    if (!parser_advance_twice(&p) || !(*out = parser_expression(&p)))
        return -ERROR_INPUT;
    if (p.token.kind != TOKEN_END) {
        parser_unexpected(&p, "conditions are joined by AND or OR");
        return -ERROR_INPUT;
    }
    return 0;
}
