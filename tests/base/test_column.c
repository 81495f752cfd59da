/* column: cells of each layout, with and without nulls, written by hand as Arrow lays
 * them out. */
#include "base/column.h"

#include <criterion/criterion.h>

static const uint64_t second_is_null[1] = {
    0x5}; /* rows 0 and 2 are there, row 1 is not */

Test(column, integers_of_every_width)
{
    static const int8_t i8[] = {-1, 0, 127};
    static const int16_t i16[] = {-1, 0, 32767};
    static const int32_t i32[] = {-1, 0, INT32_MAX};
    static const int64_t i64[] = {-1, 0, INT64_MAX};
    static const uint8_t u8[] = {255, 0, 127};
    static const uint16_t u16[] = {65535, 0, 32767};
    static const uint32_t u32[] = {UINT32_MAX, 0, INT32_MAX};
    static const struct {
        enum column_type type;
        const void *values;
        int64_t first, third;
    } cases[] = {
        {COLUMN_INT8, i8, -1, 127},
        {COLUMN_INT16, i16, -1, 32767},
        {COLUMN_INT32, i32, -1, INT32_MAX},
        {COLUMN_INT64, i64, -1, INT64_MAX},
        {COLUMN_UINT8, u8, 255, 127},
        {COLUMN_UINT16, u16, 65535, 32767},
        {COLUMN_UINT32, u32, UINT32_MAX, INT32_MAX},
        {COLUMN_UINT64, i64, -1, INT64_MAX},
        {COLUMN_DATE32, i32, -1, INT32_MAX},
        {COLUMN_DATE64, i64, -1, INT64_MAX},
        {COLUMN_TIMESTAMP, i64, -1, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct column c = {.type = cases[i].type,
                           .rows = 3,
                           .values = cases[i].values,
                           .validity = second_is_null};
        int64_t got;
        cr_expect(column_integer(&c, 0, &got) && got == cases[i].first, "case %zu", i);
        cr_expect(!column_integer(&c, 1, &got) && got == 0);
        cr_expect(column_integer(&c, 2, &got) && got == cases[i].third);
        cr_expect_eq(column_is_integer(&c), cases[i].type <= COLUMN_UINT64);
        cr_expect_not(column_is_text(&c));
    }
}

Test(column, texts_of_every_layout)
{
    static const int32_t offsets[] = {2, 4, 4, 7};
    static const int64_t large_offsets[] = {2, 4, 4, 7};
    static const struct text buffers[] = {TEXT("unused"),
                                          TEXT("xxa text of more than twelve")};
    struct column_view views[3] = {{.bytes = 2, .inlined = "ab"},
                                   {.bytes = 0},
                                   {.bytes = 26, .outside = {"a te", 1, 2}}};
    struct column utf8 = {.type = COLUMN_UTF8,
                          .rows = 3,
                          .values = "..abcde",
                          .offsets = offsets,
                          .validity = second_is_null};
    struct column large = utf8, view = utf8;
    large.type = COLUMN_LARGE_UTF8;
    large.offsets = large_offsets;
    view.type = COLUMN_UTF8_VIEW;
    view.values = views;
    view.value_buffers = buffers;
    view.value_buffer_count = 2;
    const struct column *columns[] = {&utf8, &large, &view};
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        cr_expect(column_is_text(columns[i]));
        cr_expect(text_is(column_text(columns[i], 0), "ab"), "layout %zu", i);
        cr_expect_null(column_text(columns[i], 1).data, "null is no text");
        cr_expect(text_is(column_text(columns[i], 2),
                          i == 2 ? "a text of more than twelve" : "cde"));
    }
    utf8.validity = NULL;
    cr_expect(column_text(&utf8, 1).data && column_text(&utf8, 1).bytes == 0,
              "empty is a text");
    utf8.values = NULL;
    cr_expect_not_null(column_text(&utf8, 1).data, "also when the buffer is missing");

    static const uint16_t codes[] = {2, 0, 0};
    utf8.values = "..abcde";
    struct column dictionary = {.type = COLUMN_DICTIONARY,
                                .code_type = COLUMN_UINT16,
                                .rows = 3,
                                .values = codes,
                                .dictionary = &utf8,
                                .validity = second_is_null};
    cr_expect(column_is_text(&dictionary));
    cr_expect(text_is(column_text(&dictionary, 0), "cde"));
    cr_expect_null(column_text(&dictionary, 1).data);
    cr_expect(text_is(column_text(&dictionary, 2), "ab"));
}

Test(column, bools_and_nulls)
{
    static const uint64_t bits[] = {0, 0x2}, valid[] = {~0ull, 0x6};
    struct column c = {
        .type = COLUMN_BOOL, .rows = 67, .values = bits, .validity = valid};
    bool value;
    cr_expect(column_bool(&c, 65, &value) && value);
    cr_expect(column_bool(&c, 66, &value) && !value);
    cr_expect(!column_bool(&c, 64, &value) && !value);
    struct column null = {.type = COLUMN_NULL, .rows = 1};
    cr_expect(column_is_null(&null, 0));
    cr_expect_not(column_bool(&null, 0, &value));
}

Test(column, lists)
{
    static const int32_t offsets[] = {1, 3, 3, 8}, sizes[] = {2, 0, 5};
    static const int64_t large_offsets[] = {1, 3, 3, 8};
    struct column list = {
        .type = COLUMN_LIST, .rows = 3, .offsets = offsets, .validity = second_is_null};
    struct column large = list, view = list;
    large.type = COLUMN_LARGE_LIST;
    large.offsets = large_offsets;
    view.type = COLUMN_LIST_VIEW;
    view.sizes = sizes;
    const struct column *columns[] = {&list, &large, &view};
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        int64_t first, count;
        cr_expect(column_is_list(columns[i]));
        cr_expect(column_list(columns[i], 0, &first, &count) && first == 1 && count == 2);
        cr_expect(!column_list(columns[i], 1, &first, &count) && count == 0);
        cr_expect(column_list(columns[i], 2, &first, &count) && first == 3 && count == 5);
    }
}

Test(column, find)
{
    static const struct column columns[] = {{.name = "id"}, {.name = "email"}};
    cr_expect_eq(column_find(columns, 2, TEXT("email")), 1);
    cr_expect_eq(column_find(columns, 2, TEXT("Email")), -1);
    cr_expect_eq(column_find(columns, 0, TEXT("id")), -1);
}
