/* The language, case by case, over a table small enough to check by hand. */
#include "engine/audience/audience.h"

#include "base/buffer.h"
#include "tests/engine/audience_table.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NONE (INT64_MIN + 1) /* a null */

/* --- eight customers -------------------------------------------------------------------- */

static const char *const names[] = {"Ada",    "Bob", "ada",  NULL,
                                    "Élodie", "",    "100%", "Zoë"};
static const char *const statuses[] = {"active", "active", "frozen", "expired",
                                       "active", NULL,     "frozen", "active"};
static const int64_t ages[] = {36, 17, NONE, 52, 29, 0, -5, 127};
static const double scores[] = {1.5, NAN, 0.0, -0.0, INFINITY, 2.5, -INFINITY, 3.0};
static const int flags[] = {1, 0, -1, 1, 0, 1, -1, 1}; /* -1: null */
/* 2026-11-01 … 2026-11-30 and beyond */
static const char *const joined[] = {"2026-11-01", "2026-11-23", "2026-11-24",
                                     NULL,         "2025-02-28", "2024-02-29",
                                     "9999-12-31", "2026-10-31"};
static const char *const seen[] = {"2026-11-23T08:00:00Z", "2026-11-22T23:00:00Z",
                                   "2026-11-22T22:59:59Z", NULL,
                                   "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
                                   "2026-11-23T23:00:00Z", "2026-12-24T18:00:00Z"};
static const char *const tags[] = {"vip,new",   "vip,?", NULL, "",
                                   "new,?,old", "old",   "?",  "VIP"};

static struct column text_column(struct table *t, const char *name,
                                 const char *const *values, int64_t rows)
{
    struct text texts[64];
    for (int64_t r = 0; r < rows; r++)
        texts[r] = text_of(values[r]);
    return table_texts(t, name, COLUMN_UTF8, rows, texts);
}

static uint64_t *validity_for(struct table *t, struct column *c)
{
    if (!c->validity) {
        uint64_t *map = table_alloc(t, bitmap_words((size_t)c->rows) * 8);
        bitmap_fill(map, (size_t)c->rows);
        c->validity = map;
    }
    return (uint64_t *)(uintptr_t)c->validity;
}

static struct column number_column(struct table *t, const char *name,
                                   enum column_type type, size_t width,
                                   const int64_t *numbers, int64_t rows)
{
    void *values;
    struct column c = table_fixed(t, name, type, rows, width, &values, 0);
    for (int64_t r = 0; r < rows; r++) {
        memcpy((char *)values + (size_t)r * width, &numbers[r], width);
        if (numbers[r] == NONE)
            bitmap_clear(validity_for(t, &c), (size_t)r);
    }
    return c;
}

static struct column flag_column(struct table *t, const char *name, const int *values)
{
    uint64_t *bits = table_alloc(t, 8);
    struct column c = {.name = name, .type = COLUMN_BOOL, .rows = 8, .values = bits};
    *bits = 0;
    for (size_t r = 0; r < 8; r++) {
        if (values[r] > 0)
            bitmap_set(bits, r);
        if (values[r] < 0)
            bitmap_clear(validity_for(t, &c), r);
    }
    return c;
}

static struct column date_column(struct table *t, const char *name,
                                 const char *const *dates, int64_t rows)
{
    int64_t days[64];
    for (int64_t r = 0; r < rows; r++) {
        int32_t day = 0;
        cr_assert(!dates[r] || clock_parse_date(text_of(dates[r]), &day) == 0);
        days[r] = dates[r] ? day : NONE;
    }
    return number_column(t, name, COLUMN_DATE32, 4, days, rows);
}

static struct column time_column(struct table *t, const char *name,
                                 const char *const *times, int64_t rows, const char *zone)
{
    int64_t us[64];
    for (int64_t r = 0; r < rows; r++) {
        int64_t ns = 0;
        bool has_offset;
        cr_assert(!times[r] || clock_parse(text_of(times[r]), &ns, &has_offset) == 0);
        us[r] = times[r] ? ns / 1000 : NONE;
    }
    struct column c = number_column(t, name, COLUMN_TIMESTAMP, 8, us, rows);
    c.unit = COLUMN_MICROSECONDS;
    c.timezone = zone;
    return c;
}

