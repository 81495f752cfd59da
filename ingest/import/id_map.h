/* id_map: customer id → row number, for millions of ids. */
#ifndef INGEST_ID_MAP_H
#define INGEST_ID_MAP_H

#include "base/text.h"

#define ID_MAP_NONE UINT32_MAX

struct id_map {
    struct text *ids; /* by row */
    uint32_t count;
    uint32_t capacity;
    struct id_slot *slots;
    uint32_t slot_mask;
};

/* id_map_add: give id the next row number. Returns false, and the row that has it already
 * in *row_out, when it is there.
 * Shapes: up to ID_MAP_NONE - 1 ids
 * Owns:   the bytes of id stay the caller's and must not move */
bool id_map_add(struct id_map *map, struct text id, uint32_t *row_out);

/* id_map_find: the row, or ID_MAP_NONE. */
uint32_t id_map_find(const struct id_map *map, struct text id);
void id_map_fini(struct id_map *map);

#endif
