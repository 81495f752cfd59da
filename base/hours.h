/* hours: the times of day and the days at which messages may go out, as rules that all have to
 * hold on the wall clock of somebody's time zone. */
#ifndef BASE_HOURS_H
#define BASE_HOURS_H

#include "base/tzif.h"

#define HOURS_DAY_MIN   1440
#define HOURS_EVERY_DAY 0x7Fu
#define HOURS_NEVER     INT64_MAX

/* A span of the day, the end not in it. One that ends at or before its start goes over midnight and
 * belongs, all of it, to the day on which it starts. */
struct hours_rule {
    int32_t start_min, end_min; /* minutes after midnight; the end up to HOURS_DAY_MIN */
    uint8_t days;               /* bit 0 is Monday */
    bool quiet;                 /* nothing may go out inside, rather than outside */
};

#define HOURS_RULES_MAX 4
struct hours {
    struct hours_rule rules[HOURS_RULES_MAX];
    size_t count; /* 0: always open */
};

/* hours_add: one more rule that has to hold. */
void hours_add(struct hours *hours, const struct hours_rule *rule);

/* hours_next: when what holds at an instant changes. Wall-clock times that a change of the offset
 * skips never are, those that it repeats are twice.
 * Units:   seconds since 1970 UTC; HOURS_NEVER: no more
 * Shapes:  zone NULL is UTC; open_out says what holds at now_s and until the change */
int64_t hours_next(const struct hours *hours, const struct tzif *zone, int64_t now_s,
                   bool *open_out);

/* hours_ever: is there a minute of the week at which all rules let messages out? */
bool hours_ever(const struct hours *hours);

#endif
