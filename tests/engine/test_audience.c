/* The language, case by case, over a table small enough to check by hand. */
#include "tests/engine/audience_customers.h"

Test(audience, conditions)
{
    static const struct expected cases[] = {
        {"", "1 2 3 4 5 6 7 8"},
        {" \n\t ", "1 2 3 4 5 6 7 8"},
        {"TRUE", "1 2 3 4 5 6 7 8"},
        {"FALSE", ""},
        {"NULL", ""},
        {"NOT NULL", ""},
        {"verified", "1 4 6 8"},
        {"NOT verified", "2 5"},
        {"verified = FALSE", "2 5"},
        {"verified <> TRUE", "2 5"},
        {"verified = 'yes'", "1 4 6 8"},
        {"verified IS NULL", "3 7"},
        {"verified IS NOT NULL", "1 2 4 5 6 8"},
        {"verified IS TRUE", "1 4 6 8"},
        {"verified IS NOT TRUE", "2 3 5 7"},
        {"verified IS FALSE", "2 5"},
        {"verified IS NOT FALSE", "1 3 4 6 7 8"},
        {"verified IS UNKNOWN", "3 7"},
        {"verified IS DISTINCT FROM TRUE", "2 3 5 7"},
        {"verified IS NOT DISTINCT FROM NULL", "3 7"},
        {"verified AND age > 30", "1 4 8"},
        {"verified OR age > 20", "1 4 5 6 8"},
        {"NOT (verified OR age > 20)", "2"},
        {"NOT (verified AND age > 30)", "2 5 6 7"},
        {"(verified AND age > 30) IS UNKNOWN", "3"},
        {"age IS NULL OR verified", "1 3 4 6 8"},
        {"verified -- the rest is a comment ' \" (\n AND age < 40", "1 6"},
        {"VERIFIED and Status = 'active'", "1 8"},
        {"customers.verified", "1 4 6 8"},
        {"\"verified\"", "1 4 6 8"},
        {"address.\"City Name\" = 'frozen'", "3 7"},
        {"empty IS NULL", "1 2 3 4 5 6 7 8"},
        {"empty = 5", ""},
        {"coalesce(verified, TRUE)", "1 3 4 6 7 8"},
        {"1 = 1 AND 'a' < 'b' AND 2.50 = 2.5", "1 2 3 4 5 6 7 8"},
        {"TRUE OR FALSE AND FALSE", "1 2 3 4 5 6 7 8"},
        {"NOT TRUE OR TRUE", "1 2 3 4 5 6 7 8"},
        {"age = 36 IS TRUE", "1"},
    };
    CHECK_CASES(cases, "UTC");
}

