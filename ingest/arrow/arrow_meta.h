/* arrow_meta: the metadata our writer puts around buffers, as FlatBuffers. */
#ifndef INGEST_ARROW_META_H
#define INGEST_ARROW_META_H

#include "base/buffer.h"
#include "base/column.h"
#include "ingest/arrow/arrow_format.h"

/* arrow_meta_check: can this column be written?
 * Errors: ERROR_INPUT names it and its type. */
int arrow_meta_check(const struct column *column, struct error *err) MUST_USE;

/* arrow_meta_schema: the message that opens a file. */
void arrow_meta_schema(struct buffer *out, const struct column *schema, size_t count);

/* What a batch's body is made of. */
struct arrow_parts {
    int64_t rows;
    int64_t body_bytes;
    const struct arrow_node *nodes;
    size_t node_count;
    const struct arrow_extent *extents;
    size_t extent_count;
};

/* arrow_meta_batch, arrow_meta_dictionary: the message before the body of a record batch,
 * of the dictionary of column number id. */
void arrow_meta_batch(struct buffer *out, const struct arrow_parts *parts);
void arrow_meta_dictionary(struct buffer *out, size_t id,
                           const struct arrow_parts *parts);

/* The footer repeats the schema, so it is begun when the file is opened and ended with
 * the lists of batches (struct arrow_block each) when it is closed.
 * arrow_meta_footer_begin returns what _end needs. */
struct arrow_footer {
    size_t dictionaries_hole;
    size_t batches_hole;
};
struct arrow_footer arrow_meta_footer_begin(struct buffer *out,
                                            const struct column *schema, size_t count);
void arrow_meta_footer_end(struct buffer *out, struct arrow_footer footer,
                           struct text dictionaries, struct text batches);

#endif
