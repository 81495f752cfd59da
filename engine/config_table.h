/* config_table: every key of volley.yaml in one table: what it means, what it may be,
 * what it is when left out, and which field of struct config holds it. */
#ifndef ENGINE_CONFIG_TABLE_H
#define ENGINE_CONFIG_TABLE_H

#include "engine/config.h"

enum config_type {
    CONFIG_TEXT,     /* const char *, one line */
    CONFIG_LINES,    /* const char *, any number of lines */
    CONFIG_URL,      /* const char * */
    CONFIG_ADDRESS,  /* const char *, host:port */
    CONFIG_COUNT,    /* unsigned or uint64_t, by the field's size */
    CONFIG_NUMBER,   /* double */
    CONFIG_SHARE,    /* double, 0 … 1 */
    CONFIG_RATE,     /* double, per second */
    CONFIG_DURATION, /* int64_t, ns */
    CONFIG_SPAN,     /* struct hours_rule, as 21:00-08:00; days 0: none */
    CONFIG_ENUM,     /* an enum, numbered as words */
    CONFIG_GROUP,    /* a mapping of keys of the same struct */
    CONFIG_MAP,  /* a mapping of free names: an array of structs, the name being the first
                    field */
    CONFIG_LIST, /* a list of mappings: an array of structs */
    CONFIG_ROUTE, /* a provider's name, weights of several, or a list of these */
};

/* A key. Its path has `*` for a free name. Fields are at offset in the struct that the
 * nearest CONFIG_MAP or CONFIG_LIST above makes, else in struct config; maps and lists may
 * stand in each other, one level deep. */
struct config_key {
    const char *path;
    enum config_type type;
    const char *fallback; /* as somebody would write it; NULL: must be given; "": none */
    const char *low, *high;   /* as somebody would write them; NULL: no limit */
    const char *const *words; /* enum */
    const char *auto_word;    /* stands for 0 */
    size_t offset;
    size_t bytes;        /* of the field; of an element for maps and lists */
    size_t count_offset; /* maps and lists */
    size_t given_offset; /* of a bool that says the key was there; 0: none */
    size_t most;         /* elements of maps and lists */
    bool secret;         /* never shown */
    const char *sentence;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

#endif