Test(audience, numbers)
{
    static const struct expected cases[] = {
        {"age = 36", "1"},
        {"36 = age", "1"},
        {"20 < age", "1 4 5 8"},
        {"age <> 36", "2 4 5 6 7 8"},
        {"age != 36", "2 4 5 6 7 8"},
        {"age < 0", "7"},
        {"age <= 0", "6 7"},
        {"age >= 127", "8"},
        {"age > 127", ""},
        {"age < 128", "1 2 4 5 6 7 8"},
        {"age < 99999999999999999999999999999999999999999999", "1 2 4 5 6 7 8"},
        {"age > -1e40", "1 2 4 5 6 7 8"},
        {"age = 36.0", "1"},
        {"age = 36.5", ""},
        {"age <> 36.5", "1 2 4 5 6 7 8"},
        {"age > 35.5 AND age < 36.5", "1"},
        {"age BETWEEN 17 AND 36", "1 2 5"},
        {"age NOT BETWEEN 17 AND 36", "4 6 7 8"},
        {"age BETWEEN 36 AND 17", ""},
        {"age BETWEEN 1 AND NULL", ""},
        {"age NOT BETWEEN 1 AND NULL", "6 7"},
        {"age IN (36, 17, 99)", "1 2"},
        {"age NOT IN (36, 17, 99)", "4 5 6 7 8"},
        {"age IN (36, NULL)", "1"},
        {"age NOT IN (36, NULL)", ""},
        {"age IN (1, 2, 3, 4, 36, 17, 127, 300, -5, 36)", "1 2 7 8"},
        {"age IN (36.5, 17.0)", "2"},
        {"age = '36'", "1"},
        {"age IS DISTINCT FROM 36", "2 3 4 5 6 7 8"},
        {"age IS NOT DISTINCT FROM 36", "1"},
        {"age IS DISTINCT FROM NULL", "1 2 4 5 6 7 8"},
        {"huge = 9223372036854775807", "1"},
        {"huge > 9223372036854775806", "1"},
        {"huge > 9223372036854775807", ""},
        {"huge < 9223372036854775808", "1 2 3 4 5 6 8"},
        {"huge = -9223372036854775808", "2"},
        {"huge > 9007199254740992", "1 5"},
        {"huge = 9007199254740992", ""},
        {"huge > 9007199254740992.5", "1 5"},
        {"unsigned = 18446744073709551615", "2"},
        {"unsigned > 9223372036854775807", "2"},
        {"unsigned < 18446744073709551616", "1 2 3 5 6 7 8"},
        {"unsigned > huge", "2 3 6 8"},
        {"unsigned + 1 = 18446744073709551616", "2"},
        {"age + 1 = 37", "1"},
        {"age * 2 > 100", "4 8"},
        {"-age = 5", "7"},
        {"- -age = 36", "1"},
        {"age - 6 * 5 = 6", "1"},
        {"(age - 6) * 5 = 150", "1"},
        {"age / 10 = 3", "1"},
        {"age / 10.0 = 3.6", "1"},
        {"age / 1e1 = 3.6", "1"},
        {"-7 / 2 = -3 AND -7 % 2 = -1", "1 2 3 4 5 6 7 8"},
        {"age % 2 = 0", "1 4 6"},
        {"36 / age = 1", "1 5"},
        {"(1 / age) IS NULL", "3 6"},
        {"(1 % age) IS NULL", "3 6"},
        {"(huge + 1) IS NULL", "1 7"},
        {"(huge - 1) IS NULL", "2 7"},
        {"(huge * 2) IS NULL", "1 2 7"},
        {"(-huge) IS NULL", "2 7"},
        {"balance = 9.99", "2"},
        {"balance > 9.989999", "2 3 4 5 6 7 8"},
        {"balance < 9.991 AND balance > 9.985", "2"},
        {"balance = 19.98000", "3"},
        {"balance * 2 = 19.98", "2"},
        {"balance + 0.01 = 10", "2"},
        {"balance > age", "5 6 7"},
        {"score = 1.5", "1"},
        {"score = 'NaN'", "2"},
        {"score > 'Infinity'", "2"},
        {"score >= 3", "2 5 8"},
        {"score < 'NaN'", "1 3 4 5 6 7 8"},
        {"score = 0", "3 4"},
        {"score <> 0", "1 2 5 6 7 8"},
        {"score BETWEEN 0 AND 2.5", "1 3 4 6"},
        {"score BETWEEN 'NaN' AND 'Infinity'", ""},
        {"score IN ('NaN', 3)", "2 8"},
        {"score > age", "2 5 6"},
        {"score = score", "1 2 3 4 5 6 7 8"},
        {"length(first_name) = 3", "1 2 3 8"},
        {"length(first_name) = 6", "5"},
        {"coalesce(age, 18) = 18", "3"},
    };
    CHECK_CASES(cases, "UTC");
}

