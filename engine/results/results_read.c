/* results_read: see results_read.h. A record batch at a time: the filters' columns make a
 * bitmap, a filter of words by looking up dictionary codes; only where a row is left are the other
 * columns opened. */
#include "engine/results/results_read.h"

#include "base/bitmap.h"
#include "engine/results/results_read_private.h"
#include "ingest/arrow/arrow_read.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum { IS_TEXT, IS_COUNT, IS_TIME } kind;
} fields[RESULTS_FIELDS] = {
    [RESULTS_CUSTOMER] = {"customer", IS_TEXT},
    [RESULTS_ROLE] = {"role", IS_TEXT},
    [RESULTS_CHANNEL] = {"channel", IS_TEXT},
    [RESULTS_DISPOSITION] = {"disposition", IS_TEXT},
    [RESULTS_OUTCOME] = {"outcome", IS_TEXT},
    [RESULTS_REASON] = {"reason", IS_TEXT},
    [RESULTS_PROVIDER] = {"provider", IS_TEXT},
    [RESULTS_PROVIDER_ID] = {"provider_id", IS_TEXT},
    [RESULTS_DETAIL] = {"detail", IS_TEXT},
    [RESULTS_SEGMENTS] = {"segments", IS_COUNT},
    [RESULTS_ATTEMPTS] = {"attempts", IS_COUNT},
    [RESULTS_FIRST_AT] = {"first_at", IS_TIME},
    [RESULTS_AT] = {"at", IS_TIME},
};

const struct column *results_read_column(const struct results_reading *r,
                                         enum results_field field)
{
    return &r->columns[r->places[field]];
}

bool results_read_notice(const struct results_reading *r, int64_t row)
{
    return r->first_row == 0 && row == 0 &&
           text_is(column_text(results_read_column(r, RESULTS_DISPOSITION), 0), "notice");
}

void results_read_need(struct results_reading *r, enum results_field field)
{
    bitmap_set(r->needed, (size_t)r->places[field]);
}

static int number_of(struct text name, const char *(*name_fn)(unsigned), unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (text_is(name, name_fn(i)))
            return (int)i;
    }
    return -1;
}

static const char *disposition_word(unsigned number)
{
    return disposition_name((enum disposition)number);
}

static const char *outcome_word(unsigned number)
{
    return outcome_name((enum outcome)number);
}

static const char *reason_word(unsigned number)
{
    return delivery_reason_name((enum delivery_reason)number);
}

static int unknown_word(enum results_field field, struct text word, struct error *err)
{
    return error_set(err, ERROR_INPUT, "the column %s has the unknown value \"%.*s\"",
                     fields[field].name, (int)(word.bytes < 40 ? word.bytes : 40),
                     word.data ? word.data : "");
}

static int read_words(const struct results_reading *r, int64_t row, struct result *out,
                      struct error *err)
{
    struct text channel = column_text(results_read_column(r, RESULTS_CHANNEL), row);
    struct text disposition =
        column_text(results_read_column(r, RESULTS_DISPOSITION), row);
    struct text outcome = column_text(results_read_column(r, RESULTS_OUTCOME), row);
    struct text reason = column_text(results_read_column(r, RESULTS_REASON), row);
    int c = channel_parse(channel), o = OUTCOME_PENDING, why = DELIVERY_OK;
    int d = out->notice ? DISPOSITION_SEND
                        : number_of(disposition, disposition_word, DISPOSITION_COUNT);
    if (outcome.data)
        o = number_of(outcome, outcome_word, OUTCOME_COUNT);
    if (reason.data)
        why = number_of(reason, reason_word, DELIVERY_REASON_COUNT);
    if (c < 0)
        return unknown_word(RESULTS_CHANNEL, channel, err);
    if (d < 0)
        return unknown_word(RESULTS_DISPOSITION, disposition, err);
    if (o < 0)
        return unknown_word(RESULTS_OUTCOME, outcome, err);
    if (why < 0)
        return unknown_word(RESULTS_REASON, reason, err);
    out->channel = (enum channel)c;
    out->disposition = (enum disposition)d;
    out->outcome = (enum outcome)o;
    out->why = (enum delivery_reason)why;
    out->reason = why == DELIVERY_OK ? "" : delivery_reason_name(out->why);
    return 0;
}

static int64_t number_at(const struct results_reading *r, enum results_field field,
                         int64_t row)
{
    int64_t number;
    (void)column_integer(results_read_column(r, field), row, &number);
    return number;
}

