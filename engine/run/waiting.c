/* waiting: see waiting.h. */
#include "engine/run/waiting.h"

#include <stdlib.h>

void waiting_fini(struct waiting *waiting)
{
    free(waiting->entries);
    *waiting = (struct waiting){0};
}

static void swap(struct entry *a, struct entry *b)
{
    struct entry t = *a;
    *a = *b;
    *b = t;
}

void waiting_add(struct waiting *w, int64_t due_ns, const struct redo *redo)
{
    if (w->count == w->capacity) {
        w->capacity = w->capacity ? w->capacity * 2 : 256;
        w->entries = realloc(w->entries, w->capacity * sizeof(*w->entries));
        CHECK(w->entries != NULL);
    }
    size_t i = w->count++;
    w->entries[i] = (struct entry){.due_ns = due_ns, .redo = *redo};
    for (; i > 0 && w->entries[(i - 1) / 2].due_ns > w->entries[i].due_ns;
         i = (i - 1) / 2)
        swap(&w->entries[i], &w->entries[(i - 1) / 2]);
}

int64_t waiting_due_ns(const struct waiting *w)
{
    return w->count > 0 ? w->entries[0].due_ns : INT64_MAX;
}

struct redo waiting_take(struct waiting *w)
{
    CHECK(w->count > 0);
    struct redo first = w->entries[0].redo;
    w->entries[0] = w->entries[--w->count];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1, right = 2 * i + 2;
        if (left < w->count && w->entries[left].due_ns < w->entries[least].due_ns)
            least = left;
        if (right < w->count && w->entries[right].due_ns < w->entries[least].due_ns)
            least = right;
        if (least == i)
            return first;
        swap(&w->entries[i], &w->entries[least]);
        i = least;
    }
}
