/* text: small helpers, and UTF-8 against a decoder written from the table in RFC 3629. */
#include "base/text.h"
#include "base/check.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(text, equal)
{
    cr_expect(text_equal(TEXT(""), TEXT_NONE));
    cr_expect(text_is(TEXT("ab"), "ab"));
    cr_expect_not(text_is(TEXT("ab"), "abc"));
    cr_expect(text_equal_nocase(TEXT("Ab@["), TEXT("aB@[")));
    cr_expect_not(text_equal_nocase(TEXT("@"), TEXT("`")));
    cr_expect_not(text_equal_nocase(TEXT("a"), TEXT("ab")));
    cr_expect_eq(text_of(NULL).data, NULL);
}

Test(text, trim_and_copy)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"", ""},         {" ", ""},  {" \t\r\n\v\f", ""},
                 {" a b ", "a b"}, {"a", "a"}, {"\xA0", "\xA0"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *copy = text_copy(text_trim(text_of(cases[i].in)));
        cr_expect_str_eq(copy, cases[i].out);
        free(copy);
    }
    cr_expect_null(text_trim(TEXT_NONE).data);
}

Test(text, every_code_point_comes_back)
{
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        size_t length = utf8_encode(c, bytes);
        const char *at = bytes;
        bool surrogate = c >= 0xD800 && c < 0xE000;
        uint32_t got = utf8_next(&at, bytes + length);
        if (surrogate)
            cr_assert(got == UTF8_BAD && at == bytes + 1);
        else
            cr_assert(got == c && at == bytes + length, "U+%04X", c);
        at = bytes; /* cut short it is bad, and nothing behind the end is read */
        if (length > 1)
            cr_assert(utf8_next(&at, bytes + length - 1) == UTF8_BAD && at == bytes + 1);
    }
}

/* RFC 3629, section 4: the only well-formed sequences. */
static size_t well_formed(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } rows[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2},
        {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4},
        {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (p[0] < rows[i].first_low || p[0] > rows[i].first_high ||
            rows[i].length > left)
            continue;
        if (rows[i].length > 1 &&
            (p[1] < rows[i].second_low || p[1] > rows[i].second_high))
            continue;
        bool tail = true;
        for (size_t j = 2; j < rows[i].length; j++)
            tail &= p[j] >= 0x80 && p[j] <= 0xBF;
        if (tail)
            return rows[i].length;
    }
    return 0;
}

Test(text, random_bytes_agree_with_the_rfc)
{
    static const unsigned char likely[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90,
                                           0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0,
                                           0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5};
    unsigned seed = 3;
    for (int round = 0; round < 100000; round++) {
        unsigned char bytes[24];
        size_t length = (size_t)rand_r(&seed) % sizeof(bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] =
                rand_r(&seed) % 3 ? 'a' : likely[(size_t)rand_r(&seed) % sizeof(likely)];
        bool valid = true;
        const char *at = (const char *)bytes, *end = at + length;
        for (size_t i = 0; i < length;) {
            size_t step = well_formed(bytes + i, length - i);
            valid &= step > 0;
            uint32_t c = utf8_next(&at, end);
            cr_assert_eq(c == UTF8_BAD, step == 0);
            i += step ? step : 1;
            cr_assert_eq(at, (const char *)bytes + i);
        }
        cr_assert_eq(utf8_valid((struct text){(const char *)bytes, length}), valid);
    }
}

/* At every place, as ASCII is passed over in steps of several lengths. */
Test(text, one_bad_byte_is_found_wherever_it_stands)
{
    char bytes[100];
    for (size_t n = 1; n < sizeof(bytes); n++) {
        memset(bytes, 'a', sizeof(bytes));
        cr_assert(utf8_valid((struct text){bytes, n}));
        for (size_t at = 0; at < n; at++) {
            bytes[at] = (char)0xC3; /* wants a second byte that is none */
            cr_assert(!utf8_valid((struct text){bytes, n}), "%zu of %zu", at, n);
            if (at + 1 < n) {
                bytes[at + 1] = (char)0xA9;
                cr_assert(utf8_valid((struct text){bytes, n}), "%zu of %zu", at, n);
                bytes[at + 1] = 'a';
            }
            bytes[at] = 'a';
        }
    }
}
