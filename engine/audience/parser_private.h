/* parser_private: what the files of the parser share: the words at hand and the nodes made of them. */
#ifndef ENGINE_AUDIENCE_PARSER_PRIVATE_H
#define ENGINE_AUDIENCE_PARSER_PRIVATE_H

#include "engine/audience/lexer.h"
#include "engine/audience/parser.h"

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

/* Functions that make nodes return NULL after a mistake, which they have reported. */

/* --- parser_words.c: reading words, making nodes --- */

bool parser_advance(struct parser *p);
bool parser_advance_twice(struct parser *p);
bool parser_next_is(const struct parser *p, const char *word);
bool parser_is_reserved(const struct token *token);
struct node *parser_fail(struct parser *p, size_t offset, const char *sentence);
struct node *parser_unexpected(struct parser *p, const char *wanted);
bool parser_expect(struct parser *p, const char *word, const char *wanted);
struct node *parser_make(struct parser *p, enum node_kind kind, size_t offset);
struct node *parser_adopt_into(struct parser *p, struct node *node, struct node **list,
                               struct node *child);
struct node *parser_adopt(struct parser *p, struct node *node, struct node *child);
struct text parser_plain(struct parser *p, struct text raw, char quote);
struct node *parser_literal(struct parser *p, struct constant value);

/* --- parser_value.c: literals, names, calls, subqueries --- */

struct node *parser_arguments(struct parser *p, struct node *node);
struct node *parser_values(struct parser *p);
struct node *parser_quantified(struct parser *p, struct node *left, enum order order,
                               enum quantifier quantifier, size_t offset);
struct node *parser_primary(struct parser *p);

/* --- parser.c --- */

struct node *parser_expression(struct parser *p);

#endif
