/* arrow_verify: is what a file says safe to follow? Each function looks at one buffer of
 * a column and most return the first row that is wrong, or -1. Pure; fast enough for a
 * pass over every column used (the loops without early exit vectorize). */
#ifndef INGEST_ARROW_VERIFY_H
#define INGEST_ARROW_VERIFY_H

#include "base/column.h"

/* arrow_count_bits: bits set among the first rows. Unlike a bitmap of ours, one of a file
 * may have anything behind its last row. */
int64_t arrow_count_bits(const uint64_t *bits, int64_t rows);

/* rows + 1 offsets ascend within 0 … limit. */
int64_t arrow_verify_offsets32(const int32_t *offsets, int64_t rows, int64_t limit);
int64_t arrow_verify_offsets64(const int64_t *offsets, int64_t rows, int64_t limit);

/* Each view's text lies within its buffer. */
int64_t arrow_verify_views(const struct column_view *views, int64_t rows,
                           const struct text *buffers, size_t buffer_count);

/* Each list view's elements lie within 0 … limit. */
int64_t arrow_verify_list_views(const int32_t *offsets, const int32_t *sizes,
                                int64_t rows, int64_t limit);

/* Each code is within 0 … limit - 1. */
int64_t arrow_verify_codes(const void *codes, enum column_type type, int64_t rows,
                           int64_t limit);

#endif
