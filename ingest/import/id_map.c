/* id_map: see id_map.h. Open addressing; a slot keeps part of the hash, so that a wrong
 * id is compared once in 2^32 probes and growing never reads the ids again. */
#include "ingest/import/id_map.h"

#include "base/check.h"
#include "base/hash.h"

#include <stdlib.h>

struct id_slot {
    uint32_t hash;
    uint32_t row_plus_1; /* 0: free */
};

static struct id_slot *probe(const struct id_map *map, struct text id, uint32_t hash)
{
    for (uint32_t at = hash & map->slot_mask;; at = (at + 1) & map->slot_mask) {
        struct id_slot *slot = &map->slots[at];
        if (slot->row_plus_1 == 0 ||
            (slot->hash == hash && text_equal(map->ids[slot->row_plus_1 - 1], id)))
            return slot;
    }
}

static void grow(struct id_map *map)
{
    struct id_slot *old = map->slots;
    uint32_t old_slots = old ? map->slot_mask + 1 : 0;
    CHECK(map->capacity < 1u << 30);
    map->capacity = map->capacity ? map->capacity * 2 : 1024;
    map->slot_mask = map->capacity * 2 - 1;
    map->ids = realloc(map->ids, map->capacity * sizeof(*map->ids));
    map->slots = calloc((size_t)map->slot_mask + 1, sizeof(*map->slots));
    CHECK(map->ids && map->slots);
    for (uint32_t i = 0; i < old_slots; i++) {
        if (old[i].row_plus_1 == 0)
            continue;
        uint32_t at = old[i].hash & map->slot_mask;
        while (map->slots[at].row_plus_1 != 0)
            at = (at + 1) & map->slot_mask;
        map->slots[at] = old[i];
    }
    free(old);
}

bool id_map_add(struct id_map *map, struct text id, uint32_t *row_out)
{
    if (map->count == map->capacity)
        grow(map);
    uint32_t hash = (uint32_t)hash64(id.data, id.bytes);
    struct id_slot *slot = probe(map, id, hash);
    if (slot->row_plus_1 != 0) {
        *row_out = slot->row_plus_1 - 1;
        return false;
    }
    *row_out = map->count;
    map->ids[map->count++] = id;
    *slot = (struct id_slot){hash, map->count};
    return true;
}

uint32_t id_map_find(const struct id_map *map, struct text id)
{
    if (map->count == 0)
        return ID_MAP_NONE;
    return probe(map, id, (uint32_t)hash64(id.data, id.bytes))->row_plus_1 - 1;
}

void id_map_fini(struct id_map *map)
{
    free(map->ids);
    free(map->slots);
    *map = (struct id_map){0};
}
