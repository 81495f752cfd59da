/* results_read: see results_read.h. A record batch at a time: the filters' columns make a
 * bitmap, a filter of words by looking up dictionary codes; only where a row is left are the other
 * columns opened. */
#include "engine/results/results_read.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "ingest/arrow/arrow_read.h"

#include <stdlib.h>

enum field {
    CUSTOMER,
    ROLE,
    CHANNEL,
    DISPOSITION,
    OUTCOME,
    REASON,
    PROVIDER,
    PROVIDER_ID,
    DETAIL,
    SEGMENTS,
    ATTEMPTS,
    FIRST_AT,
    AT,
    FIELDS
};

static const struct {
    const char *name;
    enum { IS_TEXT, IS_COUNT, IS_TIME } kind;
} fields[FIELDS] = {
    [CUSTOMER] = {"customer", IS_TEXT},
    [ROLE] = {"role", IS_TEXT},
    [CHANNEL] = {"channel", IS_TEXT},
    [DISPOSITION] = {"disposition", IS_TEXT},
    [OUTCOME] = {"outcome", IS_TEXT},
    [REASON] = {"reason", IS_TEXT},
    [PROVIDER] = {"provider", IS_TEXT},
    [PROVIDER_ID] = {"provider_id", IS_TEXT},
    [DETAIL] = {"detail", IS_TEXT},
    [SEGMENTS] = {"segments", IS_COUNT},
    [ATTEMPTS] = {"attempts", IS_COUNT},
    [FIRST_AT] = {"first_at", IS_TIME},
    [AT] = {"at", IS_TIME},
};

struct reading {
    const struct results_filter *filter;
    struct arrow_file *file;
    int places[FIELDS]; /* in the file's schema */
    uint64_t *needed;   /* bitmap of the schema's columns */
    size_t column_count;
    const struct column *columns; /* of the batch at hand */
    int64_t rows;
    uint64_t first_row; /* of the batch, within the file */
    uint64_t *map,
        *other; /* rows of the batch that are still wanted; room for another such */
    int (*fn)(void *arg, const struct result *result);
    void *arg;
    uint64_t matched;
};

/* --- one result --- */

const char *results_status(const struct result *result)
{
    return disposition_sends(result->disposition) ? outcome_name(result->outcome)
                                                  : disposition_name(result->disposition);
}

static bool in_period(const struct results_filter *f, int64_t at_ms)
{
    int64_t at_ns = at_ms ? at_ms * NS_PER_MS : f->created_ns;
    return (!f->since_ns || at_ns >= f->since_ns) &&
           (!f->until_ns || at_ns < f->until_ns);
}

static bool is_wanted(struct text wanted, struct text value)
{
    return !wanted.data || text_equal(wanted, value);
}

static bool is_heard(const struct results_filter *f, uint64_t number)
{
    int64_t at_s;
    const char *code;
    return f->receipt == RECEIPT_NONE ||
           receipt_file_get(f->receipts, number, &at_s, &code) == f->receipt;
}

bool results_wanted(const struct results_filter *f, const struct result *r)
{
    return (r->notice ? f->notice : f->customers) &&
           (f->channel < 0 || f->channel == (int)r->channel) &&
           is_wanted(f->status, text_of(results_status(r))) &&
           is_wanted(f->reason, text_of(r->reason)) &&
           is_wanted(f->customer, r->customer) && is_wanted(f->role, r->role) &&
           is_wanted(f->provider_id, r->provider_id) && in_period(f, r->at_ms);
}

/* --- columns --- */

static const struct column *column_of(const struct reading *r, enum field field)
{
    return &r->columns[r->places[field]];
}

/* keep_codes: of up to 64 rows those whose code is wanted. */
static uint64_t keep_codes(const uint16_t *codes, size_t rows, const uint8_t *wanted)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < rows; i++)
        bits |= (uint64_t)wanted[codes[i]] << i;
    return bits;
}

/* keep_words: the dictionary says once for all rows which codes are meant. */
static void keep_words(const struct column *column, struct text wanted, uint64_t *map)
{
    uint8_t *by_code = calloc(1, UINT16_MAX + 1);
    CHECK(by_code != NULL);
    const uint16_t *codes = column->values;
    size_t rows = (size_t)column->rows;
    for (int64_t code = 0; code < column->dictionary->rows && code <= INT16_MAX; code++)
        by_code[code] = text_equal(column_text(column->dictionary, code), wanted);
    for (size_t at = 0; at < rows; at += 64) {
        if (map[at / 64])
            map[at / 64] &=
                keep_codes(codes + at, rows - at < 64 ? rows - at : 64, by_code);
    }
    for (size_t w = 0; column->validity && w < bitmap_words(rows); w++)
        map[w] &= column->validity[w];
    free(by_code);
}

