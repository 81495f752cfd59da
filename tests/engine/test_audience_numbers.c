/* Exact numbers, ranges, calendars and patterns: what the engine and its oracle both rest on. */
#include "engine/audience/bounds.h"
#include "engine/audience/like.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <math.h>

/* --- numbers ---------------------------------------------------------------------------------- */

Test(numbers, parse)
{
    static const struct {
        const char *text;
        int64_t value;
        int32_t scale;
    } cases[] = {
        {"0", 0, 0},       {"007", 7, 0},
        {"-12", -12, 0},   {"+5", 5, 0},
        {"1.5", 15, 1},    {"1.50", 15, 1},
        {"2.0", 20, 1},    {"2.", 20, 1},
        {".25", 25, 2},    {"-0.001", -1, 3},
        {"1e3", 10000, 1}, {"1.5e1", 150, 1},
        {"25e-1", 25, 1},  {"0.0", 0, 1},
        {"0e99999", 0, 1}, {"1234567.891", 1234567891, 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool exact;
        int128 value;
        int32_t scale;
        double real;
        cr_assert(number_parse(text_of(cases[i].text), &exact, &value, &scale, &real) ==
                  0);
        cr_expect(exact && value == cases[i].value && scale == cases[i].scale,
                  "%s: %lld e-%d", cases[i].text, (long long)value, scale);
        cr_expect_eq(real, number_to_real(value, scale));
    }
    static const char *const wrong[] = {"",      "-",   ".", "e5", "1e", "1e+",
                                        "1.2.3", "1 2", "x", "1x", "--1"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        bool exact;
        int128 value;
        int32_t scale;
        double real;
        cr_expect_eq(number_parse(text_of(wrong[i]), &exact, &value, &scale, &real), -1,
                     "%s", wrong[i]);
    }
}

Test(numbers, too_large_for_exact)
{
    static const struct {
        const char *text;
        bool exact;
        double real;
    } cases[] = {
        {"99999999999999999999999999999999999999", true, 1e38},
        {"999999999999999999999999999999999999999", false, 1e39},
        {"1e37", true, 1e37},
        {"1e300", false, 1e300},
        {"1e999", false, INFINITY},
        {"1e-38", true, 1e-38},
        {"1e-60", false, 1e-60},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool exact;
        int128 value;
        int32_t scale;
        double real;
        cr_assert(number_parse(text_of(cases[i].text), &exact, &value, &scale, &real) ==
                  0);
        cr_expect_eq(exact, cases[i].exact, "%s", cases[i].text);
        cr_expect_eq(real, cases[i].real, "%s", cases[i].text);
    }
}

static uint64_t random_state = 7;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 20 ^ random_state << 40;
}

/* A product is right when dividing gives the factor back; an overflow when it cannot fit. */
Test(numbers, multiply)
{
    for (int i = 0; i < 200000; i++) {
        int128 a = (int64_t)next_random() * ((int128)1 << (next_random() % 63));
        int128 b = (int128)(int64_t)next_random() >> (next_random() % 64);
        int128 product;
        if (next_random() % 2)
            b *= (int128)1 << (next_random() % 63);
        long double about = (long double)a * (long double)b;
        if (number_multiply(a, b, &product)) {
            cr_assert(a == 0 ? product == 0 : product / a == b && product % a == 0);
            cr_assert(fabsl(about) < 0x1.0001p127L);
        } else {
            cr_assert(fabsl(about) > 0x1.fffep126L);
        }
    }
    int128 product;
    cr_assert(number_multiply(INT128_MIN, 1, &product) && product == INT128_MIN);
    cr_assert(number_multiply(INT128_MIN / 2, 2, &product) && product == INT128_MIN);
    cr_assert(!number_multiply(INT128_MIN, -1, &product));
    cr_assert(!number_multiply(INT128_MAX, 2, &product));
}

Test(numbers, compare_across_scales)
{
    cr_assert_eq(number_compare(15, 1, 150, 2), 0);
    cr_assert_eq(number_compare(-15, 1, -151, 2), 1);
    cr_assert_eq(number_compare(INT128_MAX, 0, INT128_MAX, 38), 1);
    cr_assert_eq(number_compare(INT128_MIN, 0, INT128_MIN, 38), -1);
    cr_assert_eq(number_compare(1, 0, 5, 60), 1);
    cr_assert_eq(number_compare(0, 0, 5, 60), -1);
    cr_assert_eq(number_compare(0, 60, 0, 0), 0);
    for (int i = 0; i < 100000; i++) {
        int64_t a = (int64_t)next_random() % 100000, b = (int64_t)next_random() % 100000;
        int32_t a_scale = (int32_t)(next_random() % 6),
                b_scale = (int32_t)(next_random() % 6);
        int64_t x = a * (int64_t)number_power(6 - a_scale),
                y = b * (int64_t)number_power(6 - b_scale);
        cr_assert_eq(number_compare(a, a_scale, b, b_scale), (x > y) - (x < y));
    }
}

