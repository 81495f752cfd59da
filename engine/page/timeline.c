/* timeline: see timeline.h. */
#include "engine/page/timeline.h"

#include "base/check.h"

#include <string.h>

/* Each divides the next, so that buckets merge without splitting any. Days double. */
static const int64_t steps_s[] = {1,    5,    15,    30,    60,    300,  900,
                                  1800, 3600, 10800, 21600, 43200, 86400};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t next_step_s(int64_t step_s)
{
    for (size_t i = 0; i < ARRAY_COUNT(steps_s); i++) {
        if (steps_s[i] > step_s)
            return steps_s[i];
    }
    return step_s * 2;
}

static void coarsen(struct timeline *t)
{
    int64_t step_s = next_step_s(t->step_s), ratio = step_s / t->step_s;
    int64_t first = floor_div(t->first, ratio);
    uint64_t merged[TIMELINE_BUCKETS][TIMELINE_SERIES] = {0};
    size_t to = 0;
    for (size_t i = 0; i < t->count; i++) {
        to = (size_t)(floor_div(t->first + (int64_t)i, ratio) - first);
        for (int s = 0; s < TIMELINE_SERIES; s++)
            merged[to][s] += t->counts[i][s];
    }
    memcpy(t->counts, merged, sizeof(merged));
    t->step_s = step_s;
    t->first = first;
    t->count = to + 1;
}

/* bucket_at: the bucket of a second, made when there is none. */
static size_t bucket_at(struct timeline *t, int64_t at_s)
{
    if (t->step_s == 0) {
        t->step_s = 1;
        t->first = at_s;
        t->count = 1;
    }
    for (;;) {
        int64_t b = floor_div(at_s, t->step_s);
        int64_t low = b < t->first ? b : t->first;
        int64_t end = t->first + (int64_t)t->count;
        int64_t high = b < end ? end : b + 1;
        if (high - low > TIMELINE_BUCKETS) {
            coarsen(t);
            continue;
        }
        size_t before = (size_t)(t->first - low);
        if (before > 0) {
            memmove(t->counts[before], t->counts[0], t->count * sizeof(t->counts[0]));
            memset(t->counts, 0, before * sizeof(t->counts[0]));
        }
        t->first = low;
        t->count = (size_t)(high - low);
        return (size_t)(b - low);
    }
}

void timeline_add(struct timeline *t, int64_t at_s, unsigned series)
{
    CHECK(series < TIMELINE_SERIES);
    /* Rows that are neighbours mostly ended in the same second. */
    if (t->step_s == 0 || at_s != t->last_s) {
        t->last_bucket = bucket_at(t, at_s);
        t->last_s = at_s;
    }
    t->counts[t->last_bucket][series]++;
}