Test(audience, texts)
{
    static const struct expected cases[] = {
        {"first_name = 'Ada'", "1"},
        {"first_name = ''", "6"},
        {"first_name <> 'Ada'", "2 3 5 6 7 8"},
        {"first_name < 'Bob'", "1 6 7"},
        {"first_name >= 'Zoë'", "3 5 8"},
        {"first_name > 'Ada' AND first_name < 'ada'", "2 8"},
        {"first_name BETWEEN 'A' AND 'C'", "1 2"},
        {"first_name IN ('Ada', 'Zoë')", "1 8"},
        {"first_name NOT IN ('Ada', 'Zoë', NULL)", ""},
        {"first_name IS NULL", "4"},
        {"first_name LIKE 'A%'", "1"},
        {"first_name LIKE '%a'", "1 3"},
        {"first_name LIKE '%d%'", "1 3 5"},
        {"first_name LIKE '_da'", "1 3"},
        {"first_name LIKE '___'", "1 2 3 8"},
        {"first_name LIKE '%'", "1 2 3 5 6 7 8"},
        {"first_name NOT LIKE '%a%'", "2 5 6 7 8"},
        {"first_name LIKE '100!%' ESCAPE '!'", "7"},
        {"first_name LIKE '%!%' ESCAPE '!'", "7"},
        {"first_name LIKE '100\\%'", ""},
        {"first_name LIKE '100\\%' ESCAPE '\\'", "7"},
        {"first_name ILIKE 'ADA'", "1 3"},
        {"first_name ILIKE 'éL%'", "5"},
        {"first_name ILIKE 'zO_'", "8"},
        {"first_name LIKE first_name", "1 2 3 5 6 7 8"},
        {"first_name LIKE NULL", ""},
        {"lower(first_name) = 'élodie'", "5"},
        {"upper(first_name) = 'ZOË'", "8"},
        {"coalesce(first_name, status) = 'expired'", "4"},
        {"coalesce(first_name, 'nobody') = 'nobody'", "4"},
        {"status = 'active'", "1 2 5 8"},
        {"status = 'it''s'", ""},
        {"'Straße' ILIKE 'STRAẞE'", "1 2 3 4 5 6 7 8"},
        {"'ΟΔΟΣ' ILIKE 'οδος'", "1 2 3 4 5 6 7 8"},
        {"'😀' LIKE '_' AND '😀é' NOT LIKE '_'", "1 2 3 4 5 6 7 8"},
        {"first_name <> status", "1 2 3 5 7 8"},
    };
    CHECK_CASES(cases, "UTC");
}

