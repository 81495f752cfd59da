/* arithmetic: see arithmetic.h. */
#include "engine/audience/arithmetic.h"

#include "base/clock.h"

#include <math.h>

/* --- types ------------------------------------------------------------------------------ */

static bool exact_type(enum arithmetic op, struct type a, struct type b, struct type *out)
{
    int32_t scale = a.scale > b.scale ? a.scale : b.scale;
    if (op == MULTIPLY)
        scale = a.scale + b.scale;
    bool real = scale > NUMBER_SCALE_MAX || scale < 0 ||
                (op == DIVIDE && (a.scale != 0 || b.scale != 0));
    bool wide = a.wide || b.wide || scale > 0;
    *out = real ? (struct type){.kind = KIND_REAL}
                : (struct type){.kind = KIND_EXACT, .scale = scale, .wide = wide};
    return true;
}

static bool date_type(enum arithmetic op, struct type a, struct type b, struct type *out)
{
    bool days = b.kind == KIND_EXACT && b.scale == 0 && !b.wide;
    if (b.kind == KIND_DATE && a.kind == KIND_EXACT && op == ADD)
        return date_type(op, b, a, out);
    if (a.kind != KIND_DATE || (op != ADD && op != SUBTRACT))
        return false;
    *out = (struct type){.kind = KIND_DATE};
    if (b.kind == KIND_DATE && op == SUBTRACT)
        *out = (struct type){.kind = KIND_EXACT};
    else if (!days)
        return false;
    return true;
}

/* A shifted timestamp keeps its unit unless the interval is finer. Which interval it is
 * does not count here, so the result has nanoseconds in 128 bits. */
static bool shift_type(enum arithmetic op, struct type a, struct type b, struct type *out)
{
    if (op == ADD && a.kind == KIND_INTERVAL && b.kind != KIND_INTERVAL)
        return shift_type(op, b, a, out);
    if (b.kind != KIND_INTERVAL || (op != ADD && op != SUBTRACT))
        return false;
    *out = a;
    if (kind_is_time(a.kind))
        *out = (struct type){
            .kind = a.kind == KIND_DATE ? KIND_WALL : a.kind, .scale = 9, .wide = true};
    return kind_is_time(a.kind) || a.kind == KIND_INTERVAL;
}

bool arithmetic_type(enum arithmetic op, struct type a, struct type b, struct type *out)
{
    if (a.kind == KIND_NULL || b.kind == KIND_NULL) {
        *out = (struct type){.kind = KIND_NULL};
        return true;
    }
    if (a.kind == KIND_EXACT && b.kind == KIND_EXACT)
        return exact_type(op, a, b, out);
    if (kind_is_number(a.kind) && kind_is_number(b.kind)) {
        *out = (struct type){.kind = KIND_REAL};
        return true;
    }
    return date_type(op, a, b, out) || shift_type(op, a, b, out);
}

/* --- one value -------------------------------------------------------------------------- */

bool arithmetic_exact(enum arithmetic op, int128 a, int32_t a_scale, int128 b,
                      int32_t b_scale, struct type type, int128 *out)
{
    bool ok;
    if (op != MULTIPLY && op != DIVIDE &&
        (!number_rescale(a, type.scale - a_scale, &a) ||
         !number_rescale(b, type.scale - b_scale, &b)))
        return false;
    switch (op) {
    case ADD:
        ok = number_add(a, b, out);
        break;
    case SUBTRACT:
        ok = number_subtract(a, b, out);
        break;
    case MULTIPLY:
        ok = number_multiply(a, b, out);
        break;
    case DIVIDE:
        ok = number_divide(a, b, out);
        break;
    default:
        ok = number_modulo(a, b, out);
        break;
    }
    return ok && (type.wide || (*out >= INT64_MIN && *out <= INT64_MAX));
}

bool arithmetic_real(enum arithmetic op, double a, double b, double *out)
{
    if ((op == DIVIDE || op == MODULO) && b == 0)
        return false;
    *out = op == ADD        ? a + b
           : op == SUBTRACT ? a - b
           : op == MULTIPLY ? a * b
           : op == DIVIDE   ? a / b
                            : fmod(a, b);
    return !isinf(*out) || isinf(a) || isinf(b);
}

struct interval arithmetic_negated(const struct interval *interval)
{
    return (struct interval){-interval->months, -interval->days, -interval->ns};
}

bool arithmetic_shift(int128 value, struct type type, const struct interval *by,
                      const struct tzif *zone, struct type result, int128 *out)
{
    int128 ns;
    if (type.kind == KIND_DATE)
        ns = value * CALENDAR_DAY_NS;
    else if (!number_rescale(value, 9 - type.scale, &ns))
        return false;
    *out = type.kind == KIND_INSTANT ? calendar_shift_instant(zone, ns, by)
                                     : calendar_shift(ns, by);
    return result.scale == 9;
}

/* --- constants -------------------------------------------------------------------------- */

static struct constant shifted(enum arithmetic op, const struct constant *a,
                               const struct constant *b, struct type type,
                               const struct tzif *zone)
{
    /* Either may be the interval, and both may; then the second moves the first. */
    const struct constant *time = b->type.kind == KIND_INTERVAL ? a : b;
    struct interval by = time == a ? b->interval : a->interval;
    if (op == SUBTRACT)
        by = arithmetic_negated(&by);
    if (type.kind == KIND_INTERVAL) {
        struct constant sum = *time;
        if (__builtin_add_overflow(sum.interval.months, by.months,
                                   &sum.interval.months) ||
            __builtin_add_overflow(sum.interval.days, by.days, &sum.interval.days) ||
            __builtin_add_overflow(sum.interval.ns, by.ns, &sum.interval.ns) ||
            sum.interval.ns == INT64_MIN)
            return (struct constant){0};
        return sum;
    }
    int128 out;
    if (!arithmetic_shift(time->number, time->type, &by, zone, type, &out))
        return (struct constant){0};
    return constant_time(type.kind, out);
}

struct constant arithmetic_constant(enum arithmetic op, const struct constant *a,
                                    const struct constant *b, struct type type,
                                    const struct tzif *zone)
{
    const struct constant none = {0};
    int128 out;
    if (type.kind == KIND_NULL)
        return none;
    if (a->type.kind == KIND_INTERVAL || b->type.kind == KIND_INTERVAL)
        return shifted(op, a, b, type, zone);
    if (type.kind == KIND_REAL) {
        double real;
        return arithmetic_real(op, a->real, b->real, &real) ? constant_real(real) : none;
    }
    if (!arithmetic_exact(op, a->number, a->type.scale, b->number, b->type.scale, type,
                          &out))
        return none;
    return type.kind == KIND_DATE ? constant_date(out) : constant_exact(out, type.scale);
}