static struct column list_of(struct table *t, const char *name, int64_t rows,
                             const int32_t *counts, struct column child)
{
    int32_t *offsets = table_alloc(t, ((size_t)rows + 1) * 4);
    struct column c = {.name = name,
                       .type = COLUMN_LIST,
                       .rows = rows,
                       .offsets = offsets,
                       .child_count = 1};
    offsets[0] = 0;
    for (int64_t r = 0; r < rows; r++) {
        offsets[r + 1] = offsets[r] + (counts[r] < 0 ? 0 : counts[r]);
        if (counts[r] < 0)
            bitmap_clear(validity_for(t, &c), (size_t)r);
    }
    table_child(t, &c, child);
    return c;
}

/* tag_column: comma-separated tags, `?` is a null one, NULL a null list, "" an empty one. */
static struct column tag_column(struct table *t, const char *name)
{
    const char *items[64];
    int32_t counts[8];
    size_t count = 0;
    static char copies[8][32];
    for (size_t r = 0; r < 8; r++) {
        counts[r] = tags[r] ? 0 : -1;
        if (!tags[r])
            continue;
        snprintf(copies[r], sizeof(copies[r]), "%s", tags[r]);
        for (char *tag = strtok(copies[r], ","); tag; tag = strtok(NULL, ",")) {
            items[count++] = strcmp(tag, "?") == 0 ? NULL : tag;
            counts[r]++;
        }
    }
    return list_of(t, name, 8, counts, text_column(t, "item", items, (int64_t)count));
}

/* visits: four of customer 1, one of 2, two of 5, one of 8; 3 has a null list. */
static struct column visit_column(struct table *t, const char *name)
{
    static const int32_t counts[] = {4, 1, -1, 0, 2, 0, 0, 1};
    static const char *const types[] = {"Yoga", "Yoga", "Spin", NULL,
                                        "Spin", "Yoga", "Yoga", "Yoga"};
    static const char *const at[] = {"2026-11-20T10:00:00Z",
                                     "2026-10-20T10:00:00Z",
                                     "2026-11-21T10:00:00Z",
                                     "2026-11-22T10:00:00Z",
                                     "2026-11-01T10:00:00Z",
                                     "2026-10-23T23:00:00Z",
                                     NULL,
                                     "2020-01-01T00:00:00Z"};
    static const int64_t prices[] = {10, 20, 30, NONE, 5, NONE, NONE, 7};
    struct column fields[] = {text_column(t, "class_type", types, 8),
                              time_column(t, "at", at, 8, "UTC"),
                              number_column(t, "price", COLUMN_INT16, 2, prices, 8)};
    return list_of(t, name, 8, counts, table_struct(t, "item", 8, fields, 3, 0));
}

