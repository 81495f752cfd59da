/* kernels_loops: the bodies that differ only in how 64 rows become a word. Included by
 * kernels.c and kernels_x86.c. */
#ifndef ENGINE_AUDIENCE_KERNELS_LOOPS_H
#define ENGINE_AUDIENCE_KERNELS_LOOPS_H

#include "engine/audience/kernels.h"

#include <string.h>

/* DEFINE_LOOP: word(values, out word, …) for 64 values at a time; the last few are copied to where
 * 64 can be read. */
#define DEFINE_LOOP(attributes, name, type, parameters, word, ...)                       \
    attributes static void name parameters                                               \
    {                                                                                    \
        const type *at = values;                                                         \
        size_t whole = rows / 64;                                                        \
        for (size_t w = 0; w < whole; w++)                                               \
            word(at + 64 * w, &out[w], __VA_ARGS__);                                     \
        if (rows % 64) {                                                                 \
            type rest[64] = {0};                                                         \
            memcpy(rest, at + 64 * whole, rows % 64 * sizeof(type));                     \
            word(rest, &out[whole], __VA_ARGS__);                                        \
            out[whole] &= (1ull << rows % 64) - 1;                                       \
        }                                                                                \
    }

#define DEFINE_RANGE(attributes, name, type, word)                                       \
    DEFINE_LOOP(                                                                         \
        attributes, name, type,                                                          \
        (const void *values, size_t rows, uint64_t low, uint64_t span, uint64_t *out),   \
        word, low, span)

#define DEFINE_REAL(attributes, name, type, word)                                        \
    DEFINE_LOOP(attributes, name, type,                                                  \
                (const void *values, size_t rows, double low, double high, bool nan,     \
                 uint64_t *out),                                                         \
                word, (type)low, (type)high, nan)

/* bits_at: at least 57 bits of map from bit on, wherever it starts. */
static inline __attribute__((always_inline)) uint64_t bits_at(const uint64_t *map,
                                                              size_t bit)
{
    uint64_t bits;
    memcpy(&bits, (const char *)map + bit / 8, sizeof(bits));
    return bits >> (bit % 8);
}

#define BITS_AT 57

static inline __attribute__((always_inline)) uint64_t bits_between(const uint64_t *map,
                                                                   size_t from, size_t to)
{
    return bits_at(map, from) & ((1ull << (to - from)) - 1);
}

static inline __attribute__((always_inline)) void count_loop(const uint64_t *map,
                                                             const uint16_t *from,
                                                             const uint16_t *to,
                                                             size_t rows, int64_t *counts)
{
    for (size_t r = 0; r < rows; r++) {
        size_t at = from[r], end = to[r];
        for (; end - at > BITS_AT; at += BITS_AT)
            counts[r] += __builtin_popcountll(bits_between(map, at, at + BITS_AT));
        counts[r] += __builtin_popcountll(bits_between(map, at, end));
    }
}

static inline __attribute__((always_inline)) void
any_loop(const uint64_t *map, const uint16_t *from, const uint16_t *to, size_t rows,
         uint64_t *out, size_t row)
{
    for (size_t r = 0; r < rows;) { /* a word of out at a time, kept in a register */
        size_t bit = (row + r) % 64, word_at = (row + r) / 64;
        size_t end = rows - r < 64 - bit ? rows : r + 64 - bit;
        uint64_t word = 0;
        for (; r < end; r++, bit++) {
            size_t at = from[r], stop = to[r];
            uint64_t any = 0;
            for (; stop - at > BITS_AT; at += BITS_AT)
                any |= bits_between(map, at, at + BITS_AT);
            any |= bits_between(map, at, stop);
            word |= (uint64_t)(any != 0) << bit;
        }
        out[word_at] |= word;
    }
}

#endif
