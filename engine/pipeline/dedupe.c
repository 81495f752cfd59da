/* dedupe: see dedupe.h. Open addressing with linear probing, at most 3/4 full. */
#include "engine/pipeline/dedupe.h"

#include "base/check.h"

#include <stdlib.h>

#define DEDUPE_FIRST_CAPACITY 4096

void dedupe_fini(struct dedupe *dedupe)
{
    free(dedupe->slots);
    *dedupe = (struct dedupe){0};
}

static bool insert(uint64_t *slots, size_t capacity, uint64_t key)
{
    for (size_t i = key & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        if (slots[i] == key)
            return false;
        if (slots[i] == 0) {
            slots[i] = key;
            return true;
        }
    }
}

static void grow(struct dedupe *dedupe)
{
    size_t capacity = dedupe->capacity ? dedupe->capacity * 2 : DEDUPE_FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof(*slots));
    CHECK(slots != NULL);
    for (size_t i = 0; i < dedupe->capacity; i++) {
        if (dedupe->slots[i] != 0)
            insert(slots, capacity, dedupe->slots[i]);
    }
    free(dedupe->slots);
    dedupe->slots = slots;
    dedupe->capacity = capacity;
}

bool dedupe_add(struct dedupe *dedupe, uint64_t key)
{
    if (dedupe->count + 1 > dedupe->capacity / 4 * 3)
        grow(dedupe);
    if (key == 0) /* the mark of an empty slot */
        key = 1;
    bool added = insert(dedupe->slots, dedupe->capacity, key);
    dedupe->count += added;
    return added;
}

bool dedupe_has(const struct dedupe *dedupe, uint64_t key)
{
    if (dedupe->count == 0)
        return false;
    if (key == 0)
        key = 1;
    for (size_t i = key & (dedupe->capacity - 1);; i = (i + 1) & (dedupe->capacity - 1)) {
        if (dedupe->slots[i] == key)
            return true;
        if (dedupe->slots[i] == 0)
            return false;
    }
}
