/* coercion: how the two sides of a comparison meet, and complaints while checking. */
#ifndef ENGINE_AUDIENCE_COERCION_H
#define ENGINE_AUDIENCE_COERCION_H

#include "engine/audience/checker.h"

/* checker_complain: a sentence about node.
 * Errors: returns -ERROR_INPUT. */
int checker_complain(struct checker *c, const struct node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);

void checker_literal(struct node *node, struct constant value);
bool checker_is_literal(const struct node *node, enum kind kind);

/* coercion_convert: node becomes a value of type; literals at once, the rest when it
 * runs.
 * Errors: ERROR_INPUT: a text that cannot be read so */
int coercion_convert(struct checker *c, struct node *node, struct type type) MUST_USE;

/* coercion_meet: make left and right comparable. left stays, because others may share it;
 * right->left_as says what it is for this comparison. at is where a complaint points.
 * Errors: ERROR_INPUT: kinds that do not compare, a text that cannot be read */
int coercion_meet(struct checker *c, const struct node *at, const struct node *left,
                  struct node *right) MUST_USE;

#endif
