/* config_value: one value of volley.yaml: secrets resolved, read as its type, checked for
 * range. */
#ifndef ENGINE_CONFIG_VALUE_H
#define ENGINE_CONFIG_VALUE_H

#include "engine/config_table.h"

/* Where a value stands, for messages. */
struct config_place {
    const char *home;
    struct arena *arena;
    unsigned line;
    const char *path; /* with real names: "providers.relay.url" */
    struct error *err;
};

/* config_complain: ERROR_CONFIG `volley.yaml:<line>: <path>: …`. */
int config_complain(const struct config_place *place, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* config_value_resolve: `${NAME}` anywhere and `file:PATH` as a whole, into the arena.
 * Errors: ERROR_CONFIG naming the variable or the file, never what is in it. */
int config_value_resolve(const struct config_place *place, struct text raw,
                         struct text *out) MUST_USE;

/* config_value_store: resolve raw and write it to key's field of target. */
int config_value_store(const struct config_place *place, const struct config_key *key,
                       struct text raw, void *target) MUST_USE;

#endif
