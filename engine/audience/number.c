/* number: see number.h. */
#include "engine/audience/number.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

int128 number_power(int32_t exponent)
{
    CHECK(exponent >= 0 && exponent <= NUMBER_SCALE_MAX);
    int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* By halves, because a compiler's runtime may lack an overflow check for 128-bit
 * products. */
bool number_multiply(int128 a, int128 b, int128 *out)
{
    bool negative = (a < 0) != (b < 0);
    unsigned __int128 x = a < 0 ? -(unsigned __int128)a : (unsigned __int128)a;
    unsigned __int128 y = b < 0 ? -(unsigned __int128)b : (unsigned __int128)b;
    uint64_t x_high = (uint64_t)(x >> 64), y_high = (uint64_t)(y >> 64);
    if (x_high && y_high)
        return false;
    unsigned __int128 cross = x_high ? (unsigned __int128)x_high * (uint64_t)y
                                     : (unsigned __int128)y_high * (uint64_t)x;
    unsigned __int128 low = (unsigned __int128)(uint64_t)x * (uint64_t)y;
    if (cross >> 64)
        return false;
    unsigned __int128 product = low + (cross << 64);
    unsigned __int128 limit = (unsigned __int128)INT128_MAX + negative;
    if (product < low || product > limit)
        return false;
    *out = negative ? (int128)-product : (int128)product;
    return true;
}

bool number_rescale(int128 value, int32_t by, int128 *out)
{
    if (by == 0 || value == 0) {
        *out = value;
        return true;
    }
    return by > 0 && by <= NUMBER_SCALE_MAX &&
           number_multiply(value, number_power(by), out);
}

int128 number_floor(int128 value, int128 divisor)
{
    int128 quotient = value / divisor;
    return quotient - (value % divisor < 0);
}

static int sign_of(int128 value)
{
    return (value > 0) - (value < 0);
}

int number_compare(int128 a, int32_t a_scale, int128 b, int32_t b_scale)
{
    if (a_scale == b_scale)
        return (a > b) - (a < b);
    if (a_scale < b_scale)
        return -number_compare(b, b_scale, a, a_scale);
    /* a has more digits behind the point: compare its whole part, then what is left of
     * it. */
    int32_t digits = a_scale - b_scale;
    if (digits > NUMBER_SCALE_MAX)
        return b == 0 ? sign_of(a) : -sign_of(b);
    int128 power = number_power(digits);
    int128 whole = number_floor(a, power);
    if (whole != b)
        return whole > b ? 1 : -1;
    return a != whole * power;
}

double number_to_real(int128 value, int32_t scale)
{
    /* Both operands are exact up to 2^53 and 10^22, and one division rounds once. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (scale == 0)
        return (double)value;
    if (scale > 0 && scale < (int32_t)ARRAY_COUNT(powers))
        return value < 1ll << 53 && value > -(1ll << 53)
                   ? (double)value / powers[scale]
                   : (double)((long double)value / (long double)powers[scale]);
    return (double)((long double)value * powl(10, -(long double)scale));
}

int real_compare_integer(double a, int128 b)
{
    if (a != a || a >= 0x1p127)
        return 1;
    if (a < -0x1p127)
        return -1;
    double whole = floor(a);
    int128 integer = (int128)whole;
    if (integer != b)
        return integer > b ? 1 : -1;
    return a > whole;
}

/* mantissa: digits with at most one point; false when there is no digit. */
static bool mantissa(const char **at, const char *end, bool *exact, int128 *value,
                     int32_t *scale)
{
    bool point = false, any = false;
    for (; *at < end && ((**at >= '0' && **at <= '9') || (**at == '.' && !point));
         (*at)++) {
        if (**at == '.') {
            point = true;
            continue;
        }
        any = true;
        *scale += point;
        if (*value > (INT128_MAX - 9) / 10)
            *exact = false;
        else
            *value = *value * 10 + (**at - '0');
    }
    return any;
}

static bool exponent(const char **at, const char *end, int32_t *exponent_out)
{
    int32_t value = 0;
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+'))
        (*at)++;
    const char *start = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        value = value > 99999 ? value : value * 10 + (**at - '0');
    *exponent_out = negative ? -value : value;
    return *at > start;
}

int number_parse(struct text t, bool *exact_out, int128 *value_out, int32_t *scale_out,
                 double *real_out)
{
    const char *at = t.data, *end = t.data + t.bytes;
    bool negative = at < end && *at == '-', exact = true;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    int128 value = 0;
    int32_t scale = 0, power = 0;
    if (!mantissa(&at, end, &exact, &value, &scale))
        return -1;
    bool has_power = at < end && (*at == 'e' || *at == 'E');
    if (has_power && (at++, !exponent(&at, end, &power)))
        return -1;
    if (at != end)
        return -1;
    /* A number written with a point or an exponent keeps one digit behind the point, because 7 / 2
     * and 7 / 2.0 are not the same. */
    int32_t least = memchr(t.data, '.', t.bytes) || has_power ? 1 : 0;
    scale -= power;
    while (scale > 1 && value % 10 == 0) {
        value /= 10;
        scale--;
    }
    if (scale < least)
        exact = exact && number_rescale(value, least - scale, &value);
    exact = exact && scale <= NUMBER_SCALE_MAX;
    scale = scale < least ? least : scale;
    *exact_out = exact;
    *value_out = negative ? -value : value;
    *scale_out = scale;
    char *copy = text_copy(t);
    *real_out = strtod(copy, NULL);
    free(copy);
    return 0;
}
