/* arrow_body: the body of a record batch, taken apart into columns and verified. */
#ifndef INGEST_ARROW_BODY_H
#define INGEST_ARROW_BODY_H

#include "ingest/arrow/arrow_buffer.h"
#include "ingest/arrow/arrow_schema.h"

#define ARROW_ROWS_MAX ((int64_t)1 << 40) /* keeps rows × width within 64 bits */

/* A record batch's metadata and body, still untouched. */
struct arrow_body {
    struct arrow_bytes bytes;
    int64_t rows;
    struct flatbuf_vector nodes;
    struct flatbuf_vector extents;
    struct flatbuf_vector variadic;
};

/* Where the dictionaries come from while columns are loaded: the one that the field's
 * codes refer to, or an empty one. */
struct arrow_dictionaries {
    int (*get)(void *arg, const struct arrow_field *field, const struct column **out,
               struct error *err);
    void *arg;
};

/* arrow_body_parse: table is a RecordBatch; data[bytes] its body.
 * Errors: ERROR_INPUT. */
int arrow_body_parse(const struct flatbuf_table *table, struct arrow_bytes bytes,
                     struct arrow_body *out, struct error *err) MUST_USE;

/* arrow_body_check: do places and lengths of all buffers fit the fields and the rows?
 * Touches metadata only, so it can be done for a whole file when it is opened. Errors:
 * ERROR_INPUT names the column, not file and batch; err is never NULL. */
int arrow_body_check(const struct arrow_body *body, const struct arrow_field *fields,
                     size_t count, struct error *err) MUST_USE;

/* arrow_body_load: columns[count] with what needed has a bit for; the others only get a
 * name, type and rows. After arrow_body_check.
 * Errors: as arrow_body_check. */
int arrow_body_load(const struct arrow_body *body, const struct arrow_field *fields,
                    size_t count, const uint64_t *needed,
                    const struct arrow_dictionaries *dictionaries,
                    struct arrow_memory *memory, struct column *columns,
                    struct error *err) MUST_USE;

#endif
