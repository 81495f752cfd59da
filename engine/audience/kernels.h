/* kernels: the loops that turn values into bitmaps, and bitmaps of list elements into
 * rows.
 *
 * Each exists as plain C, which is the reference, and for AVX2 and AVX-512; which set
 * runs is chosen once. Bits behind the last row of an out bitmap are zero. */
#ifndef ENGINE_AUDIENCE_KERNELS_H
#define ENGINE_AUDIENCE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kernel_range_fn: rows whose unsigned value - low is at most span. Every comparison of
 * an integer with a constant is such a range; signed values work too, since the
 * subtraction wraps.
 * Shapes: values[rows] of the kernel's width; out is a bitmap of rows bits, all written
 */
typedef void kernel_range_fn(const void *values, size_t rows, uint64_t low, uint64_t span,
                             uint64_t *out);

/* kernel_real_fn: rows with low <= value <= high, and those that are NaN where nan is
 * set. */
typedef void kernel_real_fn(const void *values, size_t rows, double low, double high,
                            bool nan, uint64_t *out);

/* kernel_lengths_fn: rows whose text has exactly that many bytes.
 * Shapes: offsets[rows + 1] */
typedef void kernel_lengths_fn(const int32_t *offsets, size_t rows, int32_t bytes,
                               uint64_t *out);

/* kernel_count_fn: add to counts[r] the bits of map in [from[r], to[r]). kernel_any_fn:
 * set bit r + row of out when there is one.
 * Shapes: map may be read 8 bytes past its last bit */
typedef void kernel_count_fn(const uint64_t *map, const uint16_t *from,
                             const uint16_t *to, size_t rows, int64_t *counts);
typedef void kernel_any_fn(const uint64_t *map, const uint16_t *from, const uint16_t *to,
                           size_t rows, uint64_t *out, size_t row);

struct kernels {
    const char *name;
    kernel_range_fn *range[4]; /* values of 1, 2, 4 and 8 bytes */
    kernel_real_fn *real32;    /* low and high are floats */
    kernel_real_fn *real64;
    kernel_lengths_fn *lengths;
    kernel_count_fn *count;
    kernel_any_fn *any;
};

/* kernels_best: the fastest set this machine runs. kernels_all: every set it runs, plain
 * C first; returns how many. */
const struct kernels *kernels_best(void);
#define KERNELS_SETS_MAX 3
size_t kernels_all(const struct kernels *out[KERNELS_SETS_MAX]);

#endif
