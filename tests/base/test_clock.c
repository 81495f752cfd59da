/* clock: dates against libc, times there and back, and what is no time. */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

Test(clock, civil_days_against_libc)
{
    for (int64_t day = -800000; day <= 3000000; day += 17) {
        int64_t year;
        unsigned month, d;
        struct tm tm;
        time_t seconds = (time_t)day * 86400;
        civil_from_days(day, &year, &month, &d);
        cr_assert_not_null(gmtime_r(&seconds, &tm));
        cr_assert(year == tm.tm_year + 1900 && (int)month == tm.tm_mon + 1 &&
                      (int)d == tm.tm_mday,
                  "day %lld", (long long)day);
        cr_assert_eq(days_from_civil(year, month, d), day);
    }
}

Test(clock, parse)
{
    static const struct {
        const char *text;
        int64_t ns;
        bool has_offset;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, true},
        {"1970-01-01t00:00:00z", 0, true},
        {"1970-01-01 00:00:00", 0, false},
        {"1970-01-01T01:00:00+01:00", 0, true},
        {"1970-01-01T01:00:00+0100", 0, true},
        {"1970-01-01T01:00:00+01", 0, true},
        {"1969-12-31T23:30:00-00:30", 0, true},
        {"1970-01-01T00:00:00.5Z", 500000000, true},
        {"1970-01-01T00:00:00.1234567891Z", 123456789, true},
        {"1969-12-31T23:59:59.999999999Z", -1, true},
        {"2026-11-21T08:00:00Z", 1795248000000000000, true},
        {"2000-02-29T00:00:00Z", 951782400000000000, true},
        {"1970-01-01T00:00", 0, false},
        {"2016-12-31T23:59:60Z", 1483228800000000000, true}, /* a leap second */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t ns = 7;
        bool has_offset = !cases[i].has_offset;
        cr_expect_eq(clock_parse(text_of(cases[i].text), &ns, &has_offset), 0, "%s",
                     cases[i].text);
        cr_expect_eq(ns, cases[i].ns, "%s", cases[i].text);
        cr_expect_eq(has_offset, cases[i].has_offset);
    }
    static const char *const bad[] = {
        "",
        "1970-01-01",
        "1970-1-1T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00Z ",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00 Z",
        "1970-01-01X00:00:00Z",
        "9999-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "+970-01-01T00:00:00Z",
    };
    int64_t ns;
    bool has_offset;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_expect_eq(clock_parse(text_of(bad[i]), &ns, &has_offset), -1, "%s", bad[i]);
    cr_expect_eq(clock_parse(TEXT_NONE, &ns, &has_offset), -1);
}

Test(clock, dates)
{
    int32_t days = 7;
    cr_expect(clock_parse_date(TEXT("1970-01-02"), &days) == 0 && days == 1);
    cr_expect(clock_parse_date(TEXT("0001-01-01"), &days) == 0 && days == -719162);
    cr_expect(clock_parse_date(TEXT("9999-12-31"), &days) == 0 && days == 2932896);
    cr_expect_eq(clock_parse_date(TEXT("1970-01-02T"), &days), -1);
    cr_expect_eq(clock_parse_date(TEXT("1970-01-0"), &days), -1);
    cr_expect_eq(clock_parse_date(TEXT_NONE, &days), -1);
}

Test(clock, format_and_parse_are_inverse)
{
    unsigned seed = 11;
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = (uint64_t)rand_r(&seed) << 42 ^ (uint64_t)rand_r(&seed) << 21 ^
                        (uint64_t)rand_r(&seed);
        int64_t ms = (int64_t)(bits % 18000000000000) - 9000000000000; /* 1684 to 2255 */
        int64_t got;
        bool has_offset;
        char text[CLOCK_FORMAT_BYTES];
        clock_format(ms * NS_PER_MS, true, text);
        cr_assert_eq(strlen(text), strlen("2026-11-21T08:00:00.000Z"));
        cr_assert_eq(clock_parse(text_of(text), &got, &has_offset), 0, "%s", text);
        cr_assert_eq(got, ms * NS_PER_MS, "%s", text);
        clock_format(ms * NS_PER_MS, false, text);
        cr_assert_eq(clock_parse(text_of(text), &got, &has_offset), 0);
        cr_assert(got <= ms * NS_PER_MS && got > ms * NS_PER_MS - NS_PER_S);
    }
}

Test(clock, freeze)
{
    struct error err;
    clock_freeze(42);
    cr_expect_eq(clock_now_ns(), 42);
    int64_t before = clock_steady_ns();
    cr_expect_geq(clock_steady_ns(), before);
    clock_freeze(-1);
    cr_expect_gt(clock_now_ns(), 1700000000 * NS_PER_S);
    setenv("VOLLEY_NOW", "2026-11-21T08:00:00Z", 1);
    cr_expect_eq(clock_freeze_from_environment(&err), 0);
    cr_expect_eq(clock_now_ns(), 1795248000 * NS_PER_S);
    setenv("VOLLEY_NOW", "2026-11-21T08:00:00", 1);
    cr_expect_eq(clock_freeze_from_environment(&err), -ERROR_USAGE);
    cr_expect_not_null(strstr(err.text, "VOLLEY_NOW=2026-11-21T08:00:00 is no time"));
    clock_freeze(-1);
    unsetenv("VOLLEY_NOW");
    cr_expect_eq(clock_freeze_from_environment(&err), 0);
}
