/* calendar: wall clocks, instants and intervals, as PostgreSQL adds them up. */
#ifndef ENGINE_AUDIENCE_CALENDAR_H
#define ENGINE_AUDIENCE_CALENDAR_H

#include "engine/audience/number.h"

#include "base/tzif.h"

#define CALENDAR_DAY_NS (86400 * (int128)1000000000)

struct interval {
    int64_t months;
    int64_t days;
    int64_t ns;
};

/* calendar_instant, calendar_wall: nanoseconds since 1970 of a wall clock in zone to the
 * instant, and back. */
int128 calendar_instant(const struct tzif *zone, int128 wall_ns);
int128 calendar_wall(const struct tzif *zone, int128 instant_ns);

/* calendar_shift: a wall clock moved by months (31 January plus one month is the last of
 * February), then days, then nanoseconds. */
int128 calendar_shift(int128 wall_ns, const struct interval *by);

/* calendar_shift_instant: the same on zone's wall clock; the nanoseconds count real time.
 */
int128 calendar_shift_instant(const struct tzif *zone, int128 instant_ns,
                              const struct interval *by);

/* calendar_interval: "30 days", "1 year 2 months", "-1.5 hours". unit: for `INTERVAL '30'
 * DAY`, else TEXT_NONE. Returns 0, or -1 when t is no interval. */
int calendar_interval(struct text t, struct text unit, struct interval *out);

/* calendar_parse: date, or date and time with or without offset, to nanoseconds. Returns
 * 0 or -1. *has_time_out, *has_offset_out: what stood behind the date. */
int calendar_parse(struct text t, int128 *ns_out, bool *has_time_out,
                   bool *has_offset_out);

#endif
