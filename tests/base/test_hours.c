/* hours: tables of rules, zones and moments. tests/peers/hours asks Python's zoneinfo about thousands
 * more. */
#include "base/clock.h"
#include "base/hours.h"

#include <criterion/criterion.h>

#define MONDAY   1u
#define FRIDAY   16u
#define WORKDAYS 31u

static int64_t instant(const char *text)
{
    int64_t ns;
    bool has_offset;
    cr_assert_eq(clock_parse(text_of(text), &ns, &has_offset), 0, "%s", text);
    cr_assert(has_offset);
    return ns / NS_PER_S;
}

struct hours_case {
    struct hours_rule rules[2];
    const char *zone, *now;
    bool open;
    const char *next; /* NULL: never */
};

#define ONLY(start, end, on)                                                             \
    {                                                                                    \
        .start_min = (start), .end_min = (end), .days = (on)                             \
    }
#define QUIET(start, end)                                                                \
    {                                                                                    \
        .start_min = (start), .end_min = (end), .days = HOURS_EVERY_DAY, .quiet = true   \
    }
#define AT(hour, minute) ((hour)*60 + (minute))

static const struct hours_case cases[] = {
    /* a window of the day, before, in and behind it; its end is outside */
    {{ONLY(540, 1200, 127)},
     "UTC",
     "2026-11-23T08:59:59Z",
     false,
     "2026-11-23T09:00:00Z"},
    {{ONLY(540, 1200, 127)}, "UTC", "2026-11-23T09:00:00Z", true, "2026-11-23T20:00:00Z"},
    {{ONLY(540, 1200, 127)},
     "UTC",
     "2026-11-23T20:00:00Z",
     false,
     "2026-11-24T09:00:00Z"},
    {{ONLY(540, 1200, 127)},
     "Asia/Kathmandu",
     "2026-11-23T00:00:00Z",
     false,
     "2026-11-23T03:15:00Z"},
    /* over midnight: all of it belongs to the day on which it starts */
    {{ONLY(1200, 120, FRIDAY)},
     "UTC",
     "2026-11-27T01:00:00Z",
     false,
     "2026-11-27T20:00:00Z"},
    {{ONLY(1200, 120, FRIDAY)},
     "UTC",
     "2026-11-28T01:59:59Z",
     true,
     "2026-11-28T02:00:00Z"},
    {{QUIET(1260, 480)},
     "Europe/Rome",
     "2026-11-22T19:59:00Z",
     true,
     "2026-11-22T20:00:00Z"},
    {{QUIET(1260, 480)},
     "Europe/Rome",
     "2026-11-22T20:00:00Z",
     false,
     "2026-11-23T07:00:00Z"},
    /* days; both forms together */
    {{ONLY(0, 1440, WORKDAYS)},
     "Europe/Rome",
     "2026-11-21T12:00:00Z",
     false,
     "2026-11-22T23:00:00Z"},
    {{ONLY(540, 1200, MONDAY), QUIET(720, 840)},
     "UTC",
     "2026-11-23T12:30:00Z",
     false,
     "2026-11-23T14:00:00Z"},
    {{ONLY(540, 1200, MONDAY), QUIET(720, 840)},
     "UTC",
     "2026-11-23T14:00:00Z",
     true,
     "2026-11-23T20:00:00Z"},
    /* 02:00 to 03:00 is skipped: a window that starts in it opens behind it, one within it not */
    {{ONLY(AT(2, 30), 1200, 127)},
     "Europe/Rome",
     "2026-03-29T00:59:59Z",
     false,
     "2026-03-29T01:00:00Z"},
    {{ONLY(AT(2, 15), AT(2, 45), 127)},
     "Europe/Rome",
     "2026-03-28T20:00:00Z",
     false,
     "2026-03-30T00:15:00Z"},
    /* 02:00 to 03:00 comes twice: what ends in it is open twice */
    {{ONLY(0, AT(2, 30), 127)},
     "Europe/Rome",
     "2026-10-25T00:00:00Z",
     true,
     "2026-10-25T00:30:00Z"},
    {{ONLY(0, AT(2, 30), 127)},
     "Europe/Rome",
     "2026-10-25T00:30:00Z",
     false,
     "2026-10-25T01:00:00Z"},
    {{ONLY(0, AT(2, 30), 127)},
     "Europe/Rome",
     "2026-10-25T01:00:00Z",
     true,
     "2026-10-25T01:30:00Z"},
    /* Apia had no Friday 2011-12-30 */
    {{ONLY(0, 1440, FRIDAY)},
     "Pacific/Apia",
     "2011-12-30T09:00:00Z",
     false,
     "2012-01-05T10:00:00Z"},
    /* nothing changes; nothing is left */
    {{ONLY(0, 1440, 127)}, "Europe/Rome", "2026-11-22T12:00:00Z", true, NULL},
    {{ONLY(540, 600, 127), QUIET(480, 660)}, "UTC", "2026-11-22T12:00:00Z", false, NULL},
};

Test(hours, table)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct hours_case *c = &cases[i];
        struct hours hours = {0};
        struct tzif *zone = NULL;
        cr_assert_eq(tzif_open(text_of(c->zone), &zone, NULL), 0);
        for (size_t r = 0; r < 2 && c->rules[r].days; r++)
            hours_add(&hours, &c->rules[r]);
        bool open;
        int64_t next = hours_next(&hours, zone, instant(c->now), &open);
        cr_expect_eq(open, c->open, "case %zu", i);
        cr_expect_eq(next, c->next ? instant(c->next) : HOURS_NEVER, "case %zu: %ld", i,
                     (long)next);
        cr_expect_eq(hours_ever(&hours), c->open || c->next, "case %zu", i);
        tzif_close(&zone);
    }
}

Test(hours, none_are_always)
{
    bool open = false;
    struct hours hours = {0};
    cr_expect_eq(hours_next(&hours, NULL, 0, &open), HOURS_NEVER);
    cr_expect(open && hours_ever(&hours));
}
