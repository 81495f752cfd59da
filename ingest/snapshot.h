/* snapshot: an account's customers as chunks of rows, with the meaning of the known columns. */
#ifndef INGEST_SNAPSHOT_H
#define INGEST_SNAPSHOT_H

#include "base/column.h"

/* The columns volley knows by name (DESIGN 4.5); all but id may be missing. */
enum snapshot_role {
    SNAPSHOT_ID,
    SNAPSHOT_FIRST_NAME,
    SNAPSHOT_LAST_NAME,
    SNAPSHOT_EMAIL,
    SNAPSHOT_EMAIL_VERIFIED,
    SNAPSHOT_PHONE,
    SNAPSHOT_LOCALE,
    SNAPSHOT_TIMEZONE,
    SNAPSHOT_ROLE,
    SNAPSHOT_ENROLLED,
    SNAPSHOT_LOCATION,
    SNAPSHOT_PUSH_TOKEN,
    SNAPSHOT_NOTIFICATIONS_ENABLED,
    SNAPSHOT_OPTOUT_MARKETING_EMAIL,
    SNAPSHOT_OPTOUT_TRANSACTIONAL_EMAIL,
    SNAPSHOT_OPTOUT_MARKETING_SMS,
    SNAPSHOT_OPTOUT_SMS,
    SNAPSHOT_TAGS,
    SNAPSHOT_MEMBERSHIPS,
    SNAPSHOT_VISITS,
    SNAPSHOT_BOOKINGS,
    SNAPSHOT_PACKS,
    SNAPSHOT_ROLE_COUNT
};

const char *snapshot_role_name(enum snapshot_role role);

/* One entry of `columns:` in volley.yaml: the known name and what the file calls it. */
struct snapshot_alias {
    const char *known;
    const char *actual;
};

struct snapshot;

/* snapshot_open: open path (.arrow file or stream), rename aliased columns, find the known ones.
 * Errors: ERROR_INPUT: no Arrow file; no id column; a known column of a type that cannot serve
 *         (e.g. email as integer), naming column, type and what is needed; two columns of one name. */
int snapshot_open(const char *path, const struct snapshot_alias *aliases,
                  size_t alias_count, struct snapshot **out, struct error *err) MUST_USE;
void snapshot_close(struct snapshot **snapshot);

const struct column *snapshot_schema(const struct snapshot *snapshot, size_t *count_out);
/* snapshot_column: schema index of a known column, or -1 when the file has none. */
int snapshot_column(const struct snapshot *snapshot, enum snapshot_role role);
uint64_t snapshot_rows(const struct snapshot *snapshot);
size_t snapshot_chunks(const struct snapshot *snapshot);

/* snapshot_chunk_of_row: the chunk that holds a row. Chunks are in row order but not all of equal
 * size: none spans two record batches. */
size_t snapshot_chunk_of_row(const struct snapshot *snapshot, uint64_t row);

/* snapshot_chunk_rows: a chunk's rows, the end not among them. */
void snapshot_chunk_rows(const struct snapshot *snapshot, size_t chunk,
                         uint64_t *first_out, uint64_t *end_out);

/* snapshot_verify: read every byte of every column of every batch.
 * Errors: as arrow_batch_load. */
int snapshot_verify(const struct snapshot *snapshot, struct error *err) MUST_USE;

/* snapshot_hash: XXH3-64 over the file's bytes. */
uint64_t snapshot_hash(const struct snapshot *snapshot);

/* A cursor opens chunks for one thread; record batches are shared between cursors and dropped when
 * the last cursor has moved on. */
struct snapshot_cursor;
struct snapshot_cursor *snapshot_cursor_create(struct snapshot *snapshot,
                                               const uint64_t *needed);
void snapshot_cursor_destroy(struct snapshot_cursor **cursor);

/* snapshot_cursor_chunk: views of chunk number `chunk`, valid until the next call on this cursor.
 * Errors: ERROR_INPUT, ERROR_IO as arrow_batch_load. */
int snapshot_cursor_chunk(struct snapshot_cursor *cursor, size_t chunk, struct chunk *out,
                          struct error *err) MUST_USE;

#endif
