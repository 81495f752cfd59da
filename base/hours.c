/* hours: see hours.h. Between two changes of the zone's offset the wall clock runs evenly, so the
 * answer can change only at a rule's edges and at a change of the offset. */
#include "base/hours.h"

#include "base/check.h"

#define DAY_S  86400
#define WEEK_S (7 * DAY_S)
/* What is open in some week may be skipped by a change of the offset in the first. */
#define LOOK_AHEAD_S (16 * DAY_S)

void hours_add(struct hours *hours, const struct hours_rule *rule)
{
    CHECK(hours->count < HOURS_RULES_MAX);
    hours->rules[hours->count++] = *rule;
}

static int64_t floor_day(int64_t local_s)
{
    return local_s / DAY_S - (local_s % DAY_S < 0);
}

static bool in_span(const struct hours_rule *rule, int64_t local_s)
{
    int64_t day = floor_day(local_s), second = local_s - day * DAY_S;
    int64_t start = rule->start_min * 60, end = rule->end_min * 60;
    if (start >= end && second < end)
        day--; /* it started the evening before */
    else if (second < start || (start < end && second >= end))
        return false;
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    return rule->days >> weekday & 1;
}

static bool open_at(const struct hours *hours, int64_t local_s)
{
    for (size_t i = 0; i < hours->count; i++) {
        if (in_span(&hours->rules[i], local_s) == hours->rules[i].quiet)
            return false;
    }
    return true;
}

/* next_edge: the next wall-clock time at which a rule may change its mind. */
static int64_t next_edge(const struct hours *hours, int64_t local_s)
{
    int64_t midnight = floor_day(local_s) * DAY_S, next = midnight + DAY_S;
    for (size_t i = 0; i < hours->count; i++) {
        int64_t edges[] = {hours->rules[i].start_min, hours->rules[i].end_min};
        for (size_t e = 0; e < ARRAY_COUNT(edges); e++) {
            int64_t at = midnight + edges[e] * 60;
            if (at > local_s && at < next)
                next = at;
        }
    }
    return next;
}

/* offset_change: the first instant behind from_s, at the latest to_s, with another offset. */
static int64_t offset_change(const struct tzif *zone, int64_t from_s, int64_t to_s,
                             int32_t offset_s)
{
    while (to_s - from_s > 1) {
        int64_t middle = from_s + (to_s - from_s) / 2;
        if (tzif_offset_s(zone, middle) == offset_s)
            from_s = middle;
        else
            to_s = middle;
    }
    return to_s;
}

int64_t hours_next(const struct hours *hours, const struct tzif *zone, int64_t now_s,
                   bool *open_out)
{
    int32_t offset_s = tzif_offset_s(zone, now_s);
    bool open = open_at(hours, now_s + offset_s);
    *open_out = open;
    for (int64_t at = now_s; hours->count > 0 && at < now_s + LOOK_AHEAD_S;) {
        int64_t next = next_edge(hours, at + offset_s) - offset_s;
        if (tzif_offset_s(zone, next) != offset_s)
            next = offset_change(zone, at, next, offset_s);
        at = next;
        offset_s = tzif_offset_s(zone, at);
        if (open_at(hours, at + offset_s) != open)
            return at;
    }
    return HOURS_NEVER;
}

bool hours_ever(const struct hours *hours)
{
    for (int64_t local_s = 0; local_s < WEEK_S; local_s += 60) {
        if (open_at(hours, local_s))
            return true;
    }
    return false;
}
