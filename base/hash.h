/* hash: XXH3, for message ids, opt-out keys, dedupe and frame checksums. Not for secrets.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/text.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(const void *data, size_t bytes);
uint64_t hash64_seeded(const void *data, size_t bytes, uint64_t seed);
struct hash128 hash128(const void *data, size_t bytes);

/* hash64_stream: the same value as hash64 over the pieces put together. */
struct hash_stream;
struct hash_stream *hash_stream_create(void);
void hash_stream_destroy(struct hash_stream **stream);
void hash_stream_add(struct hash_stream *stream, const void *data, size_t bytes);
uint64_t hash_stream_value(const struct hash_stream *stream);

#endif