/* keep_text: the rows of map whose text is the wanted one. No text and an empty one are alike,
 * as they are in a result. */
static void keep_text(const struct column *column, struct text wanted, uint64_t *map)
{
    size_t rows = (size_t)column->rows;
    if (column->type == COLUMN_DICTIONARY && column->code_type == COLUMN_INT16 &&
        wanted.bytes > 0) {
        keep_words(column, wanted, map);
        return;
    }
    for (size_t i = bitmap_next(map, 0, rows); i < rows;
         i = bitmap_next(map, i + 1, rows)) {
        if (!text_equal(column_text(column, (int64_t)i), wanted))
            bitmap_clear(map, i);
    }
}

/* keep_status: by outcome where there is one, else by disposition. */
static void keep_status(struct reading *r)
{
    const struct column *outcome = column_of(r, OUTCOME);
    size_t rows = (size_t)r->rows;
    bitmap_copy(r->other, r->map, rows);
    for (size_t w = 0; w < bitmap_words(rows); w++)
        r->other[w] &= outcome->validity ? ~outcome->validity[w] : 0;
    keep_text(column_of(r, DISPOSITION), r->filter->status, r->other);
    for (size_t w = 0; outcome->validity && w < bitmap_words(rows); w++)
        r->map[w] &= outcome->validity[w];
    keep_text(outcome, r->filter->status, r->map);
    bitmap_or(r->map, r->other, rows);
}

static void keep_period(struct reading *r)
{
    const struct column *at = column_of(r, AT);
    size_t rows = (size_t)r->rows;
    for (size_t i = bitmap_next(r->map, 0, rows); i < rows;
         i = bitmap_next(r->map, i + 1, rows)) {
        int64_t ms;
        (void)column_integer(at, (int64_t)i, &ms);
        if (!in_period(r->filter, ms))
            bitmap_clear(r->map, i);
    }
}

static void keep_heard(struct reading *r)
{
    size_t rows = (size_t)r->rows;
    for (size_t i = bitmap_next(r->map, 0, rows); i < rows;
         i = bitmap_next(r->map, i + 1, rows)) {
        if (!is_heard(r->filter, r->first_row + i))
            bitmap_clear(r->map, i);
    }
}

/* The notice stands first, in a row of its own. */
static bool is_notice(const struct reading *r, int64_t row)
{
    return r->first_row == 0 && row == 0 &&
           text_is(column_text(column_of(r, DISPOSITION), 0), "notice");
}

static void keep_kinds(struct reading *r)
{
    const struct results_filter *f = r->filter;
    bool has_notice = r->rows > 0 && is_notice(r, 0);
    if (!f->customers)
        bitmap_zero(r->map, (size_t)r->rows);
    if (has_notice && f->notice)
        bitmap_set(r->map, 0);
    else if (has_notice)
        bitmap_clear(r->map, 0);
}

static void keep(struct reading *r)
{
    const struct results_filter *f = r->filter;
    const struct {
        enum field field;
        struct text wanted;
    } texts[] = {
        {CHANNEL,
         f->channel < 0 ? TEXT_NONE : text_of(channel_name((enum channel)f->channel))},
        {REASON, f->reason},
        {ROLE, f->role},
        {CUSTOMER, f->customer},
        {PROVIDER_ID, f->provider_id},
    };
    bitmap_fill(r->map, (size_t)r->rows);
    keep_kinds(r);
    if (f->status.data)
        keep_status(r);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i].wanted.data)
            keep_text(column_of(r, texts[i].field), texts[i].wanted, r->map);
    }
    if (f->since_ns || f->until_ns)
        keep_period(r);
    if (f->receipt != RECEIPT_NONE)
        keep_heard(r);
}

static void need(struct reading *r, enum field field)
{
    bitmap_set(r->needed, (size_t)r->places[field]);
}

