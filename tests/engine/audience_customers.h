/* audience_customers: eight customers, few enough to check by hand whom an expression selects. */
#ifndef TESTS_ENGINE_AUDIENCE_CUSTOMERS_H
#define TESTS_ENGINE_AUDIENCE_CUSTOMERS_H

#include "engine/audience/audience.h"
#include "tests/engine/audience_table.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NONE (INT64_MIN + 1) /* a null */

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

TEST_HELPER void customers_make(struct table *t)
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

TEST_HELPER struct text customers_saved(void *arg, struct text name)
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
                               .saved = customers_saved};
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

TEST_HELPER void customers_check(const struct expected *cases, size_t count,
                                 const char *zone_name)
{
    struct table t;
    struct tzif *zone;
    customers_make(&t);
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

#define CHECK_CASES(cases, zone) customers_check(cases, ARRAY_COUNT(cases), zone)

#endif
