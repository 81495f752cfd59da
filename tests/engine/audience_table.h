/* audience_table: columns in memory for tests, by hand or by seed, in every layout an
 * expression may meet. Buffers are exactly as long as base/column.h promises, so that a
 * sanitizer sees a read too far. Nothing is freed before table_free. */
#ifndef TESTS_ENGINE_AUDIENCE_TABLE_H
#define TESTS_ENGINE_AUDIENCE_TABLE_H

#include "base/bitmap.h"
#include "base/clock.h"
#include "base/column.h"

#include <math.h>
#include <stdlib.h>

#define TEST_HELPER __attribute__((unused)) static

struct table {
    struct column columns[64];
    size_t count;
    int64_t rows;
    void *blocks[4096];
    size_t block_count;
    uint64_t seed;
};

TEST_HELPER void *table_alloc(struct table *t, size_t bytes)
{
    void *p = NULL;
    CHECK(posix_memalign(&p, 64, bytes ? bytes : 1) == 0);
    CHECK(t->block_count < ARRAY_COUNT(t->blocks));
    memset(p, 0x5A, bytes);
    t->blocks[t->block_count++] = p;
    return p;
}

TEST_HELPER void table_free(struct table *t)
{
    for (size_t i = 0; i < t->block_count; i++)
        free(t->blocks[i]);
    t->block_count = 0;
}