Test(numbers, reals)
{
    cr_assert_eq(real_compare(NAN, NAN), 0);
    cr_assert_eq(real_compare(NAN, INFINITY), 1);
    cr_assert_eq(real_compare(-0.0, 0.0), 0);
    cr_assert_eq(real_compare_integer(9007199254740992.0, 9007199254740993), -1);
    cr_assert_eq(real_compare_integer(0x1p63, INT64_MAX), 1);
    cr_assert_eq(real_compare_integer(-0.5, 0), -1);
    cr_assert_eq(real_compare_integer(0.5, 0), 1);
    cr_assert_eq(real_compare_integer(-INFINITY, INT128_MIN), -1);
    cr_assert_eq(real_compare_integer(-0x1p127, INT128_MIN), 0);
    cr_assert_eq(real_compare_integer(NAN, INT128_MAX), 1);
    cr_assert_eq(number_to_real(1, 1), 0.1);
    cr_assert_eq(number_to_real(123456789012345, 5), 1234567890.12345);
}

/* --- ranges ----------------------------------------------------------------------------------- */

static const enum order orders[] = {ORDER_LESS,    ORDER_LESS_EQUAL,
                                    ORDER_EQUAL,   ORDER_NOT_EQUAL,
                                    ORDER_GREATER, ORDER_GREATER_EQUAL};

static bool holds(enum order order, int compared)
{
    return (unsigned)order >> (compared + 1) & 1;
}

/* A range says of every stored number what the comparison says. */
Test(bounds, exact)
{
    for (int i = 0; i < 200000; i++) {
        struct type type = {.kind = KIND_EXACT, .scale = (int32_t)(next_random() % 4)};
        struct constant c =
            constant_exact((int64_t)next_random() % 3000, (int32_t)(next_random() % 5));
        int64_t x = (int64_t)next_random() % 3000;
        enum order order = orders[next_random() % 6];
        struct bounds b = bounds_exact(order, type, &c);
        bool wanted = holds(order, number_compare(x, type.scale, c.number, c.type.scale));
        cr_assert_eq((b.low <= x && x <= b.high) != b.outside, wanted);
    }
}

Test(bounds, dates_against_wall_clocks)
{
    for (int i = 0; i < 100000; i++) {
        int64_t day = (int64_t)(next_random() % 10) - 5;
        int128 ns = ((int128)(next_random() % 20) - 10) * (CALENDAR_DAY_NS / 2) +
                    (next_random() % 3);
        struct constant c = constant_time(KIND_WALL, ns);
        enum order order = orders[next_random() % 6];
        struct bounds b = bounds_exact(order, (struct type){.kind = KIND_DATE}, &c);
        int128 x = day * CALENDAR_DAY_NS;
        cr_assert_eq((b.low <= day && day <= b.high) != b.outside,
                     holds(order, (x > ns) - (x < ns)));
    }
}

Test(bounds, reals)
{
    static const double values[] = {0,
                                    -0.0,
                                    1,
                                    -1,
                                    0.1,
                                    2.5,
                                    INFINITY,
                                    -INFINITY,
                                    NAN,
                                    1e17,
                                    9007199254740992.0,
                                    9007199254740994.0,
                                    5e-324,
                                    -5e-324,
                                    1.7976931348623157e308};
    static const int64_t integers[] = {
        0, 1, -1, 9007199254740993, 9007199254740992, INT64_MAX};
    for (size_t o = 0; o < ARRAY_COUNT(orders); o++) {
        for (size_t v = 0; v < ARRAY_COUNT(values); v++) {
            double x = values[v];
            for (size_t k = 0; k < ARRAY_COUNT(values); k++) {
                struct constant c = constant_real(values[k]);
                struct real_bounds b = bounds_real(orders[o], &c);
                bool in = isnan(x) ? b.nan : b.low <= x && x <= b.high;
                cr_expect_eq(in != b.outside,
                             holds(orders[o], real_compare(x, values[k])), "%g %g", x,
                             values[k]);
            }
            for (size_t k = 0; k < ARRAY_COUNT(integers); k++) {
                struct constant c = constant_exact(integers[k], 0);
                struct real_bounds b = bounds_real(orders[o], &c);
                bool in = isnan(x) ? b.nan : b.low <= x && x <= b.high;
                cr_expect_eq(in != b.outside,
                             holds(orders[o], real_compare_integer(x, integers[k])),
                             "%g %lld", x, (long long)integers[k]);
            }
        }
    }
}

/* --- calendars -------------------------------------------------------------------------------- */

static int128 wall(const char *text)
{
    int128 ns;
    bool has_time, has_offset;
    cr_assert(calendar_parse(text_of(text), &ns, &has_time, &has_offset) == 0, "%s",
              text);
    return ns;
}

