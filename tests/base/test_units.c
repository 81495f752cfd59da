/* units: what counts as a rate, a duration, a fraction, a number. */
#include "base/units.h"
#include "base/check.h"

#include <criterion/criterion.h>

Test(units, rates)
{
    static const struct {
        const char *text;
        double per_s; /* -1: refused */
    } cases[] = {
        {"500/s", 500},      {"30/min", 0.5},  {"30/m", 0.5},  {"3600/hr", 1},
        {"3600/h", 1},       {"86400/day", 1}, {"2.5/s", 2.5}, {"5 /s", 5},
        {"10000000/s", 1e7}, {"unlimited", 0}, {"0/s", -1},    {"10000001/s", -1},
        {"500", -1},         {"/s", -1},       {"-1/s", -1},   {"1e3/s", -1},
        {"1/fortnight", -1}, {"", -1},         {"./s", -1},    {"1.2.3/s", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got = -7;
        int rc = units_rate(text_of(cases[i].text), &got);
        cr_expect_eq(rc, cases[i].per_s < 0 ? -1 : 0, "%s", cases[i].text);
        if (rc == 0)
            cr_expect_float_eq(got, cases[i].per_s, 1e-9, "%s", cases[i].text);
    }
    double unused;
    cr_expect_eq(units_rate(TEXT_NONE, &unused), -1);
}

Test(units, durations)
{
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } cases[] = {
        {"250us", 250000},
        {"20ms", 20000000},
        {"1.5s", 1500000000},
        {"10m", 600000000000},
        {"10min", 600000000000},
        {"2h", 7200000000000},
        {"30d", 2592000000000000},
        {"0s", 0},
        {"1 h", 3600000000000},
        {"5", -1},
        {"s", -1},
        {"-1s", -1},
        {"200000d", -1},
        {"1week", -1},
        {"", -1},
        {"99999999999999999999999999999999999999s", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t got = -7;
        int rc = units_duration(text_of(cases[i].text), &got);
        cr_expect_eq(rc, cases[i].ns < 0 ? -1 : 0, "%s", cases[i].text);
        if (rc == 0)
            cr_expect_eq(got, cases[i].ns, "%s", cases[i].text);
    }
}

Test(units, fractions)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"0.01", 0.01}, {"1%", 0.01}, {"100%", 1},  {"1", 1},         {"0", 0},
                 {"1.01", -1},   {"101%", -1}, {"-0.1", -1}, {"5 apples", -1}, {"%", -1}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got;
        int rc = units_fraction(text_of(cases[i].text), &got);
        cr_expect_eq(rc, cases[i].value < 0 ? -1 : 0, "%s", cases[i].text);
        if (rc == 0)
            cr_expect_float_eq(got, cases[i].value, 1e-12, "%s", cases[i].text);
    }
}

Test(units, counts)
{
    uint64_t n = 9;
    cr_expect(units_count(TEXT("0"), &n) == 0 && n == 0);
    cr_expect(units_count(TEXT("18446744073709551615"), &n) == 0 && n == UINT64_MAX);
    static const char *const bad[] = {
        "", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_expect_eq(units_count(text_of(bad[i]), &n), -1, "\"%s\"", bad[i]);
    cr_expect_eq(n, UINT64_MAX, "what is refused writes nothing");
}
