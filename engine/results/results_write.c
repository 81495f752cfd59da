/* results_write: results as an Arrow file, for DuckDB, pandas and `messages`. */
#include "base/buffer.h"
#include "base/file.h"
#include "engine/results/results.h"
#include "ingest/arrow/arrow_write.h"

#include <stdlib.h>

#define BATCH_ROWS 65536

/* Columns of text, of words with a dictionary, of numbers and times. */
enum { CUSTOMER, ROLE, PROVIDER_ID, DETAIL, TEXT_COLUMNS };
enum { CHANNEL, DISPOSITION, OUTCOME, REASON, PROVIDER, WORD_COLUMNS };
enum { FIRST_AT, AT, TIME_COLUMNS };

struct text_column {
    struct buffer bytes;
    int32_t offsets[BATCH_ROWS + 1];
    uint64_t validity[BATCH_ROWS / 64];
};

struct word_column {
    int16_t codes[BATCH_ROWS]; /* signed: what pandas takes */
    uint64_t validity[BATCH_ROWS / 64];
    struct buffer bytes, offsets; /* of the dictionary */
    struct column dictionary;
};

struct time_column {
    int64_t ms[BATCH_ROWS];
    uint64_t validity[BATCH_ROWS / 64];
};

struct writer {
    char path[PATH_BYTES];
    struct arrow_writer *arrow; /* NULL until the first batch */
    const struct job *job;
    struct results_summary *summary;
    struct error *err;
    int64_t rows;
    struct text_column texts[TEXT_COLUMNS];
    struct word_column words[WORD_COLUMNS];
    int32_t segments[BATCH_ROWS], attempts[BATCH_ROWS];
    struct time_column times[TIME_COLUMNS];
};

/* --- columns --- */

static struct column text_column(const struct writer *w, const char *name, int number)
{
    const struct text_column *c = &w->texts[number];
    return (struct column){.name = name,
                           .type = COLUMN_UTF8,
                           .rows = w->rows,
                           .validity = c->validity,
                           .offsets = c->offsets,
                           .values = buffer_view(&c->bytes).data};
}

static struct column word_column(const struct writer *w, const char *name, int number)
{
    const struct word_column *c = &w->words[number];
    return (struct column){.name = name,
                           .type = COLUMN_DICTIONARY,
                           .code_type = COLUMN_INT16,
                           .dictionary = &c->dictionary,
                           .rows = w->rows,
                           .validity = c->validity,
                           .values = c->codes};
}

static struct column count_column(const struct writer *w, const char *name,
                                  const int32_t *values)
{
    return (struct column){
        .name = name, .type = COLUMN_INT32, .rows = w->rows, .values = values};
}

static struct column time_column(const struct writer *w, const char *name, int number)
{
    return (struct column){.name = name,
                           .type = COLUMN_TIMESTAMP,
                           .unit = COLUMN_MILLISECONDS,
                           .timezone = "UTC",
                           .rows = w->rows,
                           .validity = w->times[number].validity,
                           .values = w->times[number].ms};
}

#define COLUMNS (TEXT_COLUMNS + WORD_COLUMNS + 2 + TIME_COLUMNS)

static void describe(const struct writer *w, struct column out[COLUMNS])
{
    const struct column columns[] = {
        text_column(w, "customer", CUSTOMER),
        text_column(w, "role", ROLE),
        word_column(w, "channel", CHANNEL),
        word_column(w, "disposition", DISPOSITION),
        word_column(w, "outcome", OUTCOME),
        word_column(w, "reason", REASON),
        word_column(w, "provider", PROVIDER),
        text_column(w, "provider_id", PROVIDER_ID),
        text_column(w, "detail", DETAIL),
        count_column(w, "segments", w->segments),
        count_column(w, "attempts", w->attempts),
        time_column(w, "first_at", FIRST_AT),
        time_column(w, "at", AT),
    };
    _Static_assert(ARRAY_COUNT(columns) == COLUMNS, "every column is described");
    memcpy(out, columns, sizeof(columns));
}

/* --- dictionaries: the words are numbered as their enum is --- */

static void add_word(struct word_column *c, struct text word)
{
    int32_t end = (int32_t)(c->bytes.bytes + word.bytes);
    buffer_text(&c->bytes, word);
    buffer_add(&c->offsets, &end, sizeof(end));
    c->dictionary.rows++;
}

/* The notice's disposition stands behind those of customers. */
#define DISPOSITION_NOTICE DISPOSITION_COUNT

static void add_words(struct writer *w, const struct text *providers, size_t count)
{
    const int32_t zero = 0;
    for (int i = 0; i < WORD_COLUMNS; i++)
        buffer_add(&w->words[i].offsets, &zero, sizeof(zero));
    for (int i = 0; i < CHANNEL_COUNT; i++)
        add_word(&w->words[CHANNEL], text_of(channel_name((enum channel)i)));
    for (int i = 0; i < DISPOSITION_COUNT; i++)
        add_word(&w->words[DISPOSITION], text_of(disposition_name((enum disposition)i)));
    add_word(&w->words[DISPOSITION], TEXT("notice"));
    for (int i = 0; i < OUTCOME_COUNT; i++)
        add_word(&w->words[OUTCOME], text_of(outcome_name((enum outcome)i)));
    for (int i = 0; i < DELIVERY_REASON_COUNT; i++)
        add_word(&w->words[REASON],
                 text_of(delivery_reason_name((enum delivery_reason)i)));
    for (size_t i = 0; i < count; i++)
        add_word(&w->words[PROVIDER], providers[i]);
    for (int i = 0; i < WORD_COLUMNS; i++) {
        struct word_column *c = &w->words[i];
        c->dictionary.name = "";
        c->dictionary.type = COLUMN_UTF8;
        c->dictionary.values = buffer_view(&c->bytes).data;
        c->dictionary.offsets = c->offsets.data;
    }
}

