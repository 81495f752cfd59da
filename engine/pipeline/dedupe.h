/* dedupe: the addresses that already have a message of this job.
 *
 * Keys are 64-bit hashes; of ten million addresses the chance that any two differ but
 * share one is 3 in a million. Used in snapshot order only, so the first row with an
 * address keeps it on every run.
 * Threads: one at a time. */
#ifndef ENGINE_DEDUPE_H
#define ENGINE_DEDUPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dedupe {
    uint64_t *slots; /* 0: empty */
    size_t capacity; /* power of two */
    size_t count;
};

void dedupe_fini(struct dedupe *dedupe);

/* dedupe_add: true when the key was not there before. */
bool dedupe_add(struct dedupe *dedupe, uint64_t key);
bool dedupe_has(const struct dedupe *dedupe, uint64_t key);

#endif
