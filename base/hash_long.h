/* hash_long: hash64_seeded for many bytes at a time, with registers as wide as the processor has. */
#ifndef BASE_HASH_LONG_H
#define BASE_HASH_LONG_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64_long(const void *data, size_t bytes, uint64_t seed);

#endif
