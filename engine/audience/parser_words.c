/* parser_words: two words of look-ahead, complaints about them, and the nodes of the tree. */
#include "engine/audience/parser_private.h"

#include "base/near.h"

static const char *const reserved[] = {
    "AND",    "OR",       "NOT",   "IN",    "IS",           "NULL",
    "LIKE",   "ILIKE",    "TRUE",  "FALSE", "BETWEEN",      "EXISTS",
    "SELECT", "FROM",     "WHERE", "ANY",   "SOME",         "ALL",
    "ESCAPE", "DISTINCT", "AS",    "ORDER", "GROUP",        "LIMIT",
    "HAVING", "UNION",    "CASE",  "CAST",  "CURRENT_DATE", "CURRENT_TIMESTAMP",
};

/* --- words ------------------------------------------------------------------------------ */

bool parser_advance(struct parser *p)
{
    p->before = p->token;
    p->token = p->ahead;
    return lexer_next(&p->lexer, &p->ahead) == 0;
}

bool parser_advance_twice(struct parser *p)
{
    bool first = parser_advance(p);
    return first && parser_advance(p);
}

bool parser_next_is(const struct parser *p, const char *word)
{
    return token_is(&p->token, word);
}

bool parser_is_reserved(const struct token *token)
{
    for (size_t i = 0; i < ARRAY_COUNT(reserved); i++) {
        if (token->kind == TOKEN_NAME && token_is(token, reserved[i]))
            return true;
    }
    return false;
}

struct node *parser_fail(struct parser *p, size_t offset, const char *sentence)
{
    source_error(p->lexer.source, offset, p->err, "%s", sentence);
    return NULL;
}

/* unexpected: the sentence for a word that cannot stand here. */
struct node *parser_unexpected(struct parser *p, const char *wanted)
{
    const struct token *token = &p->token;
    char quoted[SOURCE_QUOTE_BYTES], hint[200] = "";
    if (token->kind == TOKEN_END) {
        source_error(p->lexer.source, token->offset, p->err,
                     "the expression ends too early: %s", wanted);
        return NULL;
    }
    if (token->kind == TOKEN_NAME && !parser_is_reserved(token)) {
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

bool parser_expect(struct parser *p, const char *word, const char *wanted)
{
    if (parser_next_is(p, word))
        return parser_advance(p);
    parser_unexpected(p, wanted);
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

struct node *parser_make(struct parser *p, enum node_kind kind, size_t offset)
{
    struct node *node = parser_node(p->arena, p->nodes);
    if (!node)
        return parser_fail(p, offset, "the expression has more than 4096 parts");
    node->kind = kind;
    node->depth = 1;
    node->source = p->lexer.source;
    node->offset = offset;
    return node;
}

/* adopt: child becomes the last in a list of node's. Takes NULL (an error already told)
 * and passes it on. */
struct node *parser_adopt_into(struct parser *p, struct node *node, struct node **list,
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
        return parser_fail(p, node->offset,
                           "the expression is nested deeper than 64 levels");
    return node;
}

struct node *parser_adopt(struct parser *p, struct node *node, struct node *child)
{
    return parser_adopt_into(p, node, node ? &node->children : NULL, child);
}

/* plain: the text of a quoted token without its doubled quotes. */
struct text parser_plain(struct parser *p, struct text raw, char quote)
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

struct node *parser_literal(struct parser *p, struct constant value)
{
    struct node *node = parser_make(p, NODE_LITERAL, p->token.offset);
    if (!node || !parser_advance(p))
        return NULL;
    node->constant = value;
    node->type = value.type;
    return node;
}
