/* kernels: the plain C twins, and the choice. */
#include "engine/audience/kernels_loops.h"

#define DEFINE_PLAIN_WORD(name, type)                                                    \
    static inline void name(const type *x, uint64_t *out, uint64_t low, uint64_t span)   \
    {                                                                                    \
        uint64_t word = 0;                                                               \
        for (size_t i = 0; i < 64; i++)                                                  \
            word |= (uint64_t)((type)(x[i] - (type)low) <= (type)span) << i;             \
        *out = word;                                                                     \
    }

#define DEFINE_PLAIN_REAL(name, type)                                                    \
    static inline void name(const type *x, uint64_t *out, type low, type high, bool nan) \
    {                                                                                    \
        uint64_t word = 0;                                                               \
        for (size_t i = 0; i < 64; i++)                                                  \
            word |= (uint64_t)((x[i] >= low && x[i] <= high) || (nan && x[i] != x[i]))   \
                    << i;                                                                \
        *out = word;                                                                     \
    }

DEFINE_PLAIN_WORD(word_8, uint8_t)
DEFINE_PLAIN_WORD(word_16, uint16_t)
DEFINE_PLAIN_WORD(word_32, uint32_t)
DEFINE_PLAIN_WORD(word_64, uint64_t)
DEFINE_PLAIN_REAL(word_real32, float)
DEFINE_PLAIN_REAL(word_real64, double)

DEFINE_RANGE(, range_8, uint8_t, word_8)
DEFINE_RANGE(, range_16, uint16_t, word_16)
DEFINE_RANGE(, range_32, uint32_t, word_32)
DEFINE_RANGE(, range_64, uint64_t, word_64)
DEFINE_REAL(, real_32, float, word_real32)
DEFINE_REAL(, real_64, double, word_real64)

static void lengths(const int32_t *offsets, size_t rows, int32_t bytes, uint64_t *out)
{
    memset(out, 0, (rows + 63) / 64 * 8);
    for (size_t r = 0; r < rows; r++)
        out[r / 64] |= (uint64_t)(offsets[r + 1] - offsets[r] == bytes) << (r % 64);
}

static void count(const uint64_t *map, const uint16_t *from, const uint16_t *to,
                  size_t rows, int64_t *counts)
{
    count_loop(map, from, to, rows, counts);
}

static void any(const uint64_t *map, const uint16_t *from, const uint16_t *to,
                size_t rows, uint64_t *out, size_t row)
{
    any_loop(map, from, to, rows, out, row);
}

static const struct kernels plain = {
    .name = "plain",
    .range = {range_8, range_16, range_32, range_64},
    .real32 = real_32,
    .real64 = real_64,
    .lengths = lengths,
    .count = count,
    .any = any,
};

size_t kernels_all(const struct kernels *out[KERNELS_SETS_MAX])
{
    size_t count_of = 0;
    out[count_of++] = &plain;
#ifdef __x86_64__
    extern const struct kernels kernels_avx2, kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("popcnt"))
        out[count_of++] = &kernels_avx2;
    if (count_of == 2 && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        out[count_of++] = &kernels_avx512;
#endif
    return count_of;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *sets[KERNELS_SETS_MAX];
    return sets[kernels_all(sets) - 1];
}
