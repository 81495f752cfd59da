/* arrow_read: an Arrow IPC file or stream, mapped, verified before use.
 *
 * Opening reads the schema and where each record batch lies. Loading a record batch gives
 * views into the mapping (or into decompressed copies) of the columns asked for, after
 * checking every length and offset in them; the other columns stay untouched. */
#ifndef INGEST_ARROW_READ_H
#define INGEST_ARROW_READ_H

#include "base/column.h"

struct arrow_file;
struct arrow_batch;

/* arrow_open: map path.
 * Errors: ERROR_INPUT (no Arrow file, damaged, truncated), ERROR_IO. */
int arrow_open(const char *path, struct arrow_file **out, struct error *err) MUST_USE;
void arrow_close(struct arrow_file **file);

/* arrow_schema: the columns' names and types; rows 0, no buffers. Lives as long as the
 * file. */
const struct column *arrow_schema(const struct arrow_file *file, size_t *count_out);
/* arrow_rename: call a column by another name, which is borrowed until the file is
 * closed.
 * Threads: before any batch is loaded */
void arrow_rename(struct arrow_file *file, size_t column, const char *name);

/* arrow_contents: the file's bytes, mapped. */
struct text arrow_contents(const struct arrow_file *file);

size_t arrow_batch_count(const struct arrow_file *file);
int64_t arrow_batch_rows(const struct arrow_file *file, size_t batch);

/* arrow_batch_load: the columns whose bit is set in needed (one bit per schema column).
 * Owns: the caller destroys the batch before the file
 * Errors: ERROR_INPUT names file, batch, column and what is wrong with it; using a
 *          column of an unsupported type is such an error
 * Threads: any number may load from one file at a time */
int arrow_batch_load(const struct arrow_file *file, size_t batch, const uint64_t *needed,
                     struct arrow_batch **out, struct error *err) MUST_USE;
void arrow_batch_destroy(struct arrow_batch **batch);
const struct column *arrow_batch_columns(const struct arrow_batch *batch);

/* arrow_batch_memory: bytes the batch occupies beside the mapping. */
size_t arrow_batch_memory(const struct arrow_batch *batch);

#endif
