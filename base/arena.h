/* arena: the bytes of one batch, or of one parsed thing, allocated by moving a mark.
 *
 * Address space for the whole capacity is reserved at init; pages cost memory only once
 * touched and are kept across resets, so a batch's arena stays warm in cache. Nothing is
 * freed alone. An arena that overflows latches: arena_alloc returns NULL from then on and
 * the owner tests arena_overflowed() once per batch instead of every pointer. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/error.h"
#include "base/text.h"

struct arena {
    char *base;
    size_t used_bytes;
    size_t capacity_bytes;
    bool overflowed;
};

/* arena_init: reserve capacity_bytes (rounded up to pages).
 * Errors: ERROR_IO. */
int arena_init(struct arena *arena, size_t capacity_bytes, struct error *err) MUST_USE;
void arena_fini(struct arena *arena);

/* arena_reset: forget everything; views into the arena become invalid. */
static inline void arena_reset(struct arena *arena)
{
    arena->used_bytes = 0;
    arena->overflowed = false;
}

static inline bool arena_overflowed(const struct arena *arena)
{
    return arena->overflowed;
}

/* arena_alloc: bytes uninitialised bytes, aligned to 8; NULL when they do not fit. */
static inline void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t start = (arena->used_bytes + 7) & ~(size_t)7;
    if (arena->overflowed || bytes > arena->capacity_bytes ||
        start > arena->capacity_bytes - bytes) {
        arena->overflowed = true;
        return NULL;
    }
    arena->used_bytes = start + bytes;
    return arena->base + start;
}

/* arena_zalloc: the same, zeroed. */
static inline void *arena_zalloc(struct arena *arena, size_t bytes)
{
    void *p = arena_alloc(arena, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

/* arena_reserve / arena_commit: write text of unknown length without a copy. reserve
 * gives room for at most bytes (unaligned, NULL and latched when it cannot); commit keeps
 * the first bytes of it. Nothing else may be allocated between the two. */
static inline char *arena_reserve(struct arena *arena, size_t bytes)
{
    if (arena->overflowed || bytes > arena->capacity_bytes - arena->used_bytes) {
        arena->overflowed = true;
        return NULL;
    }
    return arena->base + arena->used_bytes;
}

static inline void arena_commit(struct arena *arena, size_t bytes)
{
    CHECK(bytes <= arena->capacity_bytes - arena->used_bytes);
    arena->used_bytes += bytes;
}

/* arena_text: a copy of t, NUL-terminated (the NUL is not counted). TEXT_NONE on
 * overflow. */
struct text arena_text(struct arena *arena, struct text t);

/* arena_join: a, b and c one behind the other, NUL-terminated; far quicker than printf.
 * TEXT_NONE on overflow. */
struct text arena_join(struct arena *arena, struct text a, struct text b, struct text c);

/* arena_format: printf into the arena, NUL-terminated. TEXT_NONE on overflow. */
struct text arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
