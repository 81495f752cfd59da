#include "ingest/import/phone.h"

#include "base/check.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(phone, numbers_as_people_type_them)
{
    static const struct {
        const char *number, *region, *e164;
        enum phone_verdict verdict;
    } cases[] = {
        {"+393331234567", "IT", "+393331234567", PHONE_OK},
        {"+39 333 123-4567", NULL, "+393331234567", PHONE_OK},
        {"333 123 4567", "IT", "+393331234567", PHONE_OK},
        {"0039 333 1234567", "IT", "+393331234567", PHONE_OK},
        {"07911 123456", "GB", "+447911123456", PHONE_OK},
        {"+44 (0)7911 123456", "IT", "+447911123456", PHONE_OK},
        {"+12025550123", "IT", "+12025550123", PHONE_OK},
        {"+15550100123", NULL, "+15550100123", PHONE_OK}, /* a range nobody knows */
        {"+7 912 345 67 89", NULL, "+79123456789", PHONE_OK},
        {"333 123 4567 ext 5", "IT", "+393331234567", PHONE_OK},
        {"333 123 4567", NULL, "", PHONE_NO_COUNTRY},
        {"+999123456789", "IT", "", PHONE_NO_COUNTRY},
        {"+39 06 1234 5678", "IT", "", PHONE_NO_MOBILE},
        {"800 123456", "IT", "", PHONE_NO_MOBILE},
        {"+39347", "IT", "", PHONE_TOO_SHORT},
        {"33312345678901234567", "IT", "", PHONE_TOO_LONG},
        {"ask at the desk", "IT", "", PHONE_NO_NUMBER},
        {"", "IT", "", PHONE_NO_NUMBER},
        {"+39333\xff", "IT", "", PHONE_NO_NUMBER},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[PHONE_BYTES];
        enum phone_verdict verdict =
            phone_normalize(text_of(cases[i].number), cases[i].region, out);
        cr_expect_eq(verdict, cases[i].verdict, "%s: %d %s", cases[i].number, verdict,
                     out);
        cr_expect_str_eq(out, cases[i].e164, "%s: %s", cases[i].number, out);
    }
}

/* What comes out goes in again and stays the same; and the short way for E.164 agrees
 * with the long one, which a space in the middle forces. */
Test(phone, e164_is_a_fixed_point)
{
    static const char *const countries[] = {"+39333", "+4479",   "+33612", "+49151",
                                            "+1202",  "+390612", "+7912",  "+55119",
                                            "+34612", "+8190"};
    unsigned seed = 3, normal = 0;
    for (int i = 0; i < 4000; i++) {
        char number[40], spaced[40], out[PHONE_BYTES], again[PHONE_BYTES];
        int digits = 5 + rand_r(&seed) % 4, limit = 1;
        for (int d = 0; d < digits; d++)
            limit *= 10;
        const char *country = countries[(size_t)i % ARRAY_COUNT(countries)];
        int rest = rand_r(&seed) % limit;
        snprintf(number, sizeof(number), "%s%0*d", country, digits, rest);
        snprintf(spaced, sizeof(spaced), "%s %0*d", country, digits, rest);
        enum phone_verdict verdict = phone_normalize(text_of(number), NULL, out);
        cr_assert_eq(phone_normalize(text_of(spaced), NULL, again), verdict, "%s",
                     number);
        cr_assert_str_eq(again, out, "%s", number);
        if (verdict != PHONE_OK)
            continue;
        normal++;
        cr_assert_eq(phone_normalize(text_of(out), NULL, again), PHONE_OK);
        cr_assert_str_eq(again, out);
    }
    cr_expect_gt(normal, 500u);
}

Test(phone, regions)
{
    cr_expect(phone_region_exists("IT") && phone_region_exists("US"));
    cr_expect(!phone_region_exists("it") && !phone_region_exists("XX") &&
              !phone_region_exists(""));
}
