/* snapshot: see snapshot.h. */
#include "ingest/snapshot.h"

#include "base/bitmap.h"
#include "base/hash.h"
#include "base/near.h"
#include "ingest/snapshot_share.h"

#include <stdlib.h>

/* What a known column can be. */
enum need { NEED_KEY, NEED_TEXT, NEED_LABEL, NEED_BOOL, NEED_TEXTS, NEED_ROWS };

static const char *const need_sentences[] = {
    [NEED_KEY] = "text or an integer",   [NEED_TEXT] = "text",
    [NEED_LABEL] = "text or an integer", [NEED_BOOL] = "bool",
    [NEED_TEXTS] = "a list of text",     [NEED_ROWS] = "a list of struct",
};

static const struct {
    const char *name;
    enum need need;
} roles[SNAPSHOT_ROLE_COUNT] = {
    [SNAPSHOT_ID] = {"id", NEED_KEY},
    [SNAPSHOT_FIRST_NAME] = {"first_name", NEED_TEXT},
    [SNAPSHOT_LAST_NAME] = {"last_name", NEED_TEXT},
    [SNAPSHOT_EMAIL] = {"email", NEED_TEXT},
    [SNAPSHOT_EMAIL_VERIFIED] = {"email_verified", NEED_BOOL},
    [SNAPSHOT_PHONE] = {"phone", NEED_TEXT}, /* an integer has lost its + and its zeros */
    [SNAPSHOT_LOCALE] = {"locale", NEED_TEXT},
    [SNAPSHOT_TIMEZONE] = {"timezone", NEED_TEXT},
    [SNAPSHOT_ROLE] = {"role", NEED_LABEL},
    [SNAPSHOT_ENROLLED] = {"enrolled", NEED_BOOL},
    [SNAPSHOT_LOCATION] = {"location", NEED_LABEL},
    [SNAPSHOT_PUSH_TOKEN] = {"push_token", NEED_TEXT},
    [SNAPSHOT_NOTIFICATIONS_ENABLED] = {"notifications_enabled", NEED_BOOL},
    [SNAPSHOT_OPTOUT_MARKETING_EMAIL] = {"optout_marketing_email", NEED_BOOL},
    [SNAPSHOT_OPTOUT_TRANSACTIONAL_EMAIL] = {"optout_transactional_email", NEED_BOOL},
    [SNAPSHOT_OPTOUT_MARKETING_SMS] = {"optout_marketing_sms", NEED_BOOL},
    [SNAPSHOT_OPTOUT_SMS] = {"optout_sms", NEED_BOOL},
    [SNAPSHOT_TAGS] = {"tags", NEED_TEXTS},
    [SNAPSHOT_MEMBERSHIPS] = {"memberships", NEED_ROWS},
    [SNAPSHOT_VISITS] = {"visits", NEED_ROWS},
    [SNAPSHOT_BOOKINGS] = {"bookings", NEED_ROWS},
    [SNAPSHOT_PACKS] = {"packs", NEED_ROWS},
};

struct batch_start { /* of a record batch within the snapshot */
    uint64_t row;
    size_t chunk;
};

struct snapshot {
    char *path;
    struct arrow_file *file;
    const struct column *schema;
    size_t column_count;
    char **names; /* of renamed columns */
    size_t name_count;
    int columns[SNAPSHOT_ROLE_COUNT];
    struct batch_start *starts; /* batch_count + 1: the last one is the end */
    size_t batch_count;
    struct snapshot_share *share;
};

struct snapshot_cursor {
    struct snapshot *snapshot;
    struct shared_batch *held;
    uint64_t needed[];
};

const char *snapshot_role_name(enum snapshot_role role)
{
    CHECK(role < SNAPSHOT_ROLE_COUNT);
    return roles[role].name;
}

/* --- columns --- */

/* A writer that saw only nulls calls the type null; that serves any purpose but the key.
 */