TEST_HELPER uint64_t table_random(struct table *t)
{
    t->seed += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = t->seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

TEST_HELPER uint64_t table_below(struct table *t, uint64_t n)
{
    return table_random(t) % n;
}

/* table_validity: one null in `one_in` (0: no nulls, no bitmap). */
TEST_HELPER const uint64_t *table_validity(struct table *t, int64_t rows, unsigned one_in)
{
    if (one_in == 0)
        return NULL;
    uint64_t *map = table_alloc(t, bitmap_words((size_t)rows) * 8);
    bitmap_fill(map, (size_t)rows);
    for (size_t r = 0; r < (size_t)rows; r++) {
        if (table_below(t, one_in) == 0)
            bitmap_clear(map, r);
    }
    return map;
}

TEST_HELPER struct column table_fixed(struct table *t, const char *name,
                                      enum column_type type, int64_t rows, size_t width,
                                      void **values_out, unsigned null_one_in)
{
    *values_out = table_alloc(t, (size_t)rows * width);
    return (struct column){.name = name,
                           .type = type,
                           .rows = rows,
                           .values = *values_out,
                           .validity = table_validity(t, rows, null_one_in)};
}

/* table_texts: utf8, large_utf8 or utf8_view. */
TEST_HELPER struct column table_texts(struct table *t, const char *name,
                                      enum column_type type, int64_t rows,
                                      const struct text *texts)
{
    size_t bytes = 0;
    for (int64_t r = 0; r < rows; r++)
        bytes += texts[r].bytes;
    char *data = table_alloc(t, bytes);
    struct column c = {.name = name, .type = type, .rows = rows, .values = data};
    uint64_t *validity = NULL;
    int32_t *at = table_alloc(t, ((size_t)rows + 1) * 4);
    int64_t *wide = table_alloc(t, ((size_t)rows + 1) * 8);
    struct column_view *views = table_alloc(t, (size_t)rows * sizeof(*views) + 1);
    size_t used = 0;
    for (int64_t r = 0; r < rows; r++) {
        at[r] = (int32_t)used;
        wide[r] = (int64_t)used;
        if (!texts[r].data) { /* a null view holds rubbish */
            if (!validity) {
                validity = table_alloc(t, bitmap_words((size_t)rows) * 8);
                bitmap_fill(validity, (size_t)rows);
            }
            bitmap_clear(validity, (size_t)r);
            continue;
        }
        memcpy(data + used, texts[r].data, texts[r].bytes);
        views[r] = (struct column_view){.bytes = (int32_t)texts[r].bytes};
        if (texts[r].bytes <= 12)
            memcpy(views[r].inlined, texts[r].data, texts[r].bytes);
        else {
            memcpy(views[r].outside.prefix, texts[r].data, 4);
            views[r].outside.buffer = 0;
            views[r].outside.offset = (int32_t)used;
        }
        used += texts[r].bytes;
    }
    at[rows] = (int32_t)used;
    wide[rows] = (int64_t)used;
    c.validity = validity;
    c.offsets = type == COLUMN_UTF8 ? (void *)at : (void *)wide;
    if (type == COLUMN_UTF8_VIEW) {
        struct text *buffer = table_alloc(t, sizeof(*buffer));
        *buffer = (struct text){data, used};
        c.values = views;
        c.offsets = NULL;
        c.value_buffers = buffer;
        c.value_buffer_count = 1;
    }
    return c;
}

/* table_dictionary: codes of code_type into entries. */
TEST_HELPER struct column table_dictionary(struct table *t, const char *name,
                                           enum column_type code_type, int64_t rows,
                                           struct column entries, unsigned null_one_in)
{
    static const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[code_type <= COLUMN_INT64 ? code_type - COLUMN_INT8
                                                    : code_type - COLUMN_UINT8];
    void *codes;
    struct column c =
        table_fixed(t, name, COLUMN_DICTIONARY, rows, width, &codes, null_one_in);
    struct column *kept = table_alloc(t, sizeof(*kept));
    *kept = entries;
    c.dictionary = kept;
    c.code_type = code_type;
    for (int64_t r = 0; r < rows; r++) {
        uint64_t code = column_is_null(&c, r) ? 0x5A5A5A5A5A5A5A5A
                                              : table_below(t, (uint64_t)entries.rows);
        memcpy((char *)codes + (size_t)r * width, &code, width);
    }
    return c;
}

/* table_offsets: how long each list is; returns the number of child values. kind decides
 * the layout: a list_view goes backwards, overlaps and leaves gaps. Null lists of the
 * other layouts may have elements, which do not count. */
TEST_HELPER struct column table_list(struct table *t, const char *name,
                                     enum column_type type, int64_t rows,
                                     unsigned longest, unsigned null_one_in,
                                     int64_t *children_out)
{
    struct column c = {.name = name,
                       .type = type,
                       .rows = rows,
                       .validity = table_validity(t, rows, null_one_in),
                       .child_count = 1};
    int32_t *at = table_alloc(t, ((size_t)rows + 1) * 4),
            *sizes = table_alloc(t, (size_t)rows * 4);
    int64_t *wide = table_alloc(t, ((size_t)rows + 1) * 8);
    int64_t used = (int64_t)table_below(t, 5); /* a slice: values before the first list */
    for (int64_t r = 0; r < rows; r++) {
        int64_t count = (int64_t)table_below(t, longest + 1);
        if (table_below(t, 3) == 0)
            count = 0;
        at[r] = (int32_t)used;
        wide[r] = used;
        sizes[r] = (int32_t)count;
        used += count;
        if (type == COLUMN_LIST_VIEW && table_below(t, 4) == 0)
            used += (int64_t)table_below(t, 4) == 0 ? 700 : 3;
    }
    at[rows] = (int32_t)used;
    wide[rows] = used;
    if (type == COLUMN_LIST_VIEW) {
        for (int64_t r = 0; r < rows; r++) {
            int64_t other = (int64_t)table_below(t, (uint64_t)rows);
            if (table_below(t, 5) == 0) {
                at[r] = at[other];
                sizes[r] = sizes[other];
            }
        }
        for (int64_t r = 0; r < rows; r++) {
            if (column_is_null(&c, r))
                at[r] = sizes[r] = 0x5A5A5A5A;
        }
        c.sizes = sizes;
    }
    c.offsets = type == COLUMN_LARGE_LIST ? (void *)wide : (void *)at;
    *children_out = used + 7;
    return c;
}

TEST_HELPER void table_child(struct table *t, struct column *list, struct column child)
{
    struct column *kept = table_alloc(t, sizeof(*kept));
    *kept = child;
    list->children = kept;
}

TEST_HELPER struct column table_struct(struct table *t, const char *name, int64_t rows,
                                       const struct column *fields, size_t count,
                                       unsigned null_one_in)
{
    struct column *kept = table_alloc(t, count * sizeof(*kept));
    memcpy(kept, fields, count * sizeof(*kept));
    return (struct column){.name = name,
                           .type = COLUMN_STRUCT,
                           .rows = rows,
                           .validity = table_validity(t, rows, null_one_in),
                           .children = kept,
                           .child_count = count};
}

/* --- values by seed --------------------------------------------------------------------- */

TEST_HELPER struct text table_word(struct table *t)
{
    static const char *const words[] = {"",
                                        "a",
                                        "active",
                                        "Active",
                                        "ACTIVE",
                                        "gold",
                                        "Gold",
                                        "vip",
                                        "VIP",
                                        "yoga",
                                        "Yoga",
                                        "ünïcode",
                                        "ÜNÏCODE",
                                        "straße",
                                        "ΟΔΟΣ",
                                        "οδος",
                                        "a_b",
                                        "50%",
                                        "expired",
                                        "frozen",
                                        "日本語",
                                        "😀",
                                        "a longer text than twelve bytes",
                                        "a longer text",
                                        "it's"};
    return text_of(words[table_below(t, ARRAY_COUNT(words))]);
}

TEST_HELPER struct column table_random_texts(struct table *t, const char *name,
                                             enum column_type type, int64_t rows,
                                             unsigned null_one_in)
{
    struct text *texts = malloc(((size_t)rows + 1) * sizeof(*texts));
    CHECK(texts != NULL);
    for (int64_t r = 0; r < rows; r++)
        texts[r] =
            null_one_in && table_below(t, null_one_in) == 0 ? TEXT_NONE : table_word(t);
    struct column c = table_texts(t, name, type, rows, texts);
    free(texts);
    return c;
}

#define TABLE_FILL(type, expression)                                                     \
    for (int64_t r = 0; r < rows; r++)                                                   \
    ((type *)values)[r] = (type)(expression)

/* table_random_column: values near the ones expressions ask for, with nulls and extremes.
 */
TEST_HELPER struct column table_random_column(struct table *t, const char *name,
                                              enum column_type type, int64_t rows,
                                              unsigned null_one_in)
{
    static const size_t widths[] = {
        [COLUMN_INT8] = 1,    [COLUMN_INT16] = 2,   [COLUMN_INT32] = 4,
        [COLUMN_INT64] = 8,   [COLUMN_UINT8] = 1,   [COLUMN_UINT16] = 2,
        [COLUMN_UINT32] = 4,  [COLUMN_UINT64] = 8,  [COLUMN_FLOAT16] = 2,
        [COLUMN_FLOAT32] = 4, [COLUMN_FLOAT64] = 8, [COLUMN_DECIMAL128] = 16,
        [COLUMN_DATE32] = 4,  [COLUMN_DATE64] = 8,  [COLUMN_TIMESTAMP] = 8};
    static const int64_t big[] = {INT64_MAX, INT64_MIN, 9007199254740993,
                                  -9007199254740993, 0};
    static const double odd[] = {NAN, INFINITY, -INFINITY,         -0.0,
                                 0.1, 2.5,      9007199254740992.0};
    static const uint16_t halves[] = {0, 0x3C00, 0xC000, 0x7E00, 0x7C00, 0x4500, 1};
    if (type == COLUMN_BOOL) {
        uint64_t *bits = table_alloc(t, bitmap_words((size_t)rows) * 8);
        for (size_t w = 0; w < bitmap_words((size_t)rows); w++)
            bits[w] = table_random(t);
        return (struct column){.name = name,
                               .type = type,
                               .rows = rows,
                               .values = bits,
                               .validity = table_validity(t, rows, null_one_in)};
    }
    void *values;
    struct column c =
        table_fixed(t, name, type, rows, widths[type], &values, null_one_in);
    int64_t days = 20780; /* 2026-11-23 */
    switch (type) {
    case COLUMN_INT8:
    case COLUMN_UINT8:
        TABLE_FILL(int8_t, table_below(t, 4) ? table_below(t, 12) : table_random(t));
        break;
    case COLUMN_INT16:
    case COLUMN_UINT16:
        TABLE_FILL(int16_t, table_below(t, 4) ? table_below(t, 12) : table_random(t));
        break;
    case COLUMN_INT32:
    case COLUMN_UINT32:
        TABLE_FILL(int32_t, table_below(t, 4) ? table_below(t, 12) : table_random(t));
        break;
    case COLUMN_INT64:
    case COLUMN_UINT64:
        TABLE_FILL(int64_t, table_below(t, 4) ? (int64_t)table_below(t, 12) - 3
                                              : big[table_below(t, ARRAY_COUNT(big))]);
        break;
    case COLUMN_FLOAT16:
        TABLE_FILL(uint16_t, halves[table_below(t, ARRAY_COUNT(halves))]);
        break;
    case COLUMN_FLOAT32:
        TABLE_FILL(float, table_below(t, 3) ? (double)table_below(t, 40) / 4
                                            : odd[table_below(t, ARRAY_COUNT(odd))]);
        break;
    case COLUMN_FLOAT64:
        TABLE_FILL(double, table_below(t, 3) ? (double)table_below(t, 40) / 4
                                             : odd[table_below(t, ARRAY_COUNT(odd))]);
        break;
    case COLUMN_DECIMAL128:
        c.scale = 2;
        TABLE_FILL(__int128, table_below(t, 4) ? (__int128)table_below(t, 1200) - 100
                                               : (__int128)1 << (table_below(t, 120)));
        break;
    case COLUMN_DATE32:
        TABLE_FILL(int32_t, days - 400 + (int64_t)table_below(t, 800));
        break;
    case COLUMN_DATE64:
        TABLE_FILL(int64_t, (days - 400 + (int64_t)table_below(t, 800)) * 86400000);
        break;
    default:
        TABLE_FILL(int64_t,
                   (days - 100) * 86400 + (int64_t)table_below(t, 200 * 24) * 3600);
        break;
    }
    return c;
}

/* table_random_times: timestamps on full hours, within 100 days of 2026-11-23. */
TEST_HELPER struct column table_random_times(struct table *t, const char *name,
                                             enum column_unit unit, const char *zone,
                                             int64_t rows, unsigned null_one_in)
{
    struct column c = table_random_column(t, name, COLUMN_TIMESTAMP, rows, null_one_in);
    static const int64_t factors[] = {1, 1000, 1000000, 1000000000};
    for (int64_t r = 0; r < rows; r++)
        ((int64_t *)(uintptr_t)c.values)[r] *= factors[unit];
    c.unit = unit;
    c.timezone = zone;
    return c;
}

/* table_random: rows customers with a column of every layout. */
TEST_HELPER void table_random_customers(struct table *t, int64_t rows, uint64_t seed)
{
    *t = (struct table){.rows = rows, .seed = seed};
    struct column *c = t->columns;
    size_t n = 0;
    int64_t m, k;
    c[n++] = table_random_column(t, "small", COLUMN_INT8, rows, 9);
    c[n++] = table_random_column(t, "byte", COLUMN_UINT8, rows, 9);
    c[n++] = table_random_column(t, "short", COLUMN_INT16, rows, 0);
    c[n++] = table_random_column(t, "ushort", COLUMN_UINT16, rows, 9);
    c[n++] = table_random_column(t, "visits_total", COLUMN_INT32, rows, 9);
    c[n++] = table_random_column(t, "uint", COLUMN_UINT32, rows, 9);
    c[n++] = table_random_column(t, "big", COLUMN_INT64, rows, 9);
    c[n++] = table_random_column(t, "ubig", COLUMN_UINT64, rows, 9);
    c[n++] = table_random_column(t, "half", COLUMN_FLOAT16, rows, 9);
    c[n++] = table_random_column(t, "ratio", COLUMN_FLOAT32, rows, 9);
    c[n++] = table_random_column(t, "score", COLUMN_FLOAT64, rows, 9);
    c[n++] = table_random_column(t, "price", COLUMN_DECIMAL128, rows, 9);
    c[n++] = table_random_column(t, "flag", COLUMN_BOOL, rows, 5);
    c[n++] = table_random_column(t, "verified", COLUMN_BOOL, rows, 0);
    c[n++] = table_random_column(t, "born", COLUMN_DATE32, rows, 9);
    c[n++] = table_random_column(t, "joined", COLUMN_DATE64, rows, 9);
    c[n++] = table_random_times(t, "seen_at", COLUMN_MICROSECONDS, "UTC", rows, 9);
    c[n++] = table_random_times(t, "local_at", COLUMN_SECONDS, NULL, rows, 9);
    c[n++] = table_random_times(t, "paid_at", COLUMN_NANOSECONDS, "Europe/Rome", rows, 0);
    c[n++] = table_random_texts(t, "name", COLUMN_UTF8, rows, 9);
    c[n++] = table_random_texts(t, "status", COLUMN_UTF8, rows, 0);
    c[n++] = table_random_texts(t, "nick", COLUMN_LARGE_UTF8, rows, 9);
    c[n++] = table_random_texts(t, "code", COLUMN_UTF8_VIEW, rows, 9);
    c[n++] = table_dictionary(t, "city", COLUMN_INT8, rows,
                              table_random_texts(t, "", COLUMN_UTF8, 20, 7), 9);
    c[n++] = table_dictionary(t, "plan", COLUMN_UINT32, rows,
                              table_random_texts(t, "", COLUMN_UTF8_VIEW, 90, 0), 0);
    c[n++] = (struct column){.name = "nothing", .type = COLUMN_NULL, .rows = rows};
    struct column address[] = {table_random_texts(t, "town", COLUMN_UTF8, rows, 9),
                               table_random_column(t, "zip", COLUMN_INT32, rows, 9)};
    c[n++] = table_struct(t, "address", rows, address, 2, 9);
    c[n] = table_list(t, "tags", COLUMN_LIST, rows, 4, 9, &m);
    table_child(t, &c[n++], table_random_texts(t, "item", COLUMN_UTF8, m, 9));
    c[n] = table_list(t, "numbers", COLUMN_LARGE_LIST, rows, 5, 9, &m);
    table_child(t, &c[n++], table_random_column(t, "item", COLUMN_INT32, m, 9));
    c[n] = table_list(t, "ranks", COLUMN_LIST_VIEW, rows, 5, 9, &m);
    table_child(t, &c[n++], table_random_column(t, "item", COLUMN_FLOAT64, m, 0));
    c[n] = table_list(t, "checks", COLUMN_LIST, rows, 3, 0, &m);
    table_child(t, &c[n++], table_random_column(t, "item", COLUMN_BOOL, m, 5));

    c[n] = table_list(t, "visits", COLUMN_LIST, rows, 9, 9, &m);
    struct column labels = table_list(t, "labels", COLUMN_LIST, m, 2, 9, &k);
    table_child(t, &labels, table_random_texts(t, "item", COLUMN_UTF8, k, 9));
    struct column visit[] = {
        table_random_texts(t, "class_type", COLUMN_UTF8, m, 9),
        table_random_times(t, "held_at", COLUMN_MILLISECONDS, "UTC", m, 9),
        table_random_column(t, "qty", COLUMN_INT16, m, 9),
        table_random_column(t, "paid", COLUMN_DECIMAL128, m, 9),
        table_random_column(t, "rating", COLUMN_FLOAT64, m, 9),
        table_random_column(t, "done", COLUMN_BOOL, m, 5),
        labels};
    table_child(t, &c[n++], table_struct(t, "item", m, visit, ARRAY_COUNT(visit), 15));

    c[n] = table_list(t, "packs", COLUMN_LIST_VIEW, rows, 4, 9, &m);
    struct column pack[] = {
        table_dictionary(t, "kind", COLUMN_INT16, m,
                         table_random_texts(t, "", COLUMN_UTF8, 12, 0), 9),
        table_random_column(t, "credits", COLUMN_INT64, m, 9),
        table_random_column(t, "ends", COLUMN_DATE32, m, 9)};
    table_child(t, &c[n++], table_struct(t, "item", m, pack, ARRAY_COUNT(pack), 0));
    t->count = n;
}

#endif
