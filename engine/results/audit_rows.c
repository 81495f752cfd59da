/* audit_rows: see audit_rows.h. */
#include "engine/results/audit_rows.h"

#include "base/bitmap.h"
#include "ingest/arrow/arrow_read.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CHANNEL, DISPOSITION, OUTCOME, COUNTED };

static int named(struct text t, const char *(*name_of)(int), int count)
{
    for (int i = 0; i < count; i++)
        if (text_is(t, name_of(i)))
            return i;
    return -1;
}

static const char *channel_of(int i)
{
    return channel_name((enum channel)i);
}

static const char *disposition_of(int i)
{
    return disposition_name((enum disposition)i);
}

static const char *outcome_of(int i)
{
    return outcome_name((enum outcome)i);
}

static bool is_notice(struct text disposition)
{
    return text_is(disposition, "notice");
}

static bool count_row(struct audit_rows *rows,
                      const struct column *const counted[COUNTED], int64_t row)
{
    struct text disposition = column_text(counted[DISPOSITION], row);
    struct text outcome = column_text(counted[OUTCOME], row);
    int c = named(column_text(counted[CHANNEL], row), channel_of, CHANNEL_COUNT);
    int d = named(disposition, disposition_of, DISPOSITION_COUNT);
    int o = named(outcome, outcome_of, OUTCOME_COUNT);
    rows->count++;
    if (is_notice(disposition))
        return true;
    if (c < 0 || d < 0 || (outcome.data && o < 0))
        return false;
    rows->dispositions[c][d]++;
    if (o >= 0)
        rows->outcomes[c][o]++;
    return true;
}

static int count_batch(const struct arrow_batch *batch, int64_t batch_rows,
                       const int at[COUNTED], struct audit_rows *rows, const char *path,
                       struct error *err)
{
    const struct column *columns = arrow_batch_columns(batch), *counted[COUNTED];
    for (int i = 0; i < COUNTED; i++)
        counted[i] = &columns[at[i]];
    for (int64_t row = 0; row < batch_rows; row++)
        if (!count_row(rows, counted, row))
            return error_set(err, ERROR_INPUT,
                             "%s: row %" PRIu64 " holds words that were never written: "
                             "restore the file from a copy",
                             path, rows->count);
    return 0;
}

static int find_columns(const struct arrow_file *file, int at[COUNTED], const char *path,
                        struct error *err)
{
    static const char *const names[COUNTED] = {"channel", "disposition", "outcome"};
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    for (int i = 0; i < COUNTED; i++) {
        at[i] = column_find(schema, count, text_of(names[i]));
        if (at[i] < 0 || !column_is_text(&schema[at[i]]))
            return error_set(err, ERROR_INPUT,
                             "%s has no column %s of texts: restore the file from a copy",
                             path, names[i]);
    }
    return 0;
}

static uint64_t *all_columns(const struct arrow_file *file)
{
    size_t count;
    arrow_schema(file, &count);
    uint64_t *needed = calloc(bitmap_words(count) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    for (size_t c = 0; c < count; c++)
        bitmap_set(needed, c);
    return needed;
}

int audit_rows_read(const char *path, struct audit_rows *out, struct error *err)
{
    struct arrow_file *file = NULL;
    int at[COUNTED];
    *out = (struct audit_rows){0};
    int rc = arrow_open(path, &file, err);
    if (rc)
        return rc;
    rc = find_columns(file, at, path, err);
    uint64_t *needed = all_columns(file);
    for (size_t b = 0; rc == 0 && b < arrow_batch_count(file); b++) {
        struct arrow_batch *batch = NULL;
        rc = arrow_batch_load(file, b, needed, &batch, err);
        if (rc == 0)
            rc = count_batch(batch, arrow_batch_rows(file, b), at, out, path, err);
        arrow_batch_destroy(&batch);
    }
    free(needed);
    arrow_close(&file);
    return rc;
}

int audit_rows_compare(const struct audit_rows *rows, const struct replay *replay,
                       const char *path, struct error *err)
{
    if (memcmp(rows->dispositions, replay->counts, sizeof(rows->dispositions)) == 0 &&
        memcmp(rows->outcomes, replay->outcomes, sizeof(rows->outcomes)) == 0)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "the rows of %s are not what the journal says became of the "
                     "messages: the journal is right, restore the file from a copy",
                     path);
}
