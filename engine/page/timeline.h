/* timeline: counts over time in at most 120 buckets, whatever the order they come in and
 * however long it takes: the buckets grow as needed. Pure. */
#ifndef ENGINE_TIMELINE_H
#define ENGINE_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#define TIMELINE_BUCKETS 120
#define TIMELINE_SERIES  3

/* Zeroed is empty. Bucket i holds step_s seconds from (first + i) * step_s on. */
struct timeline {
    int64_t step_s; /* 0: empty */
    int64_t first;
    size_t count;
    uint64_t counts[TIMELINE_BUCKETS][TIMELINE_SERIES];
    int64_t last_s; /* the second that was counted last, and its bucket */
    size_t last_bucket;
};

/* timeline_add: one at a second of the calendar (within ±2^53). */
void timeline_add(struct timeline *timeline, int64_t at_s, unsigned series);

#endif
