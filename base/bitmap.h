/* bitmap: which rows are selected; bit r of word r/64 is row r.
 *
 * A bitmap is a bare array of 64-bit words, the Arrow bit order on little-endian
 * machines, so that validity bitmaps of a mapped file can be combined with ours word by
 * word. Bits behind the last row of the last word are always zero in a bitmap of ours. */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitmap_words(size_t bits)
{
    return (bits + 63) / 64;
}

static inline bool bitmap_get(const uint64_t *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

void bitmap_fill(uint64_t *map,
                 size_t bits); /* rows 0 … bits-1 set, the rest of the word clear */
void bitmap_zero(uint64_t *map, size_t bits);
void bitmap_copy(uint64_t *out, const uint64_t *in, size_t bits);
void bitmap_and(uint64_t *map, const uint64_t *other, size_t bits);
void bitmap_or(uint64_t *map, const uint64_t *other, size_t bits);
void bitmap_andnot(uint64_t *map, const uint64_t *other, size_t bits); /* map ∧ ¬other */
size_t bitmap_count(const uint64_t *map, size_t bits);

/* bitmap_next: the first set bit at or behind from, or bits when there is none.
 * for (r = bitmap_next(m, 0, n); r < n; r = bitmap_next(m, r + 1, n)) */
static inline size_t bitmap_next(const uint64_t *map, size_t from, size_t bits)
{
    if (from >= bits)
        return bits;
    size_t word = from / 64;
    uint64_t rest = map[word] & ~0ull << (from % 64);
    while (rest == 0) {
        if (++word >= bitmap_words(bits))
            return bits;
        rest = map[word];
    }
    size_t bit = word * 64 + (size_t)__builtin_ctzll(rest);
    return bit < bits ? bit : bits;
}

#endif
