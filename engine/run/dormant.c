/* dormant: see dormant.h. */
#include "engine/run/dormant.h"

#include "base/bitmap.h"
#include "base/hours.h"

#include <stdlib.h>
#include <string.h>

void dormant_init(struct dormant *d, uint64_t rows, size_t chunks)
{
    *d = (struct dormant){.rows = rows, .chunks = chunks};
}

void dormant_fini(struct dormant *d)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        free(d->waiting[c]);
    for (size_t i = 0; i < d->rouse_count; i++)
        free(d->rouses[i].chunks);
    free(d->rouses);
    *d = (struct dormant){0};
}

static struct rouse *rouse_at(struct dormant *d, int64_t at_ns)
{
    size_t i = d->rouse_count;
    while (i > 0 && d->rouses[i - 1].at_ns >= at_ns)
        i--;
    if (i < d->rouse_count && d->rouses[i].at_ns == at_ns)
        return &d->rouses[i];
    if (d->rouse_count == d->rouse_capacity) {
        d->rouse_capacity = d->rouse_capacity ? d->rouse_capacity * 2 : 16;
        d->rouses = realloc(d->rouses, d->rouse_capacity * sizeof(*d->rouses));
        CHECK(d->rouses != NULL);
    }
    memmove(&d->rouses[i + 1], &d->rouses[i], (d->rouse_count - i) * sizeof(*d->rouses));
    d->rouse_count++;
    d->rouses[i] = (struct rouse){
        .at_ns = at_ns, .chunks = calloc(bitmap_words(d->chunks), sizeof(uint64_t))};
    CHECK(d->rouses[i].chunks != NULL);
    return &d->rouses[i];
}

void dormant_keep(struct dormant *d, uint32_t row, uint8_t channel)
{
    CHECK(row < d->rows && channel < CHANNEL_COUNT);
    if (!d->waiting[channel]) {
        d->waiting[channel] = calloc(bitmap_words(d->rows), sizeof(uint64_t));
        CHECK(d->waiting[channel] != NULL);
    }
    CHECK(!bitmap_get(d->waiting[channel], row));
    bitmap_set(d->waiting[channel], row);
    d->messages++;
}

void dormant_add(struct dormant *d, size_t chunk, uint32_t row, uint8_t channel,
                 int64_t until_ns)
{
    CHECK(chunk < d->chunks);
    dormant_keep(d, row, channel);
    struct rouse *rouse = rouse_at(d, until_ns);
    bitmap_set(rouse->chunks, chunk);
    if (chunk < rouse->next_chunk)
        rouse->next_chunk = chunk;
}

int64_t dormant_next_ns(const struct dormant *d)
{
    return d->messages > 0 && d->rouse_count > 0 ? d->rouses[0].at_ns : HOURS_NEVER;
}

bool dormant_due(struct dormant *d, int64_t now_ns, size_t *chunk_out)
{
    while (d->rouse_count > 0 && d->rouses[0].at_ns <= now_ns) {
        struct rouse *rouse = &d->rouses[0];
        size_t chunk = bitmap_next(rouse->chunks, rouse->next_chunk, d->chunks);
        if (chunk < d->chunks) {
            bitmap_clear(rouse->chunks, chunk);
            rouse->next_chunk = chunk + 1;
            *chunk_out = chunk;
            return true;
        }
        free(rouse->chunks);
        d->rouse_count--;
        memmove(d->rouses, d->rouses + 1, d->rouse_count * sizeof(*d->rouses));
    }
    return false;
}

/* waiting_from: the bits of a row's word from it on, of any channel. */
static uint64_t waiting_from(const struct dormant *d, uint64_t row)
{
    uint64_t any = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        any |= d->waiting[c] ? d->waiting[c][row / 64] : 0;
    return any & ~0ull << (row % 64);
}

size_t dormant_take(struct dormant *d, uint64_t *row, uint64_t end, struct redo *out,
                    size_t most)
{
    size_t count = 0;
    while (*row < end && count + CHANNEL_COUNT <= most) {
        uint64_t left = waiting_from(d, *row);
        *row = left ? *row / 64 * 64 + (uint64_t)__builtin_ctzll(left)
                    : (*row / 64 + 1) * 64;
        if (!left || *row >= end)
            continue;
        for (int c = 0; c < CHANNEL_COUNT; c++) {
            if (!d->waiting[c] || !bitmap_get(d->waiting[c], *row))
                continue;
            bitmap_clear(d->waiting[c], *row);
            out[count++] = (struct redo){.row = (uint32_t)*row, .channel = (uint8_t)c};
        }
        ++*row;
    }
    d->messages -= count;
    return count;
}