/* The clock stands at 2026-11-23 09:30 UTC, 10:30 in Rome. */
Test(audience, times)
{
    static const struct expected cases[] = {
        {"joined = DATE '2026-11-23'", "2"},
        {"joined = '2026-11-23'", "2"},
        {"joined >= CURRENT_DATE", "2 3 7"},
        {"joined > CURRENT_DATE", "3 7"},
        {"joined < CURRENT_TIMESTAMP", "1 2 5 6 8"},
        {"joined >= NOW()", "3 7"},
        {"joined >= CURRENT_DATE - INTERVAL '30 days'", "1 2 3 7 8"},
        {"joined BETWEEN DATE '2026-10-31' AND DATE '2026-11-01'", "1 8"},
        {"joined = DATE '2026-03-31' - INTERVAL '1 month' - INTERVAL '1 year'", "5"},
        {"joined = DATE '2024-01-31' + INTERVAL '1 month'", "6"},
        {"joined + INTERVAL '1 day' = DATE '2026-11-24'", "2"},
        {"joined + INTERVAL '1 year' = DATE '2025-02-28'", "6"},
        {"joined + 1 = CURRENT_DATE + 1", "2"},
        {"CURRENT_DATE - joined = 22", "1"},
        {"joined IN ('2026-11-01', '2025-02-28')", "1 5"},
        {"joined > TIMESTAMP '2026-11-22 23:59:59'", "2 3 7"},
        {"joined = TIMESTAMP '2026-11-23 00:00:01'", ""},
        {"joined < '9999-12-31'", "1 2 3 5 6 8"},
        {"seen_at < TIMESTAMP '9999-12-31 00:00:00'", "1 2 3 5 6 7 8"},
        {"seen_at < CURRENT_TIMESTAMP", "1 2 3 5 6"},
        {"seen_at >= CURRENT_DATE", "1 2 7 8"}, /* midnight in Rome is 23:00 UTC */
        {"seen_at >= DATE '2026-11-23' AND seen_at < DATE '2026-11-24'", "1 2"},
        {"seen_at >= '2026-11-23'", "1 2 7 8"},
        {"seen_at = TIMESTAMP '2026-11-23 09:00:00'", "1"},
        {"seen_at = TIMESTAMP '2026-11-23 08:00:00Z'", "1"},
        {"seen_at = TIMESTAMP '2026-11-23T03:00:00-05:00'", "1"},
        {"seen_at = '2026-11-23 08:00:00+00:00'", "1"},
        {"seen_at > CURRENT_TIMESTAMP - INTERVAL '90 minutes'", "7 8"},
        {"seen_at > CURRENT_TIMESTAMP - INTERVAL '90 minutes 1 second'", "1 7 8"},
        {"seen_at >= CURRENT_DATE - INTERVAL '4 weeks'", "1 2 3 7 8"},
        {"seen_at >= CURRENT_DATE - INTERVAL '29 days'", "1 2 3 5 6 7 8"},
        {"seen_at < CURRENT_DATE + INTERVAL '1 month 2 days'", "1 2 3 5 6 7 8"},
        {"seen_at < CURRENT_DATE + INTERVAL '1' MONTH", "1 2 3 5 6 7"},
        {"seen_at + INTERVAL '1 day' > CURRENT_TIMESTAMP", "1 2 3 7 8"},
        {"local_at < CURRENT_TIMESTAMP", "1 2 3 5 6"}, /* 10:30 on the wall */
        {"local_at < TIMESTAMP '2026-11-23 08:00:00'", "2 3 5 6"},
        {"local_at >= CURRENT_DATE", "1 7 8"},
        {"local_at = seen_at", ""},
        {"local_at + INTERVAL '1 hour' = seen_at", "1 2 3 6 7 8"},
        {"local_at + INTERVAL '2 hours' = seen_at", "5"},
        {"joined = seen_at", "2"},
        {"joined < seen_at", "1 5 6 8"},
        {"seen_at BETWEEN DATE '2026-11-23' AND CURRENT_TIMESTAMP", "1 2"},
        {"seen_at IN (TIMESTAMP '2026-11-23 00:00:00', NULL)", "2"},
        {"coalesce(seen_at, CURRENT_TIMESTAMP) = NOW()", "4"},
        {"CURRENT_DATE = DATE '2026-11-23' AND CURRENT_TIMESTAMP = TIMESTAMP '2026-11-23 "
         "10:30'",
         "1 2 3 4 5 6 7 8"},
        {"INTERVAL '1 day' + CURRENT_DATE = DATE '2026-11-24'", "1 2 3 4 5 6 7 8"},
    };
    CHECK_CASES(cases, "Europe/Rome");
}

Test(audience, parameters_and_saved_audiences)
{
    static const struct expected cases[] = {
        {"status = :plan", "1 2 5 8"},
        {"joined >= :since", "1 2 3 7"},
        {"seen_at >= :since", "1 2 3 7 8"},
        {"age < :limit", "2 5 6 7"},
        {"score = :half", "6"},
        {"verified = :yes", "1 4 6 8"},
        {":yes", "1 2 3 4 5 6 7 8"},
        {"age = :nothing", ""},
        {"age + :limit = 66", "1"},
        {"audience('adults')", "1 4 5 8"},
        {"NOT audience('adults')", "2 6 7"},
        {"audience('adult vips')", "1"},
        {"audience('blank') AND verified", "1 4 6 8"},
    };
    CHECK_CASES(cases, "UTC");
}

Test(audience, needed_columns)
{
    struct table t;
    customers_make(&t);
    struct audience_env env = {.saved = customers_saved};
    struct audience *audience;
    cr_assert(
        audience_compile(
            TEXT("age > 3 AND EXISTS (SELECT 1 FROM visits WHERE customers.status = "
                 "class_type) OR audience('adult vips') OR address IS NULL"),
            t.columns, t.count, &env, &audience, NULL) == 0);
    uint64_t needed = 1; /* bits of others stay */
    audience_columns(audience, &needed);
    static const char *const wanted[] = {"id",     "age",  "status",
                                         "visits", "tags", "address"};
    for (size_t c = 0; c < t.count; c++) {
        bool listed = false;
        for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
            listed = listed || strcmp(t.columns[c].name, wanted[i]) == 0;
        cr_expect_eq(needed >> c & 1, listed, "%s", t.columns[c].name);
    }
    audience_destroy(&audience);
    table_free(&t);
}
