/* scope: what a name means: a column, a field of a struct, a list as a child table. */
#ifndef ENGINE_AUDIENCE_SCOPE_H
#define ENGINE_AUDIENCE_SCOPE_H

#include "engine/audience/ast.h"

/* A table names can be looked up in: the customers, or the elements of a list. */
struct scope {
    const struct scope *outer; /* NULL: this is the customers */
    uint32_t level;
    const struct column *columns;
    size_t column_count;
    bool plain;        /* a list of plain values: its one column is called value */
    struct text name;  /* of the table */
    struct text alias; /* or TEXT_NONE */
};

/* scope_of_list: the elements of list as a table one level below outer. */
struct scope scope_of_list(const struct scope *outer, const struct column *list,
                           struct text name, struct text alias);

/* scope_column: what node's name means. A bare name belongs to the innermost table;
 * columns of the tables around it are written customers.name.
 * Errors: ERROR_INPUT with the nearest name; a column whose type filters cannot use */
int scope_column(const struct scope *scope, const struct node *node, struct place *out,
                 struct error *err) MUST_USE;

/* scope_list: the list column a subquery's FROM names, in this table or one around it. */
int scope_list(const struct scope *scope, const struct node *node, struct place *out,
               struct error *err) MUST_USE;

#endif
