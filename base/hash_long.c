/* hash_long: see hash_long.h. A file of its own, for the library's inlined functions (hash.c) and its
 * choice by processor cannot be had together. */
#include "base/hash_long.h"

#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

uint64_t hash64_long(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}
