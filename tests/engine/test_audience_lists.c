/* The language over lists, short and long. */
#include "tests/engine/audience_customers.h"

Test(audience, lists)
{
    static const struct expected cases[] = {
        {"'vip' = ANY(tags)", "1 2"},
        {"NOT 'vip' = ANY(tags)", "3 4 6 8"}, /* 5 and 7 hold a null: unknown */
        {"('vip' = ANY(tags)) IS UNKNOWN", "5 7"},
        {"('vip' = ANY(tags)) IS NOT TRUE", "3 4 5 6 7 8"},
        {"'vip' = SOME (tags)", "1 2"},
        {"'vip' <> ANY(tags)", "1 5 6 8"},
        {"'vip' = ALL(tags)", "3 4"},
        {"'vip' <> ALL(tags)", "3 4 6 8"},
        {"'new' <= ANY(tags)", "1 2 5 6"},
        {"NULL = ANY(tags)", ""},
        {"(NULL = ANY(tags)) IS FALSE", "3 4"},
        {"'vip' IN (SELECT value FROM tags)", "1 2"},
        {"'vip' NOT IN (SELECT value FROM tags)", "3 4 6 8"},
        {"'vip' NOT IN (SELECT value FROM tags WHERE value IS NOT NULL)", "3 4 5 6 7 8"},
        {"EXISTS (SELECT 1 FROM tags)", "1 2 5 6 7 8"},
        {"NOT EXISTS (SELECT 1 FROM tags)", "3 4"},
        {"tags IS NULL", "3"},
        {"EXISTS (SELECT 1 FROM tags WHERE value ILIKE 'vip')", "1 2 8"},
        {"EXISTS (SELECT * FROM tags WHERE value IS NULL)", "2 5 7"},
        {"(SELECT count(*) FROM tags) = 2", "1 2"},
        {"(SELECT count(value) FROM tags) = 1", "2 6 8"},
        {"(SELECT count(*) FROM tags) > (SELECT count(value) FROM tags)", "2 5 7"},
        {"(SELECT min(value) FROM tags) = 'new'", "1 5"},
        {"(SELECT max(value) FROM tags) = 'vip'", "1 2"},
        {"(SELECT max(value) FROM tags) IS NULL", "3 4 7"},
        {"first_name = ANY(tags)", ""},
        {"EXISTS (SELECT 1 FROM visits WHERE class_type = 'Yoga')", "1 5 8"},
        {"NOT EXISTS (SELECT 1 FROM visits WHERE class_type = 'Yoga')", "2 3 4 6 7"},
        {"EXISTS (SELECT 1 FROM visits WHERE visits.class_type = 'Spin' AND visits.price "
         ">= 30)",
         "1"},
        {"EXISTS (SELECT 1 FROM visits v WHERE v.class_type IS NULL)", "1"},
        {"EXISTS (SELECT 1 FROM visits AS v WHERE v.price > customers.age)", ""},
        {"EXISTS (SELECT 1 FROM visits WHERE price + 6 = customers.age)", "1"},
        {"EXISTS (SELECT 1 FROM visits WHERE customers.verified AND price IS NULL)", "1"},
        {"(SELECT count(*) FROM visits) >= 2", "1 5"},
        {"(SELECT count(*) FROM visits) = 0", "3 4 6 7"},
        {"(SELECT count(price) FROM visits) = 3", "1"},
        {"(SELECT count(*) FROM visits WHERE class_type = 'Yoga' AND "
         "at >= CURRENT_DATE - INTERVAL '30 days') >= 1",
         "1 5"},
        {"(SELECT sum(price) FROM visits) = 60", "1"},
        {"(SELECT sum(price) FROM visits) IS NULL", "3 4 5 6 7"},
        {"(SELECT avg(price) FROM visits) = 20", "1"},
        {"(SELECT avg(price + 1) FROM visits) BETWEEN 5 AND 8.5", "2 8"},
        {"(SELECT min(price) FROM visits) < (SELECT max(price) FROM visits)", "1"},
        {"(SELECT max(at) FROM visits) >= CURRENT_DATE - INTERVAL '1 day'", "1"},
        {"(SELECT max(at) FROM visits WHERE class_type = 'Yoga') < DATE '2026-01-01'",
         "8"},
        {"coalesce((SELECT sum(price) FROM visits), 0) = 0", "3 4 5 6 7"},
        {"5 > ALL (SELECT price FROM visits)", "3 4 6 7"},
        {"5 <= ALL (SELECT price FROM visits WHERE price IS NOT NULL)",
         "1 2 3 4 5 6 7 8"},
        {"age = 36 AND EXISTS (SELECT 1 FROM visits WHERE EXISTS (SELECT 1 FROM tags "
         "WHERE "
         "value = 'new' AND visits.price = 30))",
         "1"},
        {"EXISTS (SELECT 1 FROM visits WHERE 'vip' = ANY(customers.tags))", "1 2"},
        {"EXISTS (SELECT 1 FROM visits WHERE audience('adults'))", "1 5 8"},
        {"(SELECT count(*) FROM tags WHERE customers.tags IS NULL) = 0",
         "1 2 3 4 5 6 7 8"},
        {"(SELECT count(value = 'vip') FROM tags) = 2", "1 5"},
    };
    CHECK_CASES(cases, "Europe/Rome");
}

