/* bitmap: see bitmap.h. The loops are plain: at 64 words a batch the compiler's vectors
 * are enough. */
#include "base/bitmap.h"

#include <string.h>

void bitmap_fill(uint64_t *map, size_t bits)
{
    memset(map, 0xFF, bits / 64 * 8);
    if (bits % 64)
        map[bits / 64] = (1ull << (bits % 64)) - 1;
}

void bitmap_zero(uint64_t *map, size_t bits)
{
    memset(map, 0, bitmap_words(bits) * 8);
}

void bitmap_copy(uint64_t *out, const uint64_t *in, size_t bits)
{
    memcpy(out, in, bitmap_words(bits) * 8);
}

void bitmap_and(uint64_t *map, const uint64_t *other, size_t bits)
{
    for (size_t i = 0; i < bitmap_words(bits); i++)
        map[i] &= other[i];
}

void bitmap_or(uint64_t *map, const uint64_t *other, size_t bits)
{
    for (size_t i = 0; i < bitmap_words(bits); i++)
        map[i] |= other[i];
}

void bitmap_andnot(uint64_t *map, const uint64_t *other, size_t bits)
{
    for (size_t i = 0; i < bitmap_words(bits); i++)
        map[i] &= ~other[i];
}

size_t bitmap_count(const uint64_t *map, size_t bits)
{
    size_t count = 0;
    for (size_t i = 0; i < bitmap_words(bits); i++)
        count += (size_t)__builtin_popcountll(map[i]);
    return count;
}
