/* bitmap: every operation against an array of bools, at sizes around words. */
#include "base/bitmap.h"
#include "base/check.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define BITS_MAX 4096

static const size_t sizes[] = {0, 1, 63, 64, 65, 127, 128, 1000, 4095, 4096};

static void randomize(uint64_t *map, bool *bits, size_t n, unsigned *seed)
{
    bitmap_zero(map, n);
    for (size_t i = 0; i < n; i++) {
        bits[i] = rand_r(seed) % 3 == 0;
        if (bits[i])
            bitmap_set(map, i);
    }
}

static void same(const uint64_t *map, const bool *bits, size_t n)
{
    size_t count = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(bitmap_get(map, i), bits[i], "bit %zu of %zu", i, n);
        count += bits[i];
    }
    cr_assert_eq(bitmap_count(map, n), count);
    for (size_t r = bitmap_next(map, 0, n); r < n; r = bitmap_next(map, r + 1, n)) {
        while (next < n && !bits[next])
            next++;
        cr_assert_eq(r, next++);
        count--;
    }
    cr_assert_eq(count, 0u);
    cr_assert_eq(bitmap_next(map, n, n), n);
    if (n % 64)
        cr_assert_eq(map[n / 64] >> (n % 64), 0u, "bits behind the last row stay clear");
}

Test(bitmap, operations)
{
    static uint64_t a[BITS_MAX / 64], b[BITS_MAX / 64], c[BITS_MAX / 64 + 1];
    static bool x[BITS_MAX], y[BITS_MAX], z[BITS_MAX];
    unsigned seed = 5;
    for (size_t s = 0; s < ARRAY_COUNT(sizes); s++) {
        size_t n = sizes[s];
        randomize(a, x, n, &seed);
        randomize(b, y, n, &seed);
        same(a, x, n);
        c[bitmap_words(n)] = 0x5A5A;
        bitmap_copy(c, a, n);
        bitmap_and(c, b, n);
        for (size_t i = 0; i < n; i++)
            z[i] = x[i] && y[i];
        same(c, z, n);
        bitmap_copy(c, a, n);
        bitmap_or(c, b, n);
        for (size_t i = 0; i < n; i++)
            z[i] = x[i] || y[i];
        same(c, z, n);
        bitmap_copy(c, a, n);
        bitmap_andnot(c, b, n);
        for (size_t i = 0; i < n; i++)
            z[i] = x[i] && !y[i];
        same(c, z, n);
        bitmap_fill(c, n);
        for (size_t i = 0; i < n; i++)
            z[i] = true;
        same(c, z, n);
        for (size_t i = 0; i < n; i += 3) {
            bitmap_clear(c, i);
            z[i] = false;
        }
        same(c, z, n);
        cr_assert_eq(c[bitmap_words(n)], 0x5A5Au,
                     "nothing behind the last word is written");
    }
}
