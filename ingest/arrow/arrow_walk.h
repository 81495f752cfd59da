/* arrow_walk: the way through a record batch's metadata.
 *
 * A record batch lists its nodes (rows and nulls of each field) and its buffers depth
 * first, so a walk over the fields takes them in order; columns nobody asked for are
 * walked, not read. */
#ifndef INGEST_ARROW_WALK_H
#define INGEST_ARROW_WALK_H

#include "ingest/arrow/arrow_body.h"

struct arrow_walk {
    const struct arrow_body *body;
    const struct arrow_dictionaries *dictionaries;
    struct arrow_memory *memory;
    size_t node;
    size_t extent;
    size_t variadic;
    const char *path; /* of the field at work, for messages */
    struct error *err;
};

/* walk_node, walk_extent, walk_variadic: take the next one.
 * Errors: ERROR_INPUT */
int walk_node(struct arrow_walk *walk, struct arrow_node *out) MUST_USE;
int walk_extent(struct arrow_walk *walk, struct arrow_extent *out) MUST_USE;
int walk_variadic(struct arrow_walk *walk, size_t *out) MUST_USE;

/* walk_next_rows: rows of the node that comes next, 0 when there is none. */
int64_t walk_next_rows(const struct arrow_walk *walk);

/* walk_skip: step over a field that arrow_body_check has looked at. */
int walk_skip(struct arrow_walk *walk, const struct arrow_field *field) MUST_USE;

/* How many bytes rows need: of a bitmap, of the first buffer behind validity. The latter
 * is 0 for no rows even where there are offsets, as old writers leave that buffer away.
 */
size_t walk_bits_bytes(int64_t rows);
size_t walk_first_bytes(const struct column *column, int64_t rows);

/* Bytes per row: of a dictionary's codes, of the first buffer behind validity (0 when its
 * width is not fixed). */
size_t walk_code_bytes(enum column_type type);
size_t walk_row_bytes(const struct column *column);

#endif
