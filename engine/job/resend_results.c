/* resend_results: see resend_results.h. Results are in the order of the snapshot, a line for each
 * channel of a row that was decided on, in the order of the channels; so both are walked side by side. */
#include "engine/job/resend_results.h"

#include "base/bitmap.h"
#include "base/file.h"
#include "ingest/snapshot.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* A file of rows, read from the first to the last. */
struct rows {
    struct snapshot *snapshot;
    struct snapshot_cursor *cursor;
    struct chunk chunk;
    size_t next_chunk;
    uint32_t next_row; /* within the chunk */
    char digits[24];
};

enum { CHANNEL, DISPOSITION, OUTCOME, WORDS };
static const char *const word_names[WORDS] = {"channel", "disposition", "outcome"};

struct walk {
    struct rows results, customers;
    int words[WORDS]; /* columns of the results */
    uint64_t row;     /* of the snapshot, that of the last result */
    int channel;      /* of the last result */
    bool begun;
    enum resend_only only;
    uint64_t *reached; /* of RESEND_QUOTA: rows that have a message on some channel */
    struct resend *out;
};

static int open_rows(struct rows *rows, const char *dir, const char *name,
                     const struct snapshot_alias *aliases, size_t alias_count,
                     struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, dir, text_of(name), err);
    return rc ? rc : snapshot_open(path, aliases, alias_count, &rows->snapshot, err);
}

static void begin(struct rows *rows, const int *columns, size_t count)
{
    size_t all;
    snapshot_schema(rows->snapshot, &all);
    uint64_t *needed = calloc(bitmap_words(all) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    bitmap_set(needed, (size_t)snapshot_column(rows->snapshot, SNAPSHOT_ID));
    for (size_t i = 0; i < count; i++)
        bitmap_set(needed, (size_t)columns[i]);
    rows->cursor = snapshot_cursor_create(rows->snapshot, needed);
    free(needed);
}

static void close_rows(struct rows *rows)
{
    snapshot_cursor_destroy(&rows->cursor);
    snapshot_close(&rows->snapshot);
}

/* next: 1 with the row's place in its chunk, 0 at the end, or negative. */
static int next(struct rows *rows, int64_t *at_out, struct error *err)
{
    while (rows->next_row >= rows->chunk.rows) {
        if (rows->next_chunk == snapshot_chunks(rows->snapshot))
            return 0;
        int rc =
            snapshot_cursor_chunk(rows->cursor, rows->next_chunk++, &rows->chunk, err);
        if (rc)
            return rc;
        rows->next_row = 0;
    }
    *at_out = rows->chunk.first + rows->next_row++;
    return 1;
}

static struct text id_at(struct rows *rows, int64_t at)
{
    const struct column *id =
        &rows->chunk.columns[snapshot_column(rows->snapshot, SNAPSHOT_ID)];
    int64_t number;
    if (column_is_text(id))
        return column_text(id, at);
    if (!column_integer(id, at, &number))
        return TEXT_NONE;
    return (struct text){
        rows->digits,
        (size_t)snprintf(rows->digits, sizeof(rows->digits), "%" PRId64, number)};
}

/* find: the row of the snapshot that a result is about: the last one's, or one behind it. */
static int find(struct walk *walk, struct text id, int channel, struct error *err)
{
    struct rows *customers = &walk->customers;
    int64_t at;
    int rc = 1;
    if (walk->begun && channel > walk->channel &&
        text_equal(id_at(customers, customers->chunk.first + customers->next_row - 1),
                   id))
        return 0;
    while ((rc = next(customers, &at, err)) == 1) {
        walk->row = customers->chunk.first_row + customers->next_row - 1;
        walk->begun = true;
        if (text_equal(id_at(customers, at), id))
            return 0;
    }
    return rc ? rc
              : error_set(err, ERROR_INPUT,
                          "results.arrow does not fit snapshot.arrow: \"%.*s\" is not "
                          "where it should be",
                          TEXT_ARGS(id));
}

static int word(const struct walk *walk, int64_t at, int which, struct text *out)
{
    *out = column_text(&walk->results.chunk.columns[walk->words[which]], at);
    return out->data ? 0 : -1;
}

static int disposition_of(struct text name)
{
    for (int d = 0; d < DISPOSITION_COUNT; d++) {
        if (text_is(name, disposition_name((enum disposition)d)))
            return d;
    }
    return DISPOSITION_NONE;
}

static int outcome_of(struct text name)
{
    for (int o = 0; o < OUTCOME_COUNT; o++) {
        if (text_is(name, outcome_name((enum outcome)o)))
            return o;
    }
    return OUTCOME_PENDING;
}

/* matters: only those are looked for in the snapshot. */
static bool matters(const struct walk *walk, enum disposition disposition,
                    enum outcome outcome)
{
    if (walk->only != RESEND_QUOTA)
        return resend_wants(disposition, outcome, walk->only);
    return disposition_sends(disposition) || resend_lacked_quota(disposition);
}

/* take: one line of the results. */
static int take(struct walk *walk, int64_t at, struct error *err)
{
    struct text channel_word, disposition, outcome;
    if (word(walk, at, CHANNEL, &channel_word) ||
        word(walk, at, DISPOSITION, &disposition))
        return 0;
    enum disposition d = (enum disposition)disposition_of(disposition);
    /* What was not planned has no outcome. */
    enum outcome o = word(walk, at, OUTCOME, &outcome)
                         ? OUTCOME_PENDING
                         : (enum outcome)outcome_of(outcome);
    if (!matters(walk, d, o))
        return 0;
    int channel = channel_parse(channel_word);
    if (channel < 0)
        return 0;
    int rc = find(walk, id_at(&walk->results, at), channel, err);
    if (rc)
        return rc;
    walk->channel = channel;
    if (walk->only == RESEND_QUOTA && disposition_sends(d))
        bitmap_set(walk->reached, walk->row);
    else
        resend_add(walk->out, channel, walk->row);
    return 0;
}

static int find_words(struct walk *walk, struct error *err)
{
    size_t count;
    const struct column *schema = snapshot_schema(walk->results.snapshot, &count);
    for (int w = 0; w < WORDS; w++) {
        walk->words[w] = -1;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(schema[i].name, word_names[w]) == 0 && column_is_text(&schema[i]))
                walk->words[w] = (int)i;
        }
        if (walk->words[w] < 0)
            return error_set(err, ERROR_INPUT,
                             "results.arrow has no column \"%s\" of words",
                             word_names[w]);
    }
    return 0;
}

