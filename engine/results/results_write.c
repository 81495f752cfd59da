/* results_write: results as an Arrow file, for DuckDB, pandas and `messages`. */
#include "base/buffer.h"
#include "base/file.h"
#include "engine/results/results.h"
#include "ingest/arrow/arrow_write.h"

#include <stdlib.h>

#define BATCH_ROWS 65536

enum {
    CUSTOMER,
    ROLE,
    CHANNEL,
    DISPOSITION,
    OUTCOME,
    REASON,
    PROVIDER,
    PROVIDER_ID,
    DETAIL,
    TEXT_COLUMNS
};
enum { SEGMENTS = TEXT_COLUMNS, ATTEMPTS, AT, COLUMNS };

static const char *const names[COLUMNS] = {
    "customer", "role",        "channel", "disposition", "outcome",  "reason",
    "provider", "provider_id", "detail",  "segments",    "attempts", "at"};

struct text_column {
    struct buffer bytes;
    int32_t offsets[BATCH_ROWS + 1];
    uint64_t validity[BATCH_ROWS / 64];
};

struct writer {
    struct arrow_writer *arrow;
    const struct job *job;
    struct results_summary *summary;
    struct error *err;
    int64_t rows;
    struct text_column texts[TEXT_COLUMNS];
    int32_t segments[BATCH_ROWS], attempts[BATCH_ROWS];
    int64_t at[BATCH_ROWS];
    uint64_t at_validity[BATCH_ROWS / 64];
};

static void describe(struct column *columns)
{
    for (int c = 0; c < COLUMNS; c++)
        columns[c] = (struct column){
            .name = names[c], .type = c < TEXT_COLUMNS ? COLUMN_UTF8 : COLUMN_INT32};
    columns[AT].type = COLUMN_TIMESTAMP;
    columns[AT].unit = COLUMN_MILLISECONDS;
    columns[AT].timezone = "UTC";
}

static int flush(struct writer *w)
{
    struct column columns[COLUMNS];
    describe(columns);
    for (int c = 0; c < COLUMNS; c++)
        columns[c].rows = w->rows;
    for (int c = 0; c < TEXT_COLUMNS; c++) {
        columns[c].values = w->texts[c].bytes.data ? w->texts[c].bytes.data : "";
        columns[c].offsets = w->texts[c].offsets;
        columns[c].validity = w->texts[c].validity;
    }
    columns[SEGMENTS].values = w->segments;
    columns[ATTEMPTS].values = w->attempts;
    columns[AT].values = w->at;
    columns[AT].validity = w->at_validity;
    int rc = w->rows > 0 ? arrow_writer_batch(w->arrow, columns, w->err) : 0;
    for (int c = 0; c < TEXT_COLUMNS; c++) {
        buffer_clear(&w->texts[c].bytes);
        memset(w->texts[c].validity, 0, sizeof(w->texts[c].validity));
    }
    memset(w->at_validity, 0, sizeof(w->at_validity));
    w->rows = 0;
    return rc;
}

static void put(struct writer *w, int column, struct text t)
{
    struct text_column *c = &w->texts[column];
    if (t.data && t.bytes > 0) {
        buffer_text(&c->bytes, t);
        c->validity[w->rows / 64] |= 1ull << (w->rows % 64);
    }
    c->offsets[w->rows + 1] = (int32_t)c->bytes.bytes;
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
}

static int add(void *arg, const struct result *r)
{
    struct writer *w = arg;
    bool planned = disposition_sends(r->disposition);
    put(w, CUSTOMER, r->customer);
    put(w, ROLE, r->role);
    put(w, CHANNEL, text_of(channel_name(r->channel)));
    put(w, DISPOSITION, text_of(r->notice ? "notice" : disposition_name(r->disposition)));
    put(w, OUTCOME, planned ? text_of(outcome_name(r->outcome)) : TEXT_NONE);
    put(w, REASON, text_of(r->reason));
    put(w, PROVIDER, r->provider);
    put(w, PROVIDER_ID, r->provider_id);
    put(w, DETAIL, r->detail);
    w->segments[w->rows] = (int32_t)r->segments;
    w->attempts[w->rows] = (int32_t)r->attempts;
    w->at[w->rows] = r->at_ms;
    if (r->at_ms)
        w->at_validity[w->rows / 64] |= 1ull << (w->rows % 64);
    if (!r->notice)
        count(w, r);
    return ++w->rows == BATCH_ROWS ? flush(w) : 0;
}

int results_write(const char *dir, const struct job *job, struct results_summary *out,
                  struct error *err)
{
    char path[PATH_BYTES];
    struct column schema[COLUMNS];
    describe(schema);
    *out = (struct results_summary){0};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        out->books.channels[c].named = job_names(job, (enum channel)c);
    struct writer *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    w->job = job;
    w->summary = out;
    w->err = err;
    int rc = path_join(path, dir, TEXT("results.arrow"), err);
    if (rc == 0)
        rc = arrow_writer_open(path, schema, COLUMNS, &w->arrow, err);
    if (rc == 0)
        rc = results_scan(dir, job->snapshot, add, w, err);
    if (rc == 0)
        rc = flush(w);
    if (w->arrow) {
        int closed = arrow_writer_close(&w->arrow, rc == 0, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    for (int c = 0; c < TEXT_COLUMNS; c++)
        buffer_fini(&w->texts[c].bytes);
    free(w);
    return rc;
}
