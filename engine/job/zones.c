/* zones: see zones.h. Snapshots come from outside, so names are unlimited in number while zones are
 * not: what is no zone is remembered in a table of fixed size, where one name pushes out another. */
#include "engine/job/zones.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

/* The system's database has some 600 names, three times as many with its variants. */
#define ZONES_MAX  2048
#define SLOTS      4096 /* a power of two, twice ZONES_MAX */
#define STRANGERS  1024 /* a power of two */
#define NAME_BYTES 64

struct zones {
    const struct tzif *account;
    pthread_mutex_t lock;
    uint16_t count;
    struct zone {
        char *name;
        struct tzif *zone;
    } zones[ZONES_MAX];
    uint16_t slots[SLOTS]; /* by hash of the name, open addressing; 0: free */
    uint64_t strangers[STRANGERS];
};

struct zones *zones_create(const struct tzif *account)
{
    struct zones *zones = calloc(1, sizeof(*zones));
    CHECK(zones != NULL);
    zones->account = account;
    zones->count = ZONES_UNKNOWN + 1;
    pthread_mutex_init(&zones->lock, NULL);
    return zones;
}

void zones_destroy(struct zones **zones)
{
    if (!*zones)
        return;
    for (uint16_t i = 0; i < (*zones)->count; i++) {
        free((*zones)->zones[i].name);
        tzif_close(&(*zones)->zones[i].zone);
    }
    pthread_mutex_destroy(&(*zones)->lock);
    free(*zones);
    *zones = NULL;
}

/* looks_right: what a name may be made of, so that one zone has one name: no dots, no empty parts. */
static bool looks_right(struct text name)
{
    if (name.bytes == 0 || name.bytes >= NAME_BYTES || name.data[0] == '/')
        return false;
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool fits = letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
        if (!fits && (c != '/' || name.data[i - 1] == '/'))
            return false;
    }
    return true;
}

static uint16_t find_or_open(struct zones *zones, struct text name)
{
    uint64_t hash = hash64(name.data, name.bytes);
    size_t slot = hash % SLOTS;
    for (; zones->slots[slot]; slot = (slot + 1) % SLOTS) {
        if (text_is(name, zones->zones[zones->slots[slot]].name))
            return zones->slots[slot];
    }
    struct zone *fresh = &zones->zones[zones->count];
    uint64_t *stranger = &zones->strangers[hash / SLOTS % STRANGERS];
    if (*stranger == hash || zones->count == ZONES_MAX)
        return ZONES_UNKNOWN;
    if (tzif_open(name, &fresh->zone, NULL)) {
        *stranger = hash;
        return ZONES_UNKNOWN;
    }
    fresh->name = text_copy(name);
    zones->slots[slot] = zones->count;
    return zones->count++;
}

uint16_t zones_find(struct zones *zones, struct text name)
{
    if (name.bytes == 0)
        return ZONES_NONE;
    if (!looks_right(name))
        return ZONES_UNKNOWN;
    pthread_mutex_lock(&zones->lock);
    uint16_t number = find_or_open(zones, name);
    pthread_mutex_unlock(&zones->lock);
    return number;
}

const struct tzif *zones_get(const struct zones *zones, uint16_t number)
{
    return number <= ZONES_UNKNOWN ? zones->account : zones->zones[number].zone;
}
