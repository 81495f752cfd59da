/* The fast checks against the obvious ones, at odd lengths and with one thing wrong
 * anywhere. */
#include "ingest/arrow/arrow_verify.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS_MAX 2100 /* more than two blocks */

static const int64_t lengths[] = {0,    1,    2,    63,   64,   65,
                                  1023, 1024, 1025, 2047, 2048, ROWS_MAX};

Test(arrow_verify, offsets)
{
    static int32_t narrow[ROWS_MAX + 1];
    static int64_t wide[ROWS_MAX + 1];
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        int64_t rows = lengths[i];
        for (int64_t row = 0; row <= rows; row++)
            wide[row] = narrow[row] = (int32_t)row / 3;
        int32_t last = narrow[rows];
        cr_expect_eq(arrow_verify_offsets32(narrow, rows, last), -1);
        cr_expect_eq(arrow_verify_offsets64(wide, rows, last), -1);
        for (int64_t bad = 0; bad < rows;
             bad += 1 + bad / 7) { /* a rise that falls again */
            wide[bad + 1] = narrow[bad + 1] = last + 1;
            int64_t at =
                bad + 1 < rows ? bad + 1 : bad; /* the last has nothing to fall to */
            cr_expect_eq(arrow_verify_offsets32(narrow, rows, last), at);
            cr_expect_eq(arrow_verify_offsets64(wide, rows, last), at);
            wide[bad + 1] = narrow[bad + 1] = (int32_t)(bad + 1) / 3;
        }
        narrow[0] = -1;
        cr_expect_eq(arrow_verify_offsets32(narrow, rows, last), 0);
    }
}

static void expect_codes(enum column_type type, size_t width, bool is_signed)
{
    static uint64_t codes[ROWS_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        int64_t rows = lengths[i];
        memset(codes, 0, sizeof(codes));
        cr_expect_eq(arrow_verify_codes(codes, type, rows, 1), -1);
        for (int64_t bad = 0; bad < rows; bad += 1 + bad / 7) {
            char *code = (char *)codes + (size_t)bad * width;
            *code = 100;
            cr_expect_eq(arrow_verify_codes(codes, type, rows, 101), -1);
            cr_expect_eq(arrow_verify_codes(codes, type, rows, 100), bad);
            memset(code, 0xFF, width); /* -1, or the largest one */
            bool fits = !is_signed && width == 1;
            cr_expect_eq(arrow_verify_codes(codes, type, rows, 1000), fits ? -1 : bad);
            memset(code, 0, width);
        }
    }
}

Test(arrow_verify, codes)
{
    expect_codes(COLUMN_INT8, 1, true);
    expect_codes(COLUMN_UINT8, 1, false);
    expect_codes(COLUMN_INT16, 2, true);
    expect_codes(COLUMN_UINT16, 2, false);
    expect_codes(COLUMN_INT32, 4, true);
    expect_codes(COLUMN_UINT32, 4, false);
    expect_codes(COLUMN_INT64, 8, true);
    expect_codes(COLUMN_UINT64, 8, false);
}

Test(arrow_verify, views)
{
    const struct text buffers[] = {TEXT("0123456789abcdefghij"), TEXT("")};
    static const struct {
        int32_t bytes, buffer, offset;
        bool good;
    } cases[] = {
        {0, 0, 0, true},           {12, -1, -1, true},
        {13, 0, 0, true},          {20, 0, 0, true},
        {13, 0, 7, true},          {13, 0, 8, false},
        {21, 0, 0, false},         {13, 1, 0, false},
        {13, 2, 0, false},         {13, -1, 0, false},
        {13, 0, -1, false},        {-1, 0, 0, false},
        {13, 0, INT32_MAX, false}, {INT32_MAX, 0, INT32_MAX, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct column_view views[3] = {0};
        views[1].bytes = cases[i].bytes;
        views[1].outside.buffer = cases[i].buffer;
        views[1].outside.offset = cases[i].offset;
        cr_expect_eq(arrow_verify_views(views, 3, buffers, 2), cases[i].good ? -1 : 1,
                     "case %zu", i);
    }
}

Test(arrow_verify, list_views)
{
    const int32_t offsets[] = {5, 0, 3}, sizes[] = {0, 5, 2};
    cr_expect_eq(arrow_verify_list_views(offsets, sizes, 3, 5), -1);
    cr_expect_eq(arrow_verify_list_views(offsets, sizes, 3, 4), 0);
    cr_expect_eq(arrow_verify_list_views((int32_t[]){1}, (int32_t[]){INT32_MAX}, 1, 9),
                 0);
    cr_expect_eq(arrow_verify_list_views((int32_t[]){-1}, (int32_t[]){1}, 1, 9), 0);
    cr_expect_eq(arrow_verify_list_views((int32_t[]){1}, (int32_t[]){-1}, 1, 9), 0);
}

Test(arrow_verify, bits_behind_the_last_row_do_not_count)
{
    const uint64_t bits[] = {~0ull, ~0ull, ~0ull};
    for (int64_t rows = 0; rows <= 192; rows++)
        cr_expect_eq(arrow_count_bits(bits, rows), rows);
}
