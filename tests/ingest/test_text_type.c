#include "ingest/import/text_type.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *guess(const char *words)
{
    struct text_guess guess = text_guess_any();
    for (const char *at = words; *at;) {
        size_t bytes = strcspn(at, "|");
        text_guess_add(&guess, (struct text){at, bytes});
        at += bytes + (at[bytes] == '|');
    }
    return text_type_name(text_guess_type(&guess));
}

Test(text_type, the_narrowest_type_that_loses_nothing)
{
    static const struct {
        const char *words, *type;
    } cases[] = {
        {"", "utf8"},
        {"true|FALSE|t|f|Yes|no", "bool"},
        {"true|1", "utf8"},
        {"1|0", "int64"},
        {"-5|9223372036854775807|-9223372036854775808", "int64"},
        {"9223372036854775808", "utf8"},
        {"007", "utf8"},
        {"+5", "utf8"},
        {"1|2.5|-0.25|1e3|2.5E-2", "float64"},
        {"-0", "float64"},
        {"1.5|9007199254740992", "float64"},
        {"1.5|9007199254740993", "utf8"},
        {"0.12345678901234567", "float64"},
        {"0.123456789012345678", "utf8"},
        {"1e999", "utf8"},
        {"1.|2", "utf8"},
        {".5", "utf8"},
        {"nan", "utf8"},
        {"0x10", "utf8"},
        {"1,5", "utf8"},
        {"2024-02-29|1969-12-31", "date32"},
        {"2023-02-29", "utf8"},
        {"2024-02-29T10:00:00|2024-02-29 10:00", "timestamp[us]"},
        {"2024-02-29T10:00:00Z|2024-02-29 10:00:00.25+01", "timestamp[us, UTC]"},
        {"2024-02-29T10:00:00Z|2024-02-29T10:00:00", "utf8"},
        {"2024-02-29|2024-02-29T10:00:00", "utf8"},
        {"9999-12-31T00:00:00Z", "utf8"},
        {"1|x", "utf8"},
        {" 1", "utf8"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_str_eq(guess(cases[i].words), cases[i].type, "%s: %s", cases[i].words,
                         guess(cases[i].words));
}

Test(text_type, texts_as_values)
{
    static const struct {
        const char *type, *text;
        int64_t value;
        bool fits;
    } cases[] = {
        {"bool", "1", 1, true},
        {"bool", "No", 0, true},
        {"bool", "2", 0, false},
        {"int64", "007", 7, true},
        {"int64", "+7", 7, true},
        {"int64", "-9223372036854775808", INT64_MIN, true},
        {"int64", "9223372036854775808", 0, false},
        {"int64", "-", 0, false},
        {"int64", "1.0", 0, false},
        {"date32", "1970-01-02", 1, true},
        {"date", "1969-12-31", -1, true},
        {"date32", "1970-1-2", 0, false},
        {"timestamp[s]", "1970-01-01T00:00:01.9", 1, true},
        {"timestamp[s]", "1969-12-31T23:59:59.5", -1, true},
        {"timestamp[ms]", "1970-01-01 00:00:01.9", 1900, true},
        {"timestamp[ns]", "1970-01-01T00:00:00.000000001", 1, true},
        {"timestamp[s]", "1970-01-01T00:00:01Z", 0, false},
        {"timestamp[us, UTC]", "1970-01-01T01:00:00+01:00", 0, true},
        {"timestamp[s, UTC]", "1970-01-01T00:00:01", 0, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text_type type;
        int64_t value = 0;
        cr_assert_eq(text_type_parse(text_of(cases[i].type), &type), 0);
        int rc = text_type_integer(type, text_of(cases[i].text), &value);
        cr_expect_eq(rc == 0, cases[i].fits, "%s as %s", cases[i].text, cases[i].type);
        cr_expect_eq(text_type_fits(type, text_of(cases[i].text)), cases[i].fits);
        if (rc == 0)
            cr_expect_eq(value, cases[i].value, "%s as %s", cases[i].text, cases[i].type);
    }
    struct text_type type;
    cr_expect_eq(text_type_parse(TEXT("int32"), &type), -1);
}

/* Whatever a number is printed as, it comes back exactly. */
Test(text_type, numbers_come_back_exactly)
{
    unsigned seed = 11;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)rand_r(&seed) << 42 ^ (uint64_t)rand_r(&seed) << 21 ^
                        (uint64_t)rand_r(&seed);
        double real, back;
        memcpy(&real, &bits, sizeof(real));
        char text[64];
        snprintf(text, sizeof(text), "%.17g", real);
        if (real - real == 0.0 && strcmp(text, "-0") != 0) {
            cr_assert_eq(text_type_real(text_of(text), &back), 0, "%s", text);
            cr_assert(real == back, "%s", text);
        }
        int64_t integer;
        snprintf(text, sizeof(text), "%lld", (long long)bits);
        cr_assert_eq(text_type_integer((struct text_type){.type = COLUMN_INT64},
                                       text_of(text), &integer),
                     0);
        cr_assert_eq(integer, (int64_t)bits);
    }
}
