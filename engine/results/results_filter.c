/* results_filter: which messages are wanted: one by one, or a record batch's rows as a bitmap. */
#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/results/results_read_private.h"

#include <stdlib.h>

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
static void keep_status(struct results_reading *r)
{
    const struct column *outcome = results_read_column(r, RESULTS_OUTCOME);
    size_t rows = (size_t)r->rows;
    bitmap_copy(r->other, r->map, rows);
    for (size_t w = 0; w < bitmap_words(rows); w++)
        r->other[w] &= outcome->validity ? ~outcome->validity[w] : 0;
    keep_text(results_read_column(r, RESULTS_DISPOSITION), r->filter->status, r->other);
    for (size_t w = 0; outcome->validity && w < bitmap_words(rows); w++)
        r->map[w] &= outcome->validity[w];
    keep_text(outcome, r->filter->status, r->map);
    bitmap_or(r->map, r->other, rows);
}

static void keep_period(struct results_reading *r)
{
    const struct column *at = results_read_column(r, RESULTS_AT);
    size_t rows = (size_t)r->rows;
    for (size_t i = bitmap_next(r->map, 0, rows); i < rows;
         i = bitmap_next(r->map, i + 1, rows)) {
        int64_t ms;
        (void)column_integer(at, (int64_t)i, &ms);
        if (!in_period(r->filter, ms))
            bitmap_clear(r->map, i);
    }
}

static void keep_heard(struct results_reading *r)
{
    size_t rows = (size_t)r->rows;
    for (size_t i = bitmap_next(r->map, 0, rows); i < rows;
         i = bitmap_next(r->map, i + 1, rows)) {
        if (!is_heard(r->filter, r->first_row + i))
            bitmap_clear(r->map, i);
    }
}

static void keep_kinds(struct results_reading *r)
{
    const struct results_filter *f = r->filter;
    bool has_notice = r->rows > 0 && results_read_notice(r, 0);
    if (!f->customers)
        bitmap_zero(r->map, (size_t)r->rows);
    if (has_notice && f->notice)
        bitmap_set(r->map, 0);
    else if (has_notice)
        bitmap_clear(r->map, 0);
}

void results_filter_keep(struct results_reading *r)
{
    const struct results_filter *f = r->filter;
    const struct {
        enum results_field field;
        struct text wanted;
    } texts[] = {
        {RESULTS_CHANNEL,
         f->channel < 0 ? TEXT_NONE : text_of(channel_name((enum channel)f->channel))},
        {RESULTS_REASON, f->reason},
        {RESULTS_ROLE, f->role},
        {RESULTS_CUSTOMER, f->customer},
        {RESULTS_PROVIDER_ID, f->provider_id},
    };
    bitmap_fill(r->map, (size_t)r->rows);
    keep_kinds(r);
    if (f->status.data)
        keep_status(r);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i].wanted.data)
            keep_text(results_read_column(r, texts[i].field), texts[i].wanted, r->map);
    }
    if (f->since_ns || f->until_ns)
        keep_period(r);
    if (f->receipt != RECEIPT_NONE)
        keep_heard(r);
}

void results_filter_needs(struct results_reading *r)
{
    const struct results_filter *f = r->filter;
    bitmap_zero(r->needed, r->column_count);
    results_read_need(r, RESULTS_DISPOSITION);
    if (f->status.data)
        results_read_need(r, RESULTS_OUTCOME);
    if (f->channel >= 0)
        results_read_need(r, RESULTS_CHANNEL);
    if (f->reason.data)
        results_read_need(r, RESULTS_REASON);
    if (f->role.data)
        results_read_need(r, RESULTS_ROLE);
    if (f->customer.data)
        results_read_need(r, RESULTS_CUSTOMER);
    if (f->provider_id.data)
        results_read_need(r, RESULTS_PROVIDER_ID);
    if (f->since_ns || f->until_ns)
        results_read_need(r, RESULTS_AT);
}