/* Lists that fill many pieces, end on their borders, and go on over them. */
Test(audience, long_lists)
{
    static const int32_t counts[] = {4096, 1, 0, 64, 10000, 63, 8192, 5, 20000, 3};
    enum { ROWS = ARRAY_COUNT(counts) };
    struct table t = {.rows = ROWS, .seed = 3};
    int32_t total = 0, offsets[ROWS + 1] = {0};
    for (int r = 0; r < ROWS; r++)
        offsets[r + 1] = total += counts[r];
    void *values;
    struct column child = table_fixed(&t, "item", COLUMN_INT32, total, 4, &values, 0);
    for (int32_t e = 0; e < total; e++)
        ((int32_t *)values)[e] = (int32_t)table_below(&t, 100);
    t.columns[0] = (struct column){.name = "n",
                                   .type = COLUMN_LIST,
                                   .rows = ROWS,
                                   .offsets = offsets,
                                   .child_count = 1};
    table_child(&t, &t.columns[0], child);
    t.count = 1;
    for (int r = 0; r < ROWS; r++) {
        int64_t sum = 0, low = 100, over = 0;
        for (int32_t e = offsets[r]; e < offsets[r + 1]; e++) {
            int32_t v = ((int32_t *)values)[e];
            sum += v;
            low = v < low ? v : low;
            over += v >= 50;
        }
        char expression[256];
        snprintf(expression, sizeof(expression),
                 "(SELECT count(*) FROM n) = %d AND (SELECT count(*) FROM n WHERE value "
                 ">= 50) = %lld AND "
                 "coalesce((SELECT sum(value) FROM n), 0) = %lld AND coalesce((SELECT "
                 "min(value) FROM n), "
                 "100) = %lld AND %s %d = ANY(n)",
                 counts[r], (long long)over, (long long)sum, (long long)low,
                 counts[r] ? "" : "NOT",
                 counts[r] ? ((int32_t *)values)[offsets[r + 1] - 1] : 1);
        struct audience_env env = {0};
        struct audience *audience;
        struct error err = {0};
        cr_assert_eq(
            audience_compile(text_of(expression), t.columns, 1, &env, &audience, &err), 0,
            "%s", err.text);
        struct audience_scratch *scratch = audience_scratch_create(audience);
        struct chunk chunk = {.columns = t.columns, .column_count = 1, .rows = ROWS};
        uint64_t selected;
        audience_select(audience, scratch, &chunk, &selected);
        cr_assert(selected >> r & 1, "row %d: %s", r, expression);
        audience_scratch_destroy(&scratch);
        audience_destroy(&audience);
    }
    table_free(&t);
}
