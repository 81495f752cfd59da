/* units: see units.h. */
#include "base/units.h"

#include "base/check.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* number: a decimal number (digits, one dot) at the start of t; rest_out is what follows.
 */
static int number(struct text t, double *out, struct text *rest_out)
{
    char digits[32];
    size_t used = 0;
    bool dot = false;
    while (used < t.bytes && used < sizeof(digits) - 1) {
        char c = t.data[used];
        if (c == '.' && !dot)
            dot = true;
        else if (c < '0' || c > '9')
            break;
        digits[used++] = c;
    }
    digits[used] = '\0';
    if (used == 0 || (used == 1 && dot))
        return -1;
    *out = strtod(digits, NULL);
    *rest_out = text_trim((struct text){t.data + used, t.bytes - used});
    return 0;
}

int units_rate(struct text t, double *per_s_out)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"/s", 1},       {"/sec", 1},   {"/m", 60},
                 {"/min", 60},    {"/h", 3600},  {"/hr", 3600},
                 {"/hour", 3600}, {"/d", 86400}, {"/day", 86400}};
    if (text_is(t, "unlimited")) {
        *per_s_out = 0;
        return 0;
    }
    double value;
    struct text rest;
    if (number(t, &value, &rest))
        return -1;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (text_is(rest, units[i].unit)) {
            *per_s_out = value / units[i].seconds;
            return *per_s_out > 0 && *per_s_out <= 1e7 ? 0 : -1;
        }
    }
    return -1;
}

int units_duration(struct text t, int64_t *ns_out)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"us", 1e3},   {"ms", 1e6},   {"s", 1e9},     {"m", 60e9},
                 {"min", 60e9}, {"h", 3600e9}, {"hr", 3600e9}, {"d", 86400e9}};
    double value;
    struct text rest;
    if (number(t, &value, &rest))
        return -1;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (text_is(rest, units[i].unit)) {
            double ns = value * units[i].ns;
            if (ns > 9e18)
                return -1;
            *ns_out = (int64_t)ns;
            return 0;
        }
    }
    return -1;
}

int units_fraction(struct text t, double *out)
{
    struct text rest;
    if (number(t, out, &rest))
        return -1;
    if (text_is(rest, "%"))
        *out /= 100;
    else if (rest.bytes > 0)
        return -1;
    return *out <= 1 ? 0 : -1;
}

int units_count(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    if (t.bytes == 0)
        return -1;
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned digit = (unsigned)(t.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return -1;
    }
    *out = value;
    return 0;
}
