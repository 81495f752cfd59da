/* arrow_write: columns out to an Arrow IPC file, one record batch at a time.
 * Source: https://arrow.apache.org/docs/format/Columnar.html (IPC file format, metadata
 * V5) */
#ifndef INGEST_ARROW_WRITE_H
#define INGEST_ARROW_WRITE_H

#include "base/column.h"

struct arrow_writer;

/* arrow_writer_open: start path (written beside it, renamed by close).
 * Shapes: schema[count] gives names and types (rows and buffers ignored); types: bool,
 * ints, floats, utf8, large_utf8, date32, timestamp, list, struct of these, nested; a
 * column (not a child) may be a dictionary of utf8 or large_utf8, whose values are given
 * here and are the file's: batches have codes only.
 * Errors: ERROR_INPUT for a type that cannot be written, ERROR_IO. */
int arrow_writer_open(const char *path, const struct column *schema, size_t count,
                      struct arrow_writer **out, struct error *err) MUST_USE;

/* arrow_writer_batch: append one record batch; columns[count] all have the same rows. */
int arrow_writer_batch(struct arrow_writer *writer, const struct column *columns,
                       struct error *err) MUST_USE;

/* arrow_writer_close: footer, fsync, rename. With commit false the file is dropped.
 * Owns: *writer is destroyed in every case. */
int arrow_writer_close(struct arrow_writer **writer, bool commit,
                       struct error *err) MUST_USE;

#endif