static void make_customers(struct table *t)
{
    *t = (struct table){.rows = 8, .seed = 1};
    static const int64_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const int64_t huge[] = {INT64_MAX,        INT64_MIN, -1,   0,
                                   9007199254740993, 5,         NONE, 1};
    static const int64_t wraps[] = {0, -1 /* 2^64 - 1 */, 1, NONE, 5, 6, 7, 8};
    struct column *c = t->columns;
    size_t n = 0;
    void *values;
    c[n++] = number_column(t, "id", COLUMN_INT64, 8, ids, 8);
    c[n++] = text_column(t, "first_name", names, 8);
    c[n++] = text_column(t, "status", statuses, 8);
    c[n++] = number_column(t, "age", COLUMN_INT8, 1, ages, 8);
    c[n++] = number_column(t, "huge", COLUMN_INT64, 8, huge, 8);
    c[n++] = number_column(t, "unsigned", COLUMN_UINT64, 8, wraps, 8);
    c[n] = table_fixed(t, "score", COLUMN_FLOAT64, 8, 8, &values, 0);
    memcpy(values, scores, sizeof(scores));
    n++;
    c[n] = table_fixed(t, "balance", COLUMN_DECIMAL128, 8, 16, &values, 0);
    c[n++].scale = 2;
    for (int r = 0; r < 8; r++)
        ((__int128 *)values)[r] = 999 * r; /* 0.00, 9.99, 19.98, … */
    c[n++] = flag_column(t, "verified", flags);
    c[n++] = date_column(t, "joined", joined, 8);
    c[n++] = time_column(t, "seen_at", seen, 8, "Europe/Rome");
    c[n++] = time_column(t, "local_at", seen, 8, NULL);
    c[n++] = tag_column(t, "tags");
    c[n++] = visit_column(t, "visits");
    struct column address[] = {text_column(t, "City Name", statuses, 8)};
    c[n++] = table_struct(t, "address", 8, address, 1, 0);
    c[n++] = (struct column){
        .name = "blob", .type = COLUMN_UNSUPPORTED, .rows = 8, .type_name = "binary"};
    c[n++] = (struct column){.name = "empty", .type = COLUMN_NULL, .rows = 8};
    t->count = n;
}

/* --- running ---------------------------------------------------------------------------- */

static struct text saved(void *arg, struct text name)
{
    (void)arg;
    if (text_is(name, "adults"))
        return TEXT("age >= 18");
    if (text_is(name, "adult vips"))
        return TEXT("audience('adults') AND 'vip' = ANY(tags)");
    if (text_is(name, "blank"))
        return TEXT("  ");
    if (text_is(name, "loop"))
        return TEXT("verified OR audience('loop two')");
    if (text_is(name, "loop two"))
        return TEXT("NOT audience('loop')");
    if (text_is(name, "broken"))
        return TEXT("age >= 18 AND\nstatsu = 'active'");
    return TEXT_NONE;
}

static const struct audience_param params[] = {
    {TEXT("plan"), TEXT("active"), AUDIENCE_TEXT},
    {TEXT("since"), TEXT("2026-11-01"), AUDIENCE_TEXT},
    {TEXT("limit"), TEXT("30"), AUDIENCE_INTEGER},
    {TEXT("half"), TEXT("2.5"), AUDIENCE_REAL},
    {TEXT("yes"), TEXT("true"), AUDIENCE_BOOL},
    {TEXT("nothing"), TEXT(""), AUDIENCE_NULL},
};

/* ids: "1 2 5" for the rows an expression selects, or the error's text. */
static void ids(struct table *t, const char *expression, const struct tzif *zone,
                char *out, size_t out_bytes)
{
    int64_t now_ns;
    bool has_offset;
    cr_assert(clock_parse(TEXT("2026-11-23T09:30:00Z"), &now_ns, &has_offset) == 0);
    struct audience_env env = {.now_ns = now_ns,
                               .zone = zone,
                               .params = params,
                               .param_count = ARRAY_COUNT(params),
                               .saved = saved};
    struct audience *audience;
    struct error err = {0};
    int code = audience_compile(text_of(expression), t->columns, t->count, &env,
                                &audience, &err);
    if (code) {
        cr_assert_eq(code, -ERROR_INPUT);
        cr_assert(audience == NULL);
        snprintf(out, out_bytes, "%s", err.text);
        return;
    }
    struct audience_scratch *scratch = audience_scratch_create(audience);
    struct chunk chunk = {
        .columns = t->columns, .column_count = t->count, .rows = (uint32_t)t->rows};
    uint64_t selected = 0xA5A5A5A5A5A5A5A5;
    audience_select(audience, scratch, &chunk, &selected);
    cr_assert_eq(selected >> 8, 0, "bits behind the last row: %s", expression);
    size_t used = 0;
    out[0] = '\0';
    for (unsigned r = 0; r < 8; r++) {
        if (selected >> r & 1)
            used += (size_t)snprintf(out + used, out_bytes - used, "%s%u",
                                     used ? " " : "", r + 1);
    }
    audience_scratch_destroy(&scratch);
    audience_destroy(&audience);
}

