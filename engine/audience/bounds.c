/* bounds: see bounds.h. Everything rests on the greatest stored number that is at most
 * the constant (floor) and the least that is at least the constant (ceiling). */
#include "engine/audience/bounds.h"

#include <math.h>

struct neighbours {
    int128 floor;
    int128 ceiling; /* floor, or floor + 1 where the constant lies between two */
};

static const struct bounds nothing = {.low = 1, .high = 0};

/* beyond: a constant no stored number reaches. */
static struct bounds beyond(enum order order, bool above)
{
    struct bounds all = {.low = INT128_MIN, .high = INT128_MAX};
    return order & (above ? ORDER_LESS : ORDER_GREATER) ? all : nothing;
}

static bool divided(int128 value, int128 divisor, struct neighbours *out)
{
    out->floor = number_floor(value, divisor);
    out->ceiling = out->floor + (value % divisor != 0);
    return true;
}

/* rescaled: value × 10^by. Returns false when the result is beyond 128 bits. */
static bool rescaled(int128 value, int32_t by, struct neighbours *out)
{
    if (by < -NUMBER_SCALE_MAX)
        return divided(value > 0 ? 1 : value < 0 ? -1 : 0, 10, out);
    if (by < 0)
        return divided(value, number_power(-by), out);
    bool fits = number_rescale(value, by, &out->floor);
    out->ceiling = out->floor;
    return fits;
}

static bool from_real(double value, struct neighbours *out)
{
    if (!(value < 0x1p126 && value > -0x1p126))
        return false;
    out->floor = (int128)floor(value);
    out->ceiling = (int128)ceil(value);
    return true;
}

struct bounds bounds_exact(enum order order, struct type type,
                           const struct constant *constant)
{
    struct neighbours n;
    bool above, fits;
    if (constant->type.kind == KIND_REAL) {
        fits = from_real(constant->real, &n);
        above = !(constant->real < 0);
    } else if (type.kind == KIND_DATE && constant->type.kind == KIND_WALL) {
        fits = divided(constant->number, CALENDAR_DAY_NS, &n);
        above = false;
    } else {
        fits = rescaled(constant->number, type.scale - constant->type.scale, &n);
        above = constant->number > 0;
    }
    if (!fits)
        return beyond(order, above);
    switch (order) {
    case ORDER_LESS:
        return (struct bounds){.low = INT128_MIN, .high = n.ceiling - 1};
    case ORDER_LESS_EQUAL:
        return (struct bounds){.low = INT128_MIN, .high = n.floor};
    case ORDER_GREATER:
        return (struct bounds){.low = n.floor + 1, .high = INT128_MAX};
    case ORDER_GREATER_EQUAL:
        return (struct bounds){.low = n.ceiling, .high = INT128_MAX};
    default: /* equal, not equal: empty where the constant lies between two */
        return (struct bounds){
            .low = n.ceiling, .high = n.floor, .outside = order == ORDER_NOT_EQUAL};
    }
}

static struct real_bounds above_nan(enum order order)
{
    struct real_bounds b = {.low = INFINITY, .high = -INFINITY, .nan = true};
    if (order & ORDER_LESS)
        b = (struct real_bounds){.low = -INFINITY, .high = INFINITY};
    b.nan = (order & ORDER_EQUAL) != 0;
    return b;
}

struct real_bounds bounds_real(enum order order, const struct constant *constant)
{
    double value = constant->real, low = value, high = value;
    if (isnan(value))
        return order == ORDER_NOT_EQUAL
                   ? (struct real_bounds){INFINITY, -INFINITY, true, true}
                   : above_nan(order);
    if (constant->type.kind == KIND_EXACT && constant->type.scale == 0) {
        int side = real_compare_integer(value, constant->number);
        low = side < 0 ? nextafter(value, INFINITY) : value;
        high = side > 0 ? nextafter(value, -INFINITY) : value;
    }
    /* low is the least double at or above the constant, high the greatest at or below it.
     */
    bool exact = low == high;
    switch (order) {
    case ORDER_LESS:
        return value == -INFINITY
                   ? (struct real_bounds){INFINITY, -INFINITY, false, false}
                   : (struct real_bounds){-INFINITY,
                                          exact ? nextafter(high, -INFINITY) : high,
                                          false, false};
    case ORDER_LESS_EQUAL:
        return (struct real_bounds){-INFINITY, high, false, false};
    case ORDER_GREATER:
        return value == INFINITY
                   ? (struct real_bounds){INFINITY, -INFINITY, true, false}
                   : (struct real_bounds){exact ? nextafter(low, INFINITY) : low,
                                          INFINITY, true, false};
    case ORDER_GREATER_EQUAL:
        return (struct real_bounds){low, INFINITY, true, false};
    default:
        return (struct real_bounds){low, high, false, order == ORDER_NOT_EQUAL};
    }
}
