/* near: see near.h. Damerau-Levenshtein distance (optimal string alignment) over three
 * rows. */
#include "base/near.h"

#include <stdio.h>

#define NAME_BYTES_MAX 128

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t near_distance(struct text a, struct text b, size_t limit)
{
    if (a.bytes > NAME_BYTES_MAX || b.bytes > NAME_BYTES_MAX)
        return limit + 1;
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.bytes; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.bytes; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.bytes; j++) {
            char x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) &&
                y == lower(a.data[i - 2]) && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b.bytes] <= limit ? last[b.bytes] : limit + 1;
}

void near_offer(struct near *near, struct text candidate)
{
    size_t limit = near->wanted.bytes / 3;
    limit = limit < 1 ? 1 : limit > 3 ? 3 : limit;
    size_t distance = near_distance(near->wanted, candidate, limit);
    if (distance > limit || distance >= candidate.bytes)
        return;
    if (near->best.data && near->best_distance <= distance)
        return;
    near->best = candidate;
    near->best_distance = distance;
}

const char *near_hint(const struct near *near, char *out, size_t out_bytes)
{
    if (near->best.data)
        snprintf(out, out_bytes, " (did you mean \"%.*s\"?)", TEXT_ARGS(near->best));
    else
        snprintf(out, out_bytes, "%s", "");
    return out;
}
