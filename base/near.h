/* near: the name somebody probably meant. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include "base/text.h"

/* near_distance: edits (insert, delete, replace, swap of neighbours) between a and b, at
 * most limit
 * + 1; ASCII case is ignored. */
size_t near_distance(struct text a, struct text b, size_t limit);

/* A search over candidates: start with {.wanted = name}, offer each, read best (TEXT_NONE
 * = none is near). A name is near when at most a third of it, and at most three letters,
 * differ. */
struct near {
    struct text wanted;
    struct text best;
    size_t best_distance;
};

void near_offer(struct near *near, struct text candidate);

/* near_hint: ` (did you mean "first_name"?)`, or an empty string. Returns out. */
const char *near_hint(const struct near *near, char *out, size_t out_bytes);

#endif
