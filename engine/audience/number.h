/* number: exact decimal numbers as SQL has them, and how they compare with floating
 * point.
 *
 * A number is value × 10^-scale. Whatever does not fit 128 bits overflows, and the
 * operation says so; expressions turn that into NULL, because a row cannot raise an
 * error. */
#ifndef ENGINE_AUDIENCE_NUMBER_H
#define ENGINE_AUDIENCE_NUMBER_H

#include "base/text.h"

typedef __int128 int128;

#define INT128_MAX       ((int128)(~(unsigned __int128)0 >> 1))
#define INT128_MIN       (-INT128_MAX - 1)
#define NUMBER_SCALE_MAX 38

/* number_power: 10^exponent.
 * Shapes: 0 <= exponent <= NUMBER_SCALE_MAX */
int128 number_power(int32_t exponent);

/* number_rescale: the same number with scale + by digits. Returns false on overflow. */
bool number_rescale(int128 value, int32_t by, int128 *out);

/* number_floor: floor(value / divisor), divisor > 0. */
int128 number_floor(int128 value, int128 divisor);

/* number_compare: -1, 0 or 1; exact whatever the scales. */
int number_compare(int128 a, int32_t a_scale, int128 b, int32_t b_scale);

/* number_to_real: the nearest double (for more than 15 digits behind the point: within
 * one unit in the last place). */
double number_to_real(int128 value, int32_t scale);

/* real_compare: -1, 0 or 1 in PostgreSQL's order: NaN equals itself and is above all
 * else. */
static inline int real_compare(double a, double b)
{
    int less = a < b || (a == a && b != b);
    int greater = a > b || (a != a && b == b);
    return greater - less;
}

/* real_compare_integer: a against the exact integer b. */
int real_compare_integer(double a, int128 b);

/* number_parse: [+-]digits[.digits][e[+-]digits]. A number of more than 38 digits comes
 * back as *real_out only, with *exact_out false. Trailing zeros behind the point are
 * dropped. Returns 0, or -1 when t is no number. */
int number_parse(struct text t, bool *exact_out, int128 *value_out, int32_t *scale_out,
                 double *real_out);

/* The operators; false: overflow or division by zero. Integer division truncates. */
static inline bool number_add(int128 a, int128 b, int128 *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool number_subtract(int128 a, int128 b, int128 *out)
{
    return !__builtin_sub_overflow(a, b, out);
}

bool number_multiply(int128 a, int128 b, int128 *out);

static inline bool number_divide(int128 a, int128 b, int128 *out)
{
    if (b == 0 || (b == -1 && a == INT128_MIN))
        return false;
    *out = a / b;
    return true;
}

static inline bool number_modulo(int128 a, int128 b, int128 *out)
{
    if (b == 0)
        return false;
    *out = b == -1 ? 0 : a % b;
    return true;
}

#endif
