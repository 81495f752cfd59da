/* arena: see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int arena_init(struct arena *arena, size_t capacity_bytes, struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = (capacity_bytes + page - 1) / page * page;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return error_io(err, "cannot reserve %zu bytes of memory", bytes);
    *arena = (struct arena){.base = base, .capacity_bytes = bytes};
    return 0;
}

void arena_fini(struct arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->capacity_bytes);
    *arena = (struct arena){0};
}

struct text arena_text(struct arena *arena, struct text t)
{
    char *copy = arena_reserve(arena, t.bytes + 1);
    if (!copy)
        return TEXT_NONE;
    if (t.bytes > 0)
        memcpy(copy, t.data, t.bytes);
    copy[t.bytes] = '\0';
    arena_commit(arena, t.bytes + 1);
    return (struct text){copy, t.bytes};
}

struct text arena_join(struct arena *arena, struct text a, struct text b, struct text c)
{
    const struct text parts[] = {a, b, c};
    size_t bytes = a.bytes + b.bytes + c.bytes;
    char *joined = arena_reserve(arena, bytes + 1), *end = joined;
    if (!joined)
        return TEXT_NONE;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].bytes > 0)
            memcpy(end, parts[i].data, parts[i].bytes);
        end += parts[i].bytes;
    }
    *end = '\0';
    arena_commit(arena, bytes + 1);
    return (struct text){joined, bytes};
}

struct text arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(bytes >= 0);
    char *out = arena_reserve(arena, (size_t)bytes + 1);
    if (out) {
        vsnprintf(out, (size_t)bytes + 1, format, again);
        arena_commit(arena, (size_t)bytes + 1);
    }
    va_end(again);
    return out ? (struct text){out, (size_t)bytes} : TEXT_NONE;
}
