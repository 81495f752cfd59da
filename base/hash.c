/* hash: see hash.h. */
#include "base/hash.h"

#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

uint64_t hash64_seeded(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

struct hash128 hash128(const void *data, size_t bytes)
{
    XXH128_hash_t h = XXH3_128bits(data, bytes);
    return (struct hash128){h.low64, h.high64};
}

struct hash_stream {
    XXH3_state_t *state;
};

struct hash_stream *hash_stream_create(void)
{
    struct hash_stream *stream = malloc(sizeof(*stream));
    CHECK(stream != NULL);
    stream->state = XXH3_createState();
    CHECK(stream->state != NULL);
    XXH3_64bits_reset(stream->state);
    return stream;
}

void hash_stream_destroy(struct hash_stream **stream)
{
    if (!*stream)
        return;
    XXH3_freeState((*stream)->state);
    free(*stream);
    *stream = NULL;
}

void hash_stream_add(struct hash_stream *stream, const void *data, size_t bytes)
{
    XXH3_64bits_update(stream->state, data, bytes);
}

uint64_t hash_stream_value(const struct hash_stream *stream)
{
    return XXH3_64bits_digest(stream->state);
}
