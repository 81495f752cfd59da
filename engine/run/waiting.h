/* waiting: messages between two attempts, the next one due first. A message that waits is
 * a row number, not a body: it is made again when its time comes. */
#ifndef ENGINE_WAITING_H
#define ENGINE_WAITING_H

#include "engine/pipeline/batch.h"

struct waiting {
    struct entry {
        int64_t due_ns; /* steady */
        struct redo redo;
    } * entries; /* a binary heap by due_ns */
    size_t count, capacity;
};

void waiting_fini(struct waiting *waiting);
void waiting_add(struct waiting *waiting, int64_t due_ns, const struct redo *redo);

/* waiting_due_ns: when the first one is due; INT64_MAX when none waits. */
int64_t waiting_due_ns(const struct waiting *waiting);

/* waiting_take: the one that is due first; there must be one. */
struct redo waiting_take(struct waiting *waiting);

#endif
