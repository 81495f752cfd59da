/* spread: when each message of a job with `spread_over` may go, so that all go out evenly over that
 * time.
 *
 * A customer's slot is their rank among those who match, times the time, by their number. Not their
 * row: an audience seldom lies evenly in its snapshot (new customers are at its end, exports are
 * sorted by studio), and everybody would go at once. And not a rate that the run keeps: a rank comes
 * from frozen inputs alone, so a job that goes on after a crash has the slots it had, and nothing is
 * stored. Who matches is counted once at the start and kept as a bit a row, 1.25 MB for ten million. */
#ifndef ENGINE_SPREAD_H
#define ENGINE_SPREAD_H

#include "engine/job/job.h"

struct spread;

/* spread_create: count the job's audience.
 * Owns:    the caller destroys; NULL in *out: the job is not spread.
 * Errors:  those of reading the snapshot
 * Threads: read-only from then on, any thread may ask. */
int spread_create(const struct job *job, struct spread **out, struct error *err) MUST_USE;
/* spread_make: the same from who matches: a bit for each row.
 * Shapes: at most `most` of them get a message (0: all)
 * Units:  calendar
 * Owns:   the bits move into it */
struct spread *spread_make(uint64_t *matches, uint64_t rows, uint64_t most,
                           int64_t start_ns, int64_t span_ns);
void spread_destroy(struct spread **spread);

/* spread_start_ns: when a job's slots begin, whenever it is asked. */
int64_t spread_start_ns(const struct job *job);

/* spread_slot_ns: when a row's messages may go; never falls from row to row.
 * Units: calendar */
int64_t spread_slot_ns(const struct spread *spread, uint64_t row);

/* spread_due: the first row whose slot is later than now; all before it may go. */
uint64_t spread_due(const struct spread *spread, int64_t now_ns);

uint64_t spread_rows(const struct spread *spread);

#endif
