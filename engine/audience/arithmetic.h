/* arithmetic: + - * / % on numbers and dates; what its result is and what it comes to.
 *
 * PostgreSQL raises an error on overflow and on division by zero. A row cannot: its
 * result is NULL. */
#ifndef ENGINE_AUDIENCE_ARITHMETIC_H
#define ENGINE_AUDIENCE_ARITHMETIC_H

#include "engine/audience/ast.h"

/* arithmetic_type: the result of a op b. Returns false when they do not go together.
 * Integers divide to integers; a division with decimals is done in floating point; a date
 * plus an interval is a timestamp. */
bool arithmetic_type(enum arithmetic op, struct type a, struct type b, struct type *out);

/* arithmetic_exact: one result of an exact type; the operands' scales may differ. Returns
 * false where it is NULL. */
bool arithmetic_exact(enum arithmetic op, int128 a, int32_t a_scale, int128 b,
                      int32_t b_scale, struct type type, int128 *out);
bool arithmetic_real(enum arithmetic op, double a, double b, double *out);

/* arithmetic_shift: a date, wall clock or instant of type plus (or minus) an interval, in
 * units of the result type. Returns false where it does not fit. */
bool arithmetic_shift(int128 value, struct type type, const struct interval *by,
                      const struct tzif *zone, struct type result, int128 *out);
struct interval arithmetic_negated(const struct interval *interval);

/* arithmetic_constant: a op b, or the constant NULL. */
struct constant arithmetic_constant(enum arithmetic op, const struct constant *a,
                                    const struct constant *b, struct type type,
                                    const struct tzif *zone);

#endif