static int give(const struct results_reading *r, int64_t row, struct error *err)
{
    struct result out = {
        .number = r->first_row + (uint64_t)row,
        .notice = results_read_notice(r, row),
        .customer = column_text(results_read_column(r, RESULTS_CUSTOMER), row),
        .role = column_text(results_read_column(r, RESULTS_ROLE), row),
        .provider = column_text(results_read_column(r, RESULTS_PROVIDER), row),
        .provider_number = -1,
        .provider_id = column_text(results_read_column(r, RESULTS_PROVIDER_ID), row),
        .detail = column_text(results_read_column(r, RESULTS_DETAIL), row),
        .segments = (uint32_t)number_at(r, RESULTS_SEGMENTS, row),
        .attempts = (uint32_t)number_at(r, RESULTS_ATTEMPTS, row),
        .first_at_ms = number_at(r, RESULTS_FIRST_AT, row),
        .at_ms = number_at(r, RESULTS_AT, row),
    };
    int rc = read_words(r, row, &out, err);
    return rc ? rc : r->fn(r->arg, &out);
}

static int give_batch(struct results_reading *r, size_t batch, struct error *err)
{
    struct arrow_batch *whole = NULL;
    for (int f = 0; f < RESULTS_FIELDS; f++)
        results_read_need(r, (enum results_field)f);
    int rc = arrow_batch_load(r->file, batch, r->needed, &whole, err);
    if (rc)
        return rc;
    size_t rows = (size_t)r->rows;
    r->columns = arrow_batch_columns(whole);
    for (size_t i = bitmap_next(r->map, 0, rows); rc == 0 && i < rows;
         i = bitmap_next(r->map, i + 1, rows))
        rc = give(r, (int64_t)i, err);
    arrow_batch_destroy(&whole);
    return rc;
}

static int read_batch(struct results_reading *r, size_t batch, struct error *err)
{
    struct arrow_batch *part = NULL;
    results_filter_needs(r);
    r->rows = arrow_batch_rows(r->file, batch);
    int rc = arrow_batch_load(r->file, batch, r->needed, &part, err);
    if (rc)
        return rc;
    size_t words = bitmap_words((size_t)r->rows) + 1;
    r->map = calloc(words, sizeof(*r->map));
    r->other = calloc(words, sizeof(*r->other));
    CHECK(r->map != NULL && r->other != NULL);
    r->columns = arrow_batch_columns(part);
    results_filter_keep(r);
    arrow_batch_destroy(&part);
    size_t matched = bitmap_count(r->map, (size_t)r->rows);
    r->matched += matched;
    if (matched > 0 && r->fn)
        rc = give_batch(r, batch, err);
    r->first_row += (uint64_t)r->rows;
    free(r->map);
    free(r->other);
    return rc;
}

static bool fits(const struct column *column, enum results_field field)
{
    switch (fields[field].kind) {
    case IS_TEXT:
        return column_is_text(column);
    case IS_COUNT:
        return column_is_integer(column);
    default:
        return column->type == COLUMN_TIMESTAMP && column->unit == COLUMN_MILLISECONDS;
    }
}

static int find_columns(struct results_reading *r, const char *path, struct error *err)
{
    const struct column *schema = arrow_schema(r->file, &r->column_count);
    for (int f = 0; f < RESULTS_FIELDS; f++) {
        r->places[f] = column_find(schema, r->column_count, text_of(fields[f].name));
        if (r->places[f] < 0 || !fits(&schema[r->places[f]], (enum results_field)f))
            return error_set(err, ERROR_INPUT,
                             "%s has no column \"%s\" of the type that results have",
                             path, fields[f].name);
    }
    r->needed = calloc(bitmap_words(r->column_count) + 1, sizeof(*r->needed));
    CHECK(r->needed != NULL);
    return 0;
}

int results_read(const char *path, const struct results_filter *filter,
                 int (*fn)(void *arg, const struct result *result), void *arg,
                 uint64_t *matched_out, struct error *err)
{
    struct results_reading r = {.filter = filter, .fn = fn, .arg = arg};
    int rc = arrow_open(path, &r.file, err);
    if (rc == 0)
        rc = find_columns(&r, path, err);
    /* Where only the notice is wanted the first batch has it. */
    for (size_t b = 0; rc == 0 && b < arrow_batch_count(r.file); b++) {
        if (b == 0 || filter->customers)
            rc = read_batch(&r, b, err);
    }
    *matched_out = r.matched;
    free(r.needed);
    arrow_close(&r.file);
    return rc;
}

int results_rows(const char *path, uint64_t *out, struct error *err)
{
    struct arrow_file *file;
    *out = 0;
    int rc = arrow_open(path, &file, err);
    if (rc)
        return rc;
    for (size_t b = 0; b < arrow_batch_count(file); b++)
        *out += (uint64_t)arrow_batch_rows(file, b);
    arrow_close(&file);
    return 0;
}