/* The results are PostgreSQL's. */
Test(calendar, shifts)
{
    static const struct {
        const char *from, *by, *to;
    } cases[] = {
        {"2024-01-31", "1 month", "2024-02-29"},
        {"2023-01-31", "1 month", "2023-02-28"},
        {"2024-03-31", "-1 month", "2024-02-29"},
        {"2024-02-29", "1 year", "2025-02-28"},
        {"2024-02-29", "-4 years", "2020-02-29"},
        {"2024-12-15", "1 month", "2025-01-15"},
        {"2024-01-15", "-1 month", "2023-12-15"},
        {"2024-01-31", "1 month 1 day", "2024-03-01"},
        {"2024-02-28 23:00", "2 hours", "2024-02-29 01:00"},
        {"2024-01-01", "2 weeks 3 days 4 hours 5 minutes 6 seconds",
         "2024-01-18 04:05:06"},
        {"2024-01-01", "1.5 days", "2024-01-02 12:00"},
        {"2024-01-01", "-90 seconds", "2023-12-31 23:58:30"},
        {"1600-03-01", "-1 day", "1600-02-29"},
        {"9999-12-31", "-9998 years", "0001-12-31"},
        {"2024-01-01", "1 YEAR -1 Month", "2024-12-01"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct interval by;
        cr_assert(calendar_interval(text_of(cases[i].by), TEXT_NONE, &by) == 0, "%s",
                  cases[i].by);
        cr_expect(calendar_shift(wall(cases[i].from), &by) == wall(cases[i].to),
                  "%s + %s", cases[i].from, cases[i].by);
    }
    static const char *const wrong[] = {
        "",           "5",       "days",      "5 parsecs",
        "1.5 months", "1 day 2", "1e99 days", "99999999999 years",
        "1 dayss",    "one day"};
    struct interval ignored;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        cr_expect_eq(calendar_interval(text_of(wrong[i]), TEXT_NONE, &ignored), -1, "%s",
                     wrong[i]);
    cr_assert(calendar_interval(TEXT("30"), TEXT("Days"), &ignored) == 0 &&
              ignored.days == 30);
    cr_assert(calendar_interval(TEXT("30 days"), TEXT("days"), &ignored) == -1);
}

/* Days are the wall clock's, hours are real time: over the change of 2026-10-25 they differ. */
Test(calendar, summer_time)
{
    struct tzif *rome;
    cr_assert(tzif_open(TEXT("Europe/Rome"), &rome, NULL) == 0);
    struct interval day = {.days = 1}, hours = {.ns = 24 * 3600 * NS_PER_S};
    int128 before = wall("2026-10-24 10:00"); /* as UTC: noon in Rome */
    cr_assert(calendar_wall(rome, before) == wall("2026-10-24 12:00"));
    cr_assert(calendar_shift_instant(rome, before, &day) == wall("2026-10-25 11:00"));
    cr_assert(calendar_shift_instant(rome, before, &hours) == wall("2026-10-25 10:00"));
    cr_assert(calendar_instant(rome, wall("2026-03-29 02:30")) ==
              wall("2026-03-29 01:30"));
    cr_assert(calendar_instant(rome, wall("9999-07-01 12:00")) ==
              wall("9999-07-01 10:00"));
    cr_assert(calendar_wall(NULL, before) == before);
    int128 far = (int128)INT64_MAX * NS_PER_S;
    cr_assert(calendar_wall(rome, far) == far && calendar_instant(rome, -far) == -far);
    tzif_close(&rome);
}

/* --- patterns --------------------------------------------------------------------------------- */

Test(like, patterns)
{
    static const struct {
        const char *text, *pattern, *escape;
        bool fold_case, matches;
    } cases[] = {
        {"", "", "", false, true},           {"", "%", "", false, true},
        {"", "_", "", false, false},         {"abc", "abc", "", false, true},
        {"abc", "ABC", "", false, false},    {"abc", "ABC", "", true, true},
        {"abc", "a%", "", false, true},      {"abc", "%c", "", false, true},
        {"abc", "%b%", "", false, true},     {"abc", "a%c%", "", false, true},
        {"abcbc", "a%bc", "", false, true},  {"aaab", "%aab", "", false, true},
        {"abc", "____", "", false, false},   {"é😀", "__", "", false, true},
        {"a%", "a!%", "!", false, true},     {"ab", "a!%", "!", false, false},
        {"a!", "a!!", "!", false, true},     {"a_c", "a\\_c", "\\", false, true},
        {"a\\xc", "a\\_c", "", false, true}, {"50%off", "50é%off", "é", false, true},
        {"ÀÉÎ", "àéî", "", true, true},      {"ΣΊΣΥΦΟΣ", "σίσυφος", "", true, true},
        {"ẞ", "ß", "", true, true},          {"ß", "ss", "", true, false},
        {"\xff", "_", "", false, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct like like;
        cr_assert(like_init(&like, text_of(cases[i].pattern), text_of(cases[i].escape),
                            cases[i].fold_case) == 0);
        cr_expect_eq(like_matches(&like, text_of(cases[i].text)), cases[i].matches,
                     "%s LIKE %s", cases[i].text, cases[i].pattern);
    }
    struct like like;
    cr_assert(like_init(&like, TEXT("a!"), TEXT("!"), false) == -1);
    cr_assert(like_init(&like, TEXT("a!!"), TEXT("!"), false) == 0);
}
