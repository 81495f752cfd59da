/* Every column type as a customer reads it. */
#include "render/template/format.h"

#include <criterion/criterion.h>
#include <math.h>

static struct arena arena;

static void expect(const struct column *column, int64_t row, const struct tzif *zone,
                   const char *wanted)
{
    struct text got = format_value(column, row, zone, &arena);
    cr_expect(!got.data == !wanted && text_equal(got, text_of(wanted)),
              "wanted %s, got %.*s", wanted ? wanted : "nothing", TEXT_ARGS(got));
}

#define ROWS(type_, array, ...)                                                          \
    ((struct column){                                                                    \
        .type = type_, .rows = ARRAY_COUNT(array), .values = array, __VA_ARGS__})

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, 1 << 16, NULL), 0);
}

static void teardown(void)
{
    arena_fini(&arena);
}

TestSuite(format, .init = setup, .fini = teardown);

Test(format, numbers)
{
    const int8_t small[] = {0, -128, 127};
    const uint64_t large[] = {UINT64_MAX, 10};
    const int64_t wide[] = {INT64_MIN, -1};
    const double doubles[] = {12.5, 3, 0.1, -0.0, 1e21, -1234567.25, 0.30000000000000004,
                              NAN};
    const float floats[] = {0.1f, 19.99f, 3};
    const uint16_t halves[] = {0x3C00, 0xC100, 0x0001};
    struct column c = ROWS(COLUMN_INT8, small);
    expect(&c, 0, NULL, "0");
    expect(&c, 1, NULL, "-128");
    c = ROWS(COLUMN_UINT64, large);
    expect(&c, 0, NULL, "18446744073709551615");
    c = ROWS(COLUMN_INT64, wide);
    expect(&c, 0, NULL, "-9223372036854775808");
    expect(&c, 1, NULL, "-1");
    c = ROWS(COLUMN_FLOAT64, doubles);
    static const char *const wanted[] = {
        "12.5", "3", "0.1", "0", "1e+21", "-1234567.25", "0.30000000000000004", NULL};
    for (int64_t i = 0; i < c.rows; i++)
        expect(&c, i, NULL, wanted[i]);
    c = ROWS(COLUMN_FLOAT32, floats);
    expect(&c, 0, NULL, "0.1");
    expect(&c, 1, NULL, "19.99");
    expect(&c, 2, NULL, "3");
    c = ROWS(COLUMN_FLOAT16, halves);
    expect(&c, 0, NULL, "1");
    expect(&c, 1, NULL, "-2.5");
    expect(&c, 2, NULL, "5.9604645e-08");
}

Test(format, decimals)
{
    const __int128 values[] = {1250, -5, 100, 0, (__int128)1 << 100};
    struct column c = ROWS(COLUMN_DECIMAL128, values, .scale = 2);
    static const char *const wanted[] = {"12.5", "-0.05", "1", "0",
                                         "12676506002282294014967032053.76"};
    for (int64_t i = 0; i < c.rows; i++)
        expect(&c, i, NULL, wanted[i]);
    c.scale = 0;
    expect(&c, 0, NULL, "1250");
    c.scale = 100;
    expect(&c, 0, NULL, NULL);
}

Test(format, dates_and_times)
{
    const int32_t days[] = {20779, -1};
    const int64_t milliseconds[] = {20779 * 86400000ll + 5, -1};
    const int64_t instants[] = {1795368645, -1, INT64_MAX};
    struct tzif *rome = NULL;
    cr_assert_eq(tzif_open(TEXT("Europe/Rome"), &rome, NULL), 0);
    struct column c = ROWS(COLUMN_DATE32, days);
    expect(&c, 0, rome, "2026-11-22");
    expect(&c, 1, rome, "1969-12-31");
    c = ROWS(COLUMN_DATE64, milliseconds);
    expect(&c, 0, rome, "2026-11-22");
    expect(&c, 1, rome, "1969-12-31");
    c = ROWS(COLUMN_TIMESTAMP, instants, .unit = COLUMN_SECONDS, .timezone = "UTC");
    expect(&c, 0, rome, "2026-11-22 18:30");
    expect(&c, 0, NULL, "2026-11-22 17:30");
    expect(&c, 1, NULL, "1969-12-31 23:59");
    expect(&c, 2, NULL, NULL);
    c.timezone = NULL;
    expect(&c, 0, rome, "2026-11-22 17:30");
    tzif_close(&rome);
}

Test(format, the_rest)
{
    const uint64_t bits[] = {2};
    const char bytes[] = "caffè";
    const int32_t offsets[] = {0, 0, 6};
    struct column flag = ROWS(COLUMN_BOOL, bits), list = {.type = COLUMN_LIST, .rows = 1};
    expect(&flag, 0, NULL, "false");
    expect(&flag, 1, NULL, "true");
    flag.validity = bits;
    expect(&flag, 0, NULL, NULL);
    struct column t = ROWS(COLUMN_UTF8, bytes, .offsets = offsets);
    expect(&t, 0, NULL, "");
    expect(&t, 1, NULL, "caffè");
    expect(&list, 0, NULL, NULL);
    cr_expect_not(format_can(&list));
    cr_expect(format_can(&flag) && format_can(&t));
    cr_assert(arena_alloc(&arena, arena.capacity_bytes - 64));
    expect(&flag, 1, NULL, NULL);
    cr_expect(arena_overflowed(&arena));
}