struct expected {
    const char *expression;
    const char *ids;
};

static void check(const struct expected *cases, size_t count, const char *zone_name)
{
    struct table t;
    struct tzif *zone;
    make_customers(&t);
    cr_assert(tzif_open(text_of(zone_name), &zone, NULL) == 0);
    for (size_t i = 0; i < count; i++) {
        char found[512];
        ids(&t, cases[i].expression, zone, found, sizeof(found));
        cr_expect(strcmp(found, cases[i].ids) == 0, "%s\n  wanted %s\n  found  %s",
                  cases[i].expression, cases[i].ids, found);
    }
    tzif_close(&zone);
    table_free(&t);
}

#define CHECK_CASES(cases, zone) check(cases, ARRAY_COUNT(cases), zone)

/* --- the language ----------------------------------------------------------------------- */

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

/* --- complaints ------------------------------------------------------------------------- */

Test(audience, complaints)
{
    static const struct expected cases[] = {
        {"frist_name = 'Ada'",
         "where, line 1: unknown column \"frist_name\" (did you mean "
         "\"first_name\"?)\nfrist_name = 'Ada'\n^"},
        {"age > 18\n  AND statsu = 'active'",
         "where, line 2: unknown column \"statsu\" (did you mean "
         "\"status\"?)\n  AND statsu = 'active'\n      ^"},
        {"'é' = first_name AND x",
         "where, line 1: unknown column \"x\"\n'é' = first_name AND x\n"
         "                     ^"},
        {"status = 5",
         "where, line 1: cannot compare text with a number\nstatus = 5\n       ^"},
        {"age = 'young'",
         "where, line 1: 'young' is not a number\nage = 'young'\n      ^"},
        {"joined > '2026-13-01'",
         "where, line 1: '2026-13-01' is not a date (write it like "
         "'2026-11-21')\njoined > '2026-13-01'\n         ^"},
        {"joined > DATE '2026-02-30'",
         "where, line 1: invalid date '2026-02-30' (write it like "
         "'2026-11-21')\njoined > DATE '2026-02-30'\n              ^"},
        {"joined > CURRENT_DATE - INTERVAL '3 fortnights'",
         "where, line 1: invalid interval '3 fortnights' (write it like '30 days' or '1 "
         "year 2 "
         "months')\njoined > CURRENT_DATE - INTERVAL '3 fortnights'\n"
         "                                 ^"},
        {"age", "where, line 1: a condition belongs here, not a number\nage\n^"},
        {"verified AND status",
         "where, line 1: a condition belongs here, not text\nverified AND "
         "status\n             ^"},
        {"status = 'active",
         "where, line 1: the text has no end (close it with ')\nstatus = "
         "'active\n         ^"},
        {"status = 'a' AND",
         "where, line 1: the expression ends too early: a column, a value or a "
         "condition belongs here\nstatus = 'a' AND\n                ^"},
        {"(age > 1",
         "where, line 1: the expression ends too early: a closing ) belongs here\n(age > "
         "1\n        ^"},
        {"status LKIE 'a%'",
         "where, line 1: unexpected \"LKIE\" (did you mean \"LIKE\"?): conditions "
         "are joined by AND or OR\nstatus LKIE 'a%'\n       ^"},
        {"age > :limti",
         "where, line 1: unknown parameter :limti (did you mean \"limit\"?)\nage > "
         ":limti\n      ^"},
        {"lowr(status) = 'a'", "where, line 1: unknown function \"lowr\" (did you mean "
                               "\"lower\"?)\nlowr(status) = 'a'\n^"},
        {"count(*) > 3",
         "where, line 1: count() needs a subquery: (SELECT count(…) FROM visits WHERE "
         "…)\ncount(*) > 3\n^"},
        {"EXISTS (SELECT 1 FROM vists)",
         "where, line 1: unknown list column \"vists\" (did you mean "
         "\"visits\"?)\nEXISTS (SELECT 1 FROM vists)\n"
         "                      ^"},
        {"EXISTS (SELECT 1 FROM status)",
         "where, line 1: \"status\" is no list but text\nEXISTS "
         "(SELECT 1 FROM status)\n                      ^"},
        {"EXISTS (SELECT 1 FROM visits WHERE clas_type = 'a')",
         "where, line 1: unknown column \"clas_type\" in visits (did you mean "
         "\"class_type\"?)\nEXISTS "
         "(SELECT 1 FROM visits WHERE clas_type = 'a')\n"
         "                                   ^"},
        {"EXISTS (SELECT 1 FROM visits WHERE verified)",
         "where, line 1: unknown column \"verified\" in visits (the customer's is "
         "customers.verified)\nEXISTS (SELECT 1 FROM visits WHERE verified)\n"
         "                                   ^"},
        {"audience('advlts')",
         "where, line 1: unknown saved audience 'advlts' (volley audience list "
         "shows them)\naudience('advlts')\n^"},
        {"audience('loop')",
         "audience \"loop two\", line 1: audience('loop') contains itself\nNOT "
         "audience('loop')\n    ^"},
        {"audience('broken')",
         "audience \"broken\", line 2: unknown column \"statsu\" (did you mean "
         "\"status\"?)\nstatsu = 'active'\n^"},
        {"blob = 'x'",
         "where, line 1: column \"blob\" has the type binary, which filters cannot "
         "use\nblob = 'x'\n^"},
        {"tags = 'vip'",
         "where, line 1: a list cannot be compared: use = ANY(tags) or EXISTS\ntags = "
         "'vip'\n     ^"},
        {"'a' IN tags",
         "where, line 1: unexpected \"tags\": IN needs a list in parentheses (for a list "
         "column: = ANY(tags))\n'a' IN tags\n       ^"},
        {"'x' = ANY(visits)",
         "where, line 1: ANY needs a list of plain values: use EXISTS here\n'x' = "
         "ANY(visits)\n          ^"},
        {"(SELECT price FROM visits) = 1",
         "where, line 1: this subquery may have many rows: use "
         "EXISTS, IN, count, min, max, sum or avg\n(SELECT price "
         "FROM visits) = 1\n                   ^"},
        {"age ; 5",
         "where, line 1: unexpected character \";\" (one expression, without a "
         "semicolon)\nage ; 5\n    ^"},
        {"seen_at - joined > 5",
         "where, line 1: two timestamps cannot be subtracted: compare with … + "
         "INTERVAL '…'\nseen_at - joined > 5\n        ^"},
        {"first_name LIKE 'a!' ESCAPE '!'",
         "where, line 1: the pattern ends with its escape "
         "character\nfirst_name LIKE 'a!' ESCAPE '!'\n"
         "                ^"},
        {"status LIKE 'a' ESCAPE status", "where, line 1: ESCAPE takes one character, "
                                          "like ESCAPE '!'\nstatus LIKE 'a' ESCAPE "
                                          "status\n                       ^"},
        {"status LIKE 'a' ESCAPE 'ab'", "where, line 1: ESCAPE takes one character, like "
                                        "ESCAPE '!'\nstatus LIKE 'a' ESCAPE "
                                        "'ab'\n                       ^"},
        {"age LIKE '3%'",
         "where, line 1: LIKE needs text, not a number\nage LIKE '3%'\n^"},
        {"verified = 'maybe'",
         "where, line 1: 'maybe' is not true or false\nverified = 'maybe'\n"
         "           ^"},
        {"age = 12x",
         "where, line 1: a number cannot go on with a letter\nage = 12x\n        ^"},
        {"address.town = 'x'",
         "where, line 1: unknown column \"town\"\naddress.town = 'x'\n^"},
        {"status.x = 'x'", "where, line 1: \"status\" has no fields\nstatus.x = 'x'\n^"},
        {"coalesce(age, status) = 1",
         "where, line 1: coalesce() cannot mix a number with "
         "text\ncoalesce(age, status) = 1\n              ^"},
    };
    CHECK_CASES(cases, "UTC");
}

