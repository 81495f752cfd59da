/* parser: words to tree. */
#ifndef ENGINE_AUDIENCE_PARSER_H
#define ENGINE_AUDIENCE_PARSER_H

#include "engine/audience/ast.h"

#include "base/arena.h"

/* parser_parse: the whole of source as one expression.
 * Shapes: nodes counts every node made so far, over all saved audiences an expression
 *          contains
 * Owns: the tree lives in the arena and borrows from the source
 * Errors: ERROR_INPUT with a caret */
int parser_parse(const struct source *source, struct arena *arena, size_t *nodes,
                 struct node **out, struct error *err) MUST_USE;

/* parser_node: one more node for a checker's rewriting; NULL past the limits. */
struct node *parser_node(struct arena *arena, size_t *nodes);

#endif
