/* value: the kinds of value an audience expression knows, and its constants. */
#ifndef ENGINE_AUDIENCE_VALUE_H
#define ENGINE_AUDIENCE_VALUE_H

#include "engine/audience/calendar.h"

#include "base/column.h"

enum kind {
    KIND_NULL,
    KIND_BOOL,
    KIND_EXACT, /* integers and decimals: number × 10^-scale */
    KIND_REAL,
    KIND_TEXT,
    KIND_DATE,    /* number: days since 1970 */
    KIND_WALL,    /* a naive timestamp: number × 10^-scale seconds of a wall clock */
    KIND_INSTANT, /* a zoned timestamp: number × 10^-scale seconds since 1970 UTC */
    KIND_INTERVAL,
    KIND_LIST,
    KIND_STRUCT,
    KIND_UNSUPPORTED
};

struct type {
    enum kind kind;
    int32_t scale; /* exact, wall, instant */
    bool wide;     /* lanes of 128 bits instead of 64 */
};

struct constant {
    struct type type; /* wide: the number does not fit 64 bits */
    bool boolean;
    int128 number;
    double real;
    struct text text;
    struct interval interval;
};

/* value_alloc: zeroed bytes for something that holds a 128-bit number, which the arena's
 * alignment does not suit. NULL when the arena overflows. */
static inline void *value_alloc(struct arena *arena, size_t bytes)
{
    void *p = arena_zalloc(arena, bytes + 8);
    return p ? (char *)p + ((uintptr_t)p & 8) : NULL;
}

/* value_alloc_room: the same, not zeroed. */
static inline void *value_alloc_room(struct arena *arena, size_t bytes)
{
    void *p = arena_alloc(arena, bytes + 8);
    return p ? (char *)p + ((uintptr_t)p & 8) : NULL;
}

/* kind_name: "text", "a number", …, for sentences. */
const char *kind_name(enum kind kind);

/* type_of_column: what an expression sees in a column. */
struct type type_of_column(const struct column *column);

static inline bool kind_is_number(enum kind kind)
{
    return kind == KIND_EXACT || kind == KIND_REAL;
}

static inline bool kind_is_time(enum kind kind)
{
    return kind == KIND_DATE || kind == KIND_WALL || kind == KIND_INSTANT;
}

struct constant constant_exact(int128 value, int32_t scale);
struct constant constant_real(double value);
struct constant constant_text(struct text text);
struct constant constant_bool(bool value);
struct constant constant_time(enum kind kind, int128 ns); /* wall or instant */
struct constant constant_date(int128 days);

/* constant_number: a numeric literal. Returns 0 or -1. */
int constant_number(struct text t, struct constant *out);

/* constant_read: what a text literal means where a value of kind stands on the other
 * side. Returns 0, or -1 when it cannot be read so. */
int constant_read(struct text t, enum kind kind, const struct tzif *zone,
                  struct constant *out);

/* constant_convert: dates and timestamps into each other (zone is the account's), numbers
 * into reals, texts as constant_read. Returns 0 or -1. */
int constant_convert(const struct constant *in, enum kind kind, const struct tzif *zone,
                     struct constant *out);

#endif
