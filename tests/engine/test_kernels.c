/* Every set of kernels says the same as the definition, at odd lengths, offsets and edges. */
#include "engine/audience/kernels.h"

#include "base/bitmap.h"
#include "base/check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 4096

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 16 ^ random_state << 40;
}

static const size_t lengths[] = {1, 2, 31, 63, 64, 65, 127, 128, 200, 1000, 4095, 4096};

static uint64_t unsigned_at(const void *values, unsigned log2, size_t i)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)values + (i << log2), 1u << log2);
    return value;
}

/* copy: rows values exactly, so that a sanitizer sees a read behind them. */
static void *copy(const void *values, size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    cr_assert(p != NULL);
    memcpy(p, values, bytes);
    return p;
}

static void check_range(const struct kernels *k, unsigned log2, const void *values,
                        size_t rows, uint64_t low, uint64_t span)
{
    uint64_t mask = log2 == 3 ? ~0ull : (1ull << (8u << log2)) - 1;
    uint64_t out[ROWS / 64 + 1];
    memset(out, 0xA5, sizeof(out));
    void *exact = copy(values, rows << log2);
    k->range[log2](exact, rows, low, span, out);
    for (size_t i = 0; i < (rows + 63) / 64 * 64; i++) {
        bool wanted =
            i < rows && ((unsigned_at(values, log2, i) - low) & mask) <= (span & mask);
        cr_assert_eq(bitmap_get(out, i), wanted, "%s: %u bytes, row %zu of %zu", k->name,
                     1u << log2, i, rows);
    }
    cr_assert_eq(out[(rows + 63) / 64], 0xA5A5A5A5A5A5A5A5u);
    free(exact);
}

Test(kernels, ranges)
{
    const struct kernels *sets[KERNELS_SETS_MAX];
    size_t count = kernels_all(sets);
    static const uint64_t edges[] = {0,         1,          5,          127,
                                     128,       255,        0x7FFF,     0x8000,
                                     0xFFFF,    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                     INT64_MAX, 1ull << 63, UINT64_MAX};
    uint64_t values[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        values[i] =
            next_random() % 3 ? next_random() % 12 * 0x0101010101010101u : next_random();
    for (size_t s = 0; s < count; s++) {
        for (unsigned log2 = 0; log2 < 4; log2++) {
            for (size_t l = 0; l < ARRAY_COUNT(lengths); l++)
                check_range(sets[s], log2, values, lengths[l], next_random() % 12,
                            next_random() % 5);
            for (size_t a = 0; a < ARRAY_COUNT(edges); a++)
                check_range(sets[s], log2, values, 130, edges[a],
                            edges[next_random() % ARRAY_COUNT(edges)]);
        }
    }
}

static void check_reals(const struct kernels *k, const double *values, size_t rows,
                        double low, double high, bool nan)
{
    float floats[ROWS];
    uint64_t out64[ROWS / 64], out32[ROWS / 64];
    for (size_t i = 0; i < rows; i++)
        floats[i] = (float)values[i];
    double *exact64 = copy(values, rows * sizeof(double));
    float *exact32 = copy(floats, rows * sizeof(float));
    k->real64(exact64, rows, low, high, nan, out64);
    k->real32(exact32, rows, low, high, nan, out32);
    for (size_t i = 0; i < rows; i++) {
        double x = values[i], y = floats[i];
        cr_assert_eq(bitmap_get(out64, i), isnan(x) ? nan : x >= low && x <= high,
                     "%s row %zu", k->name, i);
        cr_assert_eq(bitmap_get(out32, i), isnan(y) ? nan : y >= low && y <= high,
                     "%s row %zu", k->name, i);
    }
    free(exact64);
    free(exact32);
}

Test(kernels, reals)
{
    const struct kernels *sets[KERNELS_SETS_MAX];
    size_t count = kernels_all(sets);
    static const double odd[] = {NAN,  -NAN, INFINITY, -INFINITY, 0.0,
                                 -0.0, 0.5,  -2.5,     1e30};
    double values[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        values[i] = odd[next_random() % ARRAY_COUNT(odd)];
    for (size_t s = 0; s < count; s++) {
        for (size_t l = 0; l < ARRAY_COUNT(lengths); l++) {
            check_reals(sets[s], values, lengths[l], -2.5, 0.5, l % 2);
            check_reals(sets[s], values, lengths[l], -INFINITY, 0, l % 2);
            check_reals(sets[s], values, lengths[l], INFINITY, -INFINITY, l % 2);
        }
    }
}

Test(kernels, text_lengths)
{
    const struct kernels *sets[KERNELS_SETS_MAX];
    size_t count = kernels_all(sets);
    int32_t offsets[ROWS + 1] = {7};
    for (size_t i = 0; i < ROWS; i++)
        offsets[i + 1] = offsets[i] + (int32_t)(next_random() % 4);
    for (size_t s = 0; s < count; s++) {
        for (size_t l = 0; l < ARRAY_COUNT(lengths); l++) {
            size_t rows = lengths[l];
            uint64_t out[ROWS / 64];
            int32_t *exact = copy(offsets, (rows + 1) * sizeof(int32_t));
            sets[s]->lengths(exact, rows, 2, out);
            for (size_t i = 0; i < (rows + 63) / 64 * 64; i++)
                cr_assert_eq(bitmap_get(out, i),
                             i < rows && offsets[i + 1] - offsets[i] == 2,
                             "%s row %zu of %zu", sets[s]->name, i, rows);
            free(exact);
        }
    }
}

Test(kernels, folds)
{
    const struct kernels *sets[KERNELS_SETS_MAX];
    size_t count = kernels_all(sets);
    uint64_t map[ROWS / 64 + 1];
    uint16_t from[300], to[300];
    for (size_t w = 0; w < ROWS / 64 + 1; w++)
        map[w] = next_random() & next_random();
    for (size_t r = 0; r < 300; r++) { /* short, long, empty, and up to the last bit */
        size_t longest = r % 7 == 0 ? 1000 : 12;
        from[r] = (uint16_t)(next_random() % ROWS);
        size_t end = from[r] + next_random() % longest;
        to[r] = (uint16_t)(end > ROWS || r % 11 == 0 ? ROWS : end);
    }
    for (size_t s = 0; s < count; s++) {
        int64_t counts[300];
        uint64_t any[6] = {0};
        for (size_t r = 0; r < 300; r++)
            counts[r] = (int64_t)r;
        sets[s]->count(map, from, to, 300, counts);
        sets[s]->any(map, from, to, 300, any, 70);
        for (size_t r = 0; r < 300; r++) {
            int64_t wanted = 0;
            for (size_t e = from[r]; e < to[r]; e++)
                wanted += bitmap_get(map, e);
            cr_assert_eq(counts[r], (int64_t)r + wanted, "%s row %zu", sets[s]->name, r);
            cr_assert_eq(bitmap_get(any, 70 + r), wanted > 0, "%s row %zu", sets[s]->name,
                         r);
        }
        cr_assert_eq(any[0], 0);
    }
}