/* --- rows --- */

/* open_file: with the first batch, for by then all providers are known. */
static int open_file(struct writer *w, const struct text *providers, size_t count)
{
    struct column columns[COLUMNS];
    add_words(w, providers, count);
    describe(w, columns);
    return arrow_writer_open(w->path, columns, COLUMNS, &w->arrow, w->err);
}

static int flush(struct writer *w)
{
    struct column columns[COLUMNS];
    describe(w, columns);
    int rc = w->rows > 0 ? arrow_writer_batch(w->arrow, columns, w->err) : 0;
    for (int c = 0; c < TEXT_COLUMNS; c++) {
        buffer_clear(&w->texts[c].bytes);
        memset(w->texts[c].validity, 0, sizeof(w->texts[c].validity));
    }
    for (int c = 0; c < WORD_COLUMNS; c++)
        memset(w->words[c].validity, 0, sizeof(w->words[c].validity));
    for (int c = 0; c < TIME_COLUMNS; c++)
        memset(w->times[c].validity, 0, sizeof(w->times[c].validity));
    w->rows = 0;
    return rc;
}

static void set_valid(uint64_t *validity, int64_t row)
{
    validity[row / 64] |= 1ull << (row % 64);
}

static void put_text(struct writer *w, int column, struct text t)
{
    struct text_column *c = &w->texts[column];
    if (t.data && t.bytes > 0) {
        buffer_text(&c->bytes, t);
        set_valid(c->validity, w->rows);
    }
    c->offsets[w->rows + 1] = (int32_t)c->bytes.bytes;
}

static void put_word(struct writer *w, int column, unsigned code, bool valid)
{
    w->words[column].codes[w->rows] = valid ? (int16_t)code : 0;
    if (valid)
        set_valid(w->words[column].validity, w->rows);
}

static void put_time(struct writer *w, int column, int64_t ms)
{
    w->times[column].ms[w->rows] = ms;
    if (ms)
        set_valid(w->times[column].validity, w->rows);
}

static void count(struct writer *w, const struct result *r)
{
    struct books_channel *c = &w->summary->books.channels[r->channel];
    c->dispositions[r->disposition]++;
    if (r->outcome != OUTCOME_PENDING)
        c->outcomes[r->outcome]++;
    if (r->channel == CHANNEL_SMS && r->disposition == DISPOSITION_SEND) {
        c->segments += r->segments;
        if (r->outcome == OUTCOME_SENT || r->outcome == OUTCOME_UNKNOWN)
            w->summary->charged_segments += r->segments;
    }
    if (r->channel == w->job->file.channels[0])
        w->summary->books.matched++;
    tally_add(&w->summary->tally, r);
}

static int add(void *arg, const struct result *r)
{
    struct writer *w = arg;
    int rc = w->arrow ? 0 : open_file(w, r->providers, r->provider_count);
    if (rc)
        return rc;
    put_text(w, CUSTOMER, r->customer);
    put_text(w, ROLE, r->role);
    put_word(w, CHANNEL, r->channel, true);
    put_word(w, DISPOSITION, r->notice ? DISPOSITION_NOTICE : (unsigned)r->disposition,
             true);
    put_word(w, OUTCOME, r->outcome, disposition_sends(r->disposition));
    put_word(w, REASON, r->why, r->why != DELIVERY_OK);
    put_word(w, PROVIDER, (unsigned)r->provider_number, r->provider_number >= 0);
    put_text(w, PROVIDER_ID, r->provider_id);
    put_text(w, DETAIL, r->detail);
    w->segments[w->rows] = (int32_t)r->segments;
    w->attempts[w->rows] = (int32_t)r->attempts;
    put_time(w, FIRST_AT, r->first_at_ms);
    put_time(w, AT, r->at_ms);
    if (!r->notice)
        count(w, r);
    return ++w->rows == BATCH_ROWS ? flush(w) : 0;
}

static void destroy(struct writer *w)
{
    for (int c = 0; c < TEXT_COLUMNS; c++)
        buffer_fini(&w->texts[c].bytes);
    for (int c = 0; c < WORD_COLUMNS; c++) {
        buffer_fini(&w->words[c].bytes);
        buffer_fini(&w->words[c].offsets);
    }
    free(w);
}

int results_write(const char *dir, const struct job *job, struct results_summary *out,
                  struct error *err)
{
    *out = (struct results_summary){0};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        out->books.channels[c].named = job_names(job, (enum channel)c);
    struct writer *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    w->job = job;
    w->summary = out;
    w->err = err;
    int rc = path_join(w->path, dir, TEXT("results.arrow"), err);
    if (rc == 0)
        rc = results_scan(dir, job->snapshot, add, w, err);
    if (rc == 0 && !w->arrow)
        rc = open_file(w, NULL, 0);
    if (rc == 0)
        rc = flush(w);
    if (w->arrow) {
        int closed = arrow_writer_close(&w->arrow, rc == 0, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    destroy(w);
    return rc;
}
