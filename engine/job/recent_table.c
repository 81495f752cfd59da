/* recent_table: see recent_table.h. */
#include "engine/job/recent_table.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

static uint64_t *find(uint64_t *slots, size_t capacity, uint64_t hash)
{
    uint64_t key = hash >> REACHED_COUNT_BITS;
    for (size_t i = key & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        if (slots[i] == 0 || slots[i] >> REACHED_COUNT_BITS == key)
            return &slots[i];
    }
}

static void grow(struct recent_table *table)
{
    size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof(*slots));
    CHECK(slots != NULL);
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i])
            *find(slots, capacity, table->slots[i]) = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
}

void recent_table_add(struct recent_table *table, uint64_t hash, unsigned messages)
{
    if (messages == 0)
        return;
    if (table->count + 1 > table->capacity / 4 * 3)
        grow(table);
    uint64_t *slot = find(table->slots, table->capacity, hash);
    uint64_t had = *slot & REACHED_COUNT_MAX, key = hash & ~(uint64_t)REACHED_COUNT_MAX;
    table->count += *slot == 0;
    table->full |= had + messages >= REACHED_COUNT_MAX;
    *slot = key | (had + messages < REACHED_COUNT_MAX ? had + messages
                                                      : (uint64_t)REACHED_COUNT_MAX);
}

void recent_table_add_all(struct recent_table *table, const struct reached *reached)
{
    for (size_t i = 0; i < reached->count; i++)
        recent_table_add(table, reached->words[i],
                         (unsigned)(reached->words[i] & REACHED_COUNT_MAX));
}

unsigned recent_table_of(const struct recent_table *table, uint64_t hash)
{
    if (table->capacity == 0)
        return 0;
    return (unsigned)(*find(table->slots, table->capacity, hash) & REACHED_COUNT_MAX);
}

void recent_table_sum(const struct recent_table *base, const struct recent_table *more,
                      const struct recent_table *less, struct recent_table *out)
{
    const struct recent_table *parts[] = {base, more};
    *out = (struct recent_table){0};
    for (size_t p = 0; p < ARRAY_COUNT(parts); p++) {
        for (size_t i = 0; i < parts[p]->capacity; i++)
            recent_table_add(out, parts[p]->slots[i],
                             (unsigned)(parts[p]->slots[i] & REACHED_COUNT_MAX));
    }
    if (less->count == 0)
        return;
    /* Whoever has none left is left out, or the table would never shrink. */
    struct recent_table kept = {0};
    for (size_t i = 0; i < out->capacity; i++) {
        unsigned had = (unsigned)(out->slots[i] & REACHED_COUNT_MAX);
        unsigned gone = out->slots[i] ? recent_table_of(less, out->slots[i]) : 0;
        recent_table_add(&kept, out->slots[i], had > gone ? had - gone : 0);
    }
    recent_table_fini(out);
    *out = kept;
}

void recent_table_fini(struct recent_table *table)
{
    free(table->slots);
    *table = (struct recent_table){0};
}
