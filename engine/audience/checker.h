/* checker: gives every node its type, every name its column, and folds what is constant.
 */
#ifndef ENGINE_AUDIENCE_CHECKER_H
#define ENGINE_AUDIENCE_CHECKER_H

#include "engine/audience/ast.h"
#include "engine/audience/audience.h"

struct checker {
    struct arena *arena;
    const struct audience_env *env;
    const struct column *schema;
    size_t column_count;
    size_t nodes;                /* made so far, over all saved audiences */
    uint64_t *needed;            /* a bit per schema column */
    const struct saved *opening; /* the saved audiences around the node that is checked */
    uint32_t saved_depth;
    struct error *err;
};

/* checker_check: root as a condition over the customers.
 * Errors: ERROR_INPUT with a caret */
int checker_check(struct checker *checker, struct node *root) MUST_USE;

#endif