/* compile: the error for an expression over eight customers, "" when it has none. */
static void compile_error(struct text expression, struct error *err)
{
    struct table t;
    make_customers(&t);
    struct audience_env env = {.saved = saved};
    struct audience *audience;
    *err = (struct error){0};
    (void)!audience_compile(expression, t.columns, t.count, &env, &audience, err);
    audience_destroy(&audience);
    table_free(&t);
}

static struct text repeated(struct buffer *out, const char *before, const char *unit,
                            size_t times, const char *after)
{
    buffer_clear(out);
    buffer_text(out, text_of(before));
    for (size_t i = 0; i < times; i++)
        buffer_text(out, text_of(unit));
    buffer_text(out, text_of(after));
    return buffer_view(out);
}

Test(audience, limits)
{
    struct buffer b = {0};
    struct error err;
    static const struct {
        const char *before, *unit, *after;
        size_t fine, too_much;
        const char *sentence;
    } cases[] = {
        {"", "NOT ", "verified", 63, 64, "nested deeper than 64 levels"},
        {"age = ", "- ", "5", 60, 64, "nested deeper than 64 levels"},
        {"age = 1", " + 1", "", 60, 70, "nested deeper than 64 levels"},
        {"age = 1", " OR age = 1", "", 1300, 1400, "more than 4096 parts"},
        {"age IN (1", ", 2", ")", 4000, 4100, "more than 4096 parts"},
        {"verified", " ", "", 65000, 66000, "longer than 64 KiB"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        compile_error(
            repeated(&b, cases[i].before, cases[i].unit, cases[i].fine, cases[i].after),
            &err);
        cr_expect_str_eq(err.text, "");
        compile_error(repeated(&b, cases[i].before, cases[i].unit, cases[i].too_much,
                               cases[i].after),
                      &err);
        cr_expect(strstr(err.text, cases[i].sentence), "%s: %s", cases[i].sentence,
                  err.text);
    }
    struct buffer c = {0};
    for (size_t depth = 60; depth < 70; depth++) {
        repeated(&b, "", "(", depth, "verified");
        repeated(&c, buffer_view(&b).data, ")", depth, "");
        compile_error(buffer_view(&c), &err);
        cr_expect((err.text[0] == '\0') == (depth < 64), "depth %zu: %s", depth,
                  err.text);
    }
    buffer_fini(&b);
    buffer_fini(&c);
}

/* A long line is cut around the caret, within the error's bytes and between characters. */
Test(audience, long_lines)
{
    struct buffer b = {0};
    struct error err;
    static const char *const units[] = {"verified OR ", "first_name = 'é😀' OR ",
                                        "age = 1\t  AND "};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        for (size_t times = 0; times < 60; times++) {
            struct text e = repeated(&b, "", units[i], times,
                                     "frist_name = 'a' AND verified AND "
                                     "verified AND verified AND verified AND "
                                     "verified AND verified AND verified");
            compile_error(e, &err);
            struct text said = text_of(err.text);
            cr_assert(utf8_valid(said), "%s", err.text);
            cr_assert(said.bytes < 400 && said.data[said.bytes - 1] == '^', "%s",
                      err.text);
            const char *caret_line = strrchr(err.text, '\n') + 1;
            const char *line = strchr(err.text, '\n') + 1;
            size_t column = strlen(caret_line) - 1;
            const char *at = line;
            for (; column > 0; column--) { /* an emoji is two columns wide */
                uint32_t c = utf8_next(&at, line + strlen(line));
                column -= c > 0xFFFF;
            }
            cr_assert(strncmp(at, "frist_name", 10) == 0, "%s", err.text);
        }
    }
    buffer_fini(&b);
}

Test(audience, needed_columns)
{
    struct table t;
    make_customers(&t);
    struct audience_env env = {.saved = saved};
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

/* --- long lists ------------------------------------------------------------------------- */

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