static void need_filters(struct reading *r)
{
    const struct results_filter *f = r->filter;
    bitmap_zero(r->needed, r->column_count);
    need(r, DISPOSITION);
    if (f->status.data)
        need(r, OUTCOME);
    if (f->channel >= 0)
        need(r, CHANNEL);
    if (f->reason.data)
        need(r, REASON);
    if (f->role.data)
        need(r, ROLE);
    if (f->customer.data)
        need(r, CUSTOMER);
    if (f->provider_id.data)
        need(r, PROVIDER_ID);
    if (f->since_ns || f->until_ns)
        need(r, AT);
}

/* --- rows --- */

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

static int unknown_word(enum field field, struct text word, struct error *err)
{
    return error_set(err, ERROR_INPUT, "the column %s has the unknown value \"%.*s\"",
                     fields[field].name, (int)(word.bytes < 40 ? word.bytes : 40),
                     word.data ? word.data : "");
}

static int read_words(const struct reading *r, int64_t row, struct result *out,
                      struct error *err)
{
    struct text channel = column_text(column_of(r, CHANNEL), row);
    struct text disposition = column_text(column_of(r, DISPOSITION), row);
    struct text outcome = column_text(column_of(r, OUTCOME), row);
    struct text reason = column_text(column_of(r, REASON), row);
    int c = channel_parse(channel), o = OUTCOME_PENDING, why = DELIVERY_OK;
    int d = out->notice ? DISPOSITION_SEND
                        : number_of(disposition, disposition_word, DISPOSITION_COUNT);
    if (outcome.data)
        o = number_of(outcome, outcome_word, OUTCOME_COUNT);
    if (reason.data)
        why = number_of(reason, reason_word, DELIVERY_REASON_COUNT);
    if (c < 0)
        return unknown_word(CHANNEL, channel, err);
    if (d < 0)
        return unknown_word(DISPOSITION, disposition, err);
    if (o < 0)
        return unknown_word(OUTCOME, outcome, err);
    if (why < 0)
        return unknown_word(REASON, reason, err);
    out->channel = (enum channel)c;
    out->disposition = (enum disposition)d;
    out->outcome = (enum outcome)o;
    out->why = (enum delivery_reason)why;
    out->reason = why == DELIVERY_OK ? "" : delivery_reason_name(out->why);
    return 0;
}

static int64_t number_at(const struct reading *r, enum field field, int64_t row)
{
    int64_t number;
    (void)column_integer(column_of(r, field), row, &number);
    return number;
}

static int give(const struct reading *r, int64_t row, struct error *err)
{
    struct result out = {
        .number = r->first_row + (uint64_t)row,
        .notice = is_notice(r, row),
        .customer = column_text(column_of(r, CUSTOMER), row),
        .role = column_text(column_of(r, ROLE), row),
        .provider = column_text(column_of(r, PROVIDER), row),
        .provider_number = -1,
        .provider_id = column_text(column_of(r, PROVIDER_ID), row),
        .detail = column_text(column_of(r, DETAIL), row),
        .segments = (uint32_t)number_at(r, SEGMENTS, row),
        .attempts = (uint32_t)number_at(r, ATTEMPTS, row),
        .first_at_ms = number_at(r, FIRST_AT, row),
        .at_ms = number_at(r, AT, row),
    };
    int rc = read_words(r, row, &out, err);
    return rc ? rc : r->fn(r->arg, &out);
}

static int give_batch(struct reading *r, size_t batch, struct error *err)
{
    struct arrow_batch *whole = NULL;
    for (int f = 0; f < FIELDS; f++)
        need(r, (enum field)f);
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

static int read_batch(struct reading *r, size_t batch, struct error *err)
{
    struct arrow_batch *part = NULL;
    need_filters(r);
    r->rows = arrow_batch_rows(r->file, batch);
    int rc = arrow_batch_load(r->file, batch, r->needed, &part, err);
    if (rc)
        return rc;
    size_t words = bitmap_words((size_t)r->rows) + 1;
    r->map = calloc(words, sizeof(*r->map));
    r->other = calloc(words, sizeof(*r->other));
    CHECK(r->map != NULL && r->other != NULL);
    r->columns = arrow_batch_columns(part);
    keep(r);
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

static bool fits(const struct column *column, enum field field)
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

static int find_columns(struct reading *r, const char *path, struct error *err)
{
    const struct column *schema = arrow_schema(r->file, &r->column_count);
    for (int f = 0; f < FIELDS; f++) {
        r->places[f] = column_find(schema, r->column_count, text_of(fields[f].name));
        if (r->places[f] < 0 || !fits(&schema[r->places[f]], (enum field)f))
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
    struct reading r = {.filter = filter, .fn = fn, .arg = arg};
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
