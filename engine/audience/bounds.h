/* bounds: `column order constant` as a range of the numbers the column stores. */
#ifndef ENGINE_AUDIENCE_BOUNDS_H
#define ENGINE_AUDIENCE_BOUNDS_H

#include "engine/audience/ast.h"

/* Stored numbers from low to high, or all others when outside. Empty where low > high. */
struct bounds {
    int128 low;
    int128 high;
    bool outside;
};

/* Reals from low to high, and NaN when nan, or all others when outside. */
struct real_bounds {
    double low;
    double high;
    bool nan;
    bool outside;
};

/* bounds_exact: for values of an exact, date, wall or instant type. The constant is of
 * the same kind; besides, an exact type of scale 0 takes a real and a date takes a wall
 * clock. */
struct bounds bounds_exact(enum order order, struct type type,
                           const struct constant *constant);

/* bounds_real: for reals, against an exact or real constant. Whole numbers compare
 * exactly, a decimal fraction stands for the nearest double. */
struct real_bounds bounds_real(enum order order, const struct constant *constant);

#endif
