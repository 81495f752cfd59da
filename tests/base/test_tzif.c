/* tzif: offsets from 1970 to 2100 against libc, and wall-clock times around changes. */
#include "base/clock.h"
#include "base/tzif.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

static struct tzif *open_zone(const char *name)
{
    struct tzif *zone = NULL;
    struct error err;
    cr_assert_eq(tzif_open(text_of(name), &zone, &err), 0, "%s", err.text);
    return zone;
}

/* Both hemispheres, half hours, no summer time, rules by day number or with odd hours,
 * negative summer time (Dublin), a zone that skipped a day (Apia). */
static const char *const zones[] = {
    "Europe/Rome",         "Europe/London",
    "Europe/Dublin",       "Europe/Istanbul",
    "Europe/Moscow",       "America/New_York",
    "America/Los_Angeles", "America/Sao_Paulo",
    "America/Caracas",     "America/St_Johns",
    "America/Nuuk",        "America/Santiago",
    "Asia/Kolkata",        "Asia/Kathmandu",
    "Asia/Tehran",         "Asia/Jerusalem",
    "Asia/Gaza",           "Africa/Cairo",
    "Africa/Casablanca",   "Australia/Lord_Howe",
    "Australia/Sydney",    "Pacific/Auckland",
    "Pacific/Apia",        "Pacific/Chatham",
    "Pacific/Kiritimati",  "Antarctica/Troll",
    "Etc/GMT+5",           "UTC",
};

Test(tzif, offsets_against_libc)
{
    const int64_t end = days_from_civil(2100, 1, 1) * 86400;
    for (size_t z = 0; z < ARRAY_COUNT(zones); z++) {
        struct tzif *zone = open_zone(zones[z]);
        setenv("TZ", zones[z], 1);
        tzset();
        for (int64_t t = 0; t < end; t += 86400 * 3 + 1777) {
            struct tm tm;
            time_t seconds = (time_t)t;
            localtime_r(&seconds, &tm);
            cr_assert_eq(tzif_offset_s(zone, t), (int32_t)tm.tm_gmtoff, "%s at %lld",
                         zones[z], (long long)t);
        }
        tzif_close(&zone);
        cr_assert_null(zone);
    }
}

/* The very second of every change that bisecting libc's offsets finds. */
Test(tzif, changes_to_the_second)
{
    for (size_t z = 0; z < ARRAY_COUNT(zones); z++) {
        struct tzif *zone = open_zone(zones[z]);
        int64_t last = 0;
        for (int64_t t = 86400 * 10; t < days_from_civil(2050, 1, 1) * 86400;
             t += 86400 * 10) {
            int64_t low = last, high = t;
            last = t;
            if (tzif_offset_s(zone, low) == tzif_offset_s(zone, high))
                continue;
            int32_t before = tzif_offset_s(zone, low);
            while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;
                if (tzif_offset_s(zone, middle) == before)
                    low = middle;
                else
                    high = middle;
            }
            setenv("TZ", zones[z], 1);
            tzset();
            struct tm a, b;
            localtime_r(&(time_t){(time_t)low}, &a);
            localtime_r(&(time_t){(time_t)high}, &b);
            cr_assert_eq(tzif_offset_s(zone, low), (int32_t)a.tm_gmtoff, "%s", zones[z]);
            cr_assert_eq(tzif_offset_s(zone, high), (int32_t)b.tm_gmtoff, "%s", zones[z]);
        }
        tzif_close(&zone);
    }
}

/* A wall-clock time that exists comes back; the first of two is chosen. */
Test(tzif, wall_clock_there_and_back)
{
    for (size_t z = 0; z < ARRAY_COUNT(zones); z++) {
        struct tzif *zone = open_zone(zones[z]);
        for (int64_t t = 0; t < days_from_civil(2100, 1, 1) * 86400;
             t += 86400 * 2 + 1231) {
            int64_t local = t + tzif_offset_s(zone, t);
            int64_t back = tzif_utc_s(zone, local);
            cr_assert_eq(back + tzif_offset_s(zone, back), local, "%s at %lld", zones[z],
                         (long long)t);
            cr_assert_leq(back, t);
        }
        tzif_close(&zone);
    }
}

static int64_t seconds(const char *time)
{
    int64_t ns;
    bool has_offset;
    cr_assert_eq(clock_parse(text_of(time), &ns, &has_offset), 0, "%s", time);
    return ns / NS_PER_S;
}

Test(tzif, skipped_and_repeated_times)
{
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Europe/Rome", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z"},
        {"Europe/Rome", "2026-03-29 02:30:00",
         "2026-03-29T01:30:00Z"}, /* skipped: 03:30 */
        {"Europe/Rome", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z"},
        {"Europe/Rome", "2026-10-25 02:30:00",
         "2026-10-25T00:30:00Z"}, /* twice: the first */
        {"Europe/Rome", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z"},
        {"Europe/Rome", "2090-07-01 12:00:00", "2090-07-01T10:00:00Z"}, /* by the rule */
        {"America/New_York", "2026-03-08 02:30:00", "2026-03-08T07:30:00Z"},
        {"America/New_York", "2026-11-01 01:30:00", "2026-11-01T05:30:00Z"},
        {"Australia/Sydney", "2060-01-01 00:00:00", "2059-12-31T13:00:00Z"},
        {"", "2026-01-01 00:00:00", "2026-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct tzif *zone = open_zone(cases[i].zone);
        cr_expect_eq(tzif_utc_s(zone, seconds(cases[i].local)), seconds(cases[i].utc),
                     "%s %s", cases[i].zone, cases[i].local);
        tzif_close(&zone);
    }
    cr_expect_eq(tzif_offset_s(NULL, 0), 0);
    cr_expect_eq(tzif_utc_s(NULL, 5), 5);
}

Test(tzif, names_that_are_none)
{
    static const char *const bad[] = {"Europe/Roma",         "Europe",    "/etc/passwd",
                                      "../../../etc/passwd", "tzdata.zi", "Europe/Rome/",
                                      "Europe/Rome\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct tzif *zone = NULL;
        struct error err;
        cr_expect_eq(tzif_open(text_of(bad[i]), &zone, &err), -ERROR_INPUT, "%s", bad[i]);
        cr_expect_null(zone);
        cr_expect_eq(strncmp(err.text, "unknown time zone \"", 19), 0);
    }
}