/* is_closed: the report that is written behind the results says that the job is over. */
static bool is_closed(const char *dir)
{
    char path[PATH_BYTES];
    json_t *report = path_join(path, dir, TEXT("report.json"), NULL) == 0
                         ? json_load_file(path, 0, NULL)
                         : NULL;
    const char *state = json_string_value(json_object_get(report, "state"));
    bool closed =
        state && (strcmp(state, "finished") == 0 || strcmp(state, "cancelled") == 0);
    json_decref(report);
    return closed;
}

static int take_all(struct walk *walk, struct error *err)
{
    struct resend *out = walk->out;
    int64_t at;
    int rc;
    walk->reached = calloc(bitmap_words(out->rows) + 1, sizeof(*walk->reached));
    CHECK(walk->reached != NULL);
    while ((rc = next(&walk->results, &at, err)) == 1) {
        rc = take(walk, at, err);
        if (rc)
            break;
    }
    for (int c = 0; rc == 0 && c < CHANNEL_COUNT; c++) {
        if (!out->wanted[c])
            continue;
        bitmap_andnot(out->wanted[c], walk->reached, out->rows);
        out->counts[c] = bitmap_count(out->wanted[c], out->rows);
    }
    free(walk->reached);
    return rc;
}

int resend_results_read(const char *dir, const struct config *config,
                        enum resend_only only, struct resend *out, struct error *err)
{
    static const struct snapshot_alias customer = {"id", "customer"};
    struct walk walk = {.only = only, .out = out};
    if (!is_closed(dir))
        return error_set(err, ERROR_INPUT, "%s has no books that are closed", dir);
    int rc = open_rows(&walk.results, dir, "results.arrow", &customer, 1, err);
    if (rc == 0)
        rc = find_words(&walk, err);
    if (rc == 0)
        rc = open_rows(&walk.customers, dir, "snapshot.arrow", config->aliases,
                       config->alias_count, err);
    if (rc == 0) {
        out->rows = snapshot_rows(walk.customers.snapshot);
        begin(&walk.results, walk.words, WORDS);
        begin(&walk.customers, NULL, 0);
        rc = take_all(&walk, err);
    }
    close_rows(&walk.results);
    close_rows(&walk.customers);
    return rc;
}