static bool fits(const struct column *column, enum need need)
{
    if (column->type == COLUMN_NULL)
        return need != NEED_KEY;
    switch (need) {
    case NEED_KEY:
    case NEED_LABEL:
        return column_is_text(column) || column_is_integer(column);
    case NEED_TEXT:
        return column_is_text(column);
    case NEED_BOOL:
        return column->type == COLUMN_BOOL;
    case NEED_TEXTS:
        return column_is_list(column) && fits(column->children, NEED_TEXT);
    case NEED_ROWS:
        return column_is_list(column) && (column->children->type == COLUMN_STRUCT ||
                                          column->children->type == COLUMN_NULL);
    }
    return false;
}

/* Every alias is looked up in the names of the file, so that two may swap their names. */
static void rename_columns(struct snapshot *snapshot,
                           const struct snapshot_alias *aliases, size_t alias_count)
{
    int *found = calloc(alias_count + 1, sizeof(*found));
    snapshot->names = calloc(alias_count + 1, sizeof(*snapshot->names));
    CHECK(found != NULL && snapshot->names != NULL);
    for (size_t i = 0; i < alias_count; i++)
        found[i] = column_find(snapshot->schema, snapshot->column_count,
                               text_of(aliases[i].actual));
    for (size_t i = 0; i < alias_count; i++) {
        if (found[i] < 0)
            continue; /* aliases are for all snapshots, not each has every column */
        char *name = text_copy(text_of(aliases[i].known));
        snapshot->names[snapshot->name_count++] = name;
        arrow_rename(snapshot->file, (size_t)found[i], name);
    }
    free(found);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int refuse_twins(const struct snapshot *snapshot, struct error *err)
{
    size_t count = snapshot->column_count;
    const char **names = calloc(count + 1, sizeof(*names));
    CHECK(names != NULL);
    for (size_t i = 0; i < count; i++)
        names[i] = snapshot->schema[i].name;
    qsort(names, count, sizeof(*names), compare_names);
    int rc = 0;
    for (size_t i = 1; i < count && rc == 0; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            rc = error_set(err, ERROR_INPUT, "%s: two columns are called \"%s\"",
                           snapshot->path, names[i]);
    }
    free(names);
    return rc;
}

static int refuse_missing_id(const struct snapshot *snapshot, struct error *err)
{
    struct near near = {.wanted = TEXT("id")};
    for (size_t i = 0; i < snapshot->column_count; i++)
        near_offer(&near, text_of(snapshot->schema[i].name));
    char hint[128];
    return error_set(
        err, ERROR_INPUT,
        "%s: there is no column \"id\"%s; name the customers' key so, or map it "
        "under columns: in volley.yaml",
        snapshot->path, near_hint(&near, hint, sizeof(hint)));
}

static int find_columns(struct snapshot *snapshot, struct error *err)
{
    for (size_t role = 0; role < SNAPSHOT_ROLE_COUNT; role++) {
        int at = column_find(snapshot->schema, snapshot->column_count,
                             text_of(roles[role].name));
        snapshot->columns[role] = at;
        if (at < 0 && role == SNAPSHOT_ID)
            return refuse_missing_id(snapshot, err);
        if (at >= 0 && !fits(&snapshot->schema[at], roles[role].need))
            return error_set(
                err, ERROR_INPUT, "%s: column \"%s\" is of type %s; it must be %s",
                snapshot->path, roles[role].name, snapshot->schema[at].type_name,
                need_sentences[roles[role].need]);
    }
    return 0;
}

/* --- open and close --- */

static void lay_chunks(struct snapshot *snapshot)
{
    size_t count = arrow_batch_count(snapshot->file);
    snapshot->batch_count = count;
    snapshot->starts = calloc(count + 1, sizeof(*snapshot->starts));
    CHECK(snapshot->starts != NULL);
    struct batch_start at = {0, 0};
    for (size_t i = 0; i < count; i++) {
        uint64_t rows = (uint64_t)arrow_batch_rows(snapshot->file, i);
        snapshot->starts[i] = at;
        at.row += rows;
        at.chunk += (rows + CHUNK_ROWS_MAX - 1) / CHUNK_ROWS_MAX;
    }
    snapshot->starts[count] = at;
}

int snapshot_open(const char *path, const struct snapshot_alias *aliases,
                  size_t alias_count, struct snapshot **out, struct error *err)
{
    *out = NULL;
    struct arrow_file *file;
    int rc = arrow_open(path, &file, err);
    if (rc)
        return rc;
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    CHECK(snapshot != NULL);
    snapshot->path = text_copy(text_of(path));
    snapshot->file = file;
    snapshot->schema = arrow_schema(file, &snapshot->column_count);
    rename_columns(snapshot, aliases, alias_count);
    rc = refuse_twins(snapshot, err);
    if (rc == 0)
        rc = find_columns(snapshot, err);
    if (rc) {
        snapshot_close(&snapshot);
        return rc;
    }
    lay_chunks(snapshot);
    snapshot->share = snapshot_share_create(file, bitmap_words(snapshot->column_count));
    *out = snapshot;
    return 0;
}

void snapshot_close(struct snapshot **snapshot_at)
{
    struct snapshot *snapshot = *snapshot_at;
    if (!snapshot)
        return;
    snapshot_share_destroy(&snapshot->share);
    arrow_close(&snapshot->file);
    for (size_t i = 0; i < snapshot->name_count; i++)
        free(snapshot->names[i]);
    free(snapshot->names);
    free(snapshot->starts);
    free(snapshot->path);
    free(snapshot);
    *snapshot_at = NULL;
}

const struct column *snapshot_schema(const struct snapshot *snapshot, size_t *count_out)
{
    *count_out = snapshot->column_count;
    return snapshot->schema;
}

int snapshot_column(const struct snapshot *snapshot, enum snapshot_role role)
{
    CHECK(role < SNAPSHOT_ROLE_COUNT);
    return snapshot->columns[role];
}

uint64_t snapshot_rows(const struct snapshot *snapshot)
{
    return snapshot->starts[snapshot->batch_count].row;
}

size_t snapshot_chunks(const struct snapshot *snapshot)
{
    return snapshot->starts[snapshot->batch_count].chunk;
}

uint64_t snapshot_hash(const struct snapshot *snapshot)
{
    struct text contents = arrow_contents(snapshot->file);
    return hash64(contents.data, contents.bytes);
}

/* --- chunks --- */

/* The last record batch that starts at or before: behind those without rows that start
 * there too. */
static size_t batch_of_row(const struct snapshot *snapshot, uint64_t row)
{
    size_t low = 0, high = snapshot->batch_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->starts[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static size_t batch_of_chunk(const struct snapshot *snapshot, size_t chunk)
{
    size_t low = 0, high = snapshot->batch_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->starts[middle].chunk <= chunk)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t snapshot_chunk_of_row(const struct snapshot *snapshot, uint64_t row)
{
    CHECK(row < snapshot_rows(snapshot));
    const struct batch_start *start = &snapshot->starts[batch_of_row(snapshot, row)];
    return start->chunk + (size_t)((row - start->row) / CHUNK_ROWS_MAX);
}

void snapshot_chunk_rows(const struct snapshot *snapshot, size_t chunk,
                         uint64_t *first_out, uint64_t *end_out)
{
    CHECK(chunk < snapshot_chunks(snapshot));
    const struct batch_start *start = &snapshot->starts[batch_of_chunk(snapshot, chunk)];
    uint64_t first = start->row + (uint64_t)(chunk - start->chunk) * CHUNK_ROWS_MAX;
    uint64_t end = first + CHUNK_ROWS_MAX;
    *first_out = first;
    *end_out = end < start[1].row ? end : start[1].row;
}

struct snapshot_cursor *snapshot_cursor_create(struct snapshot *snapshot,
                                               const uint64_t *needed)
{
    size_t words = bitmap_words(snapshot->column_count);
    struct snapshot_cursor *cursor =
        calloc(1, sizeof(*cursor) + words * sizeof(cursor->needed[0]));
    CHECK(cursor != NULL);
    cursor->snapshot = snapshot;
    bitmap_copy(cursor->needed, needed, snapshot->column_count);
    return cursor;
}

void snapshot_cursor_destroy(struct snapshot_cursor **cursor)
{
    if (!*cursor)
        return;
    snapshot_share_release((*cursor)->snapshot->share, &(*cursor)->held);
    free(*cursor);
    *cursor = NULL;
}

int snapshot_cursor_chunk(struct snapshot_cursor *cursor, size_t chunk, struct chunk *out,
                          struct error *err)
{
    struct snapshot *snapshot = cursor->snapshot;
    CHECK(chunk < snapshot_chunks(snapshot));
    size_t number = batch_of_chunk(snapshot, chunk);
    if (cursor->held && shared_batch_number(cursor->held) != number)
        snapshot_share_release(snapshot->share, &cursor->held);
    if (!cursor->held) {
        int rc = snapshot_share_hold(snapshot->share, number, cursor->needed,
                                     &cursor->held, err);
        if (rc)
            return rc;
    }
    const struct batch_start *start = &snapshot->starts[number];
    uint64_t first = (uint64_t)(chunk - start->chunk) * CHUNK_ROWS_MAX;
    uint64_t rest = start[1].row - start->row - first;
    *out = (struct chunk){
        .columns = shared_batch_columns(cursor->held),
        .column_count = snapshot->column_count,
        .first = (int64_t)first,
        .rows = (uint32_t)(rest < CHUNK_ROWS_MAX ? rest : CHUNK_ROWS_MAX),
        .first_row = start->row + first,
    };
    return 0;
}

/* --- verify --- */

/* The first row whose text is no UTF-8, in a column or below it, or -1. Children are
 * checked to their own last row: rows no list refers to are bytes of the file as well. */
static int64_t find_bad_text(const struct column *column)
{
    if (column_is_text(column)) {
        const struct column *texts =
            column->type == COLUMN_DICTIONARY ? column->dictionary : column;
        for (int64_t row = 0; row < texts->rows; row++) {
            struct text t = column_text(texts, row);
            if (t.data && !utf8_valid(t))
                return row;
        }
        return -1;
    }
    int64_t bad = -1;
    for (size_t i = 0; i < column->child_count && bad < 0; i++)
        bad = find_bad_text(&column->children[i]);
    return bad;
}

static int verify_column(const struct snapshot *snapshot, size_t number, size_t column,
                         const uint64_t *needed, struct error *err)
{
    struct arrow_batch *batch;
    int rc = arrow_batch_load(snapshot->file, number, needed, &batch, err);
    if (rc)
        return rc;
    int64_t bad = find_bad_text(&arrow_batch_columns(batch)[column]);
    if (bad >= 0)
        rc = error_set(err, ERROR_INPUT,
                       "%s: record batch %zu: column \"%s\": row %lld is not valid UTF-8",
                       snapshot->path, number, snapshot->schema[column].name,
                       (long long)bad);
    arrow_batch_destroy(&batch);
    return rc;
}

int snapshot_verify(const struct snapshot *snapshot, struct error *err)
{
    size_t count = snapshot->column_count;
    uint64_t *needed = calloc(bitmap_words(count), sizeof(*needed));
    CHECK(needed != NULL);
    int rc = 0;
    for (size_t number = 0; number < snapshot->batch_count && rc == 0; number++) {
        for (size_t column = 0; column < count && rc == 0;
             column++) { /* one, to save memory */
            if (snapshot->schema[column].type == COLUMN_UNSUPPORTED)
                continue;
            bitmap_set(needed, column);
            rc = verify_column(snapshot, number, column, needed, err);
            bitmap_clear(needed, column);
        }
    }
    free(needed);
    return rc;
}
