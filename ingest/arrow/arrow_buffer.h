/* arrow_buffer: one buffer of a record batch's body, in place or decompressed. err is
 * never NULL here: these sentences get their beginning (file, batch, column) further up.
 */
#ifndef INGEST_ARROW_BUFFER_H
#define INGEST_ARROW_BUFFER_H

#include "base/text.h"
#include "ingest/arrow/arrow_format.h"
#include "ingest/arrow/arrow_memory.h"

/* More than any codec reaches (zstd makes a block of 128 KiB of 4 bytes), so what claims
 * to grow further is damaged, and a file of some megabytes cannot ask for terabytes. */
#define ARROW_RATIO_MAX (1 << 16)

/* A body in memory. Bytes up to readable_end may be read although they belong to nothing:
 * up there lies the rest of the file, and of its last page when it is mapped. */
struct arrow_bytes {
    const uint8_t *data;
    size_t bytes;
    const uint8_t *readable_end;
    enum arrow_codec codec;
};

/* What the column's rows need of a buffer. */
struct arrow_need {
    size_t min_bytes;
    size_t max_bytes;  /* of a compressed buffer; a bound for what it makes us allocate */
    size_t align;      /* 1, 2, 4, 8 or 16 */
    size_t read_bytes; /* how far it will be read: bitmaps are read in whole words */
};

/* arrow_buffer_check: could it serve, judging by its place and length alone? Does not
 * touch it.
 * Errors: ERROR_INPUT with what is wrong, as a sentence's end. */
int arrow_buffer_check(const struct arrow_bytes *body, struct arrow_extent extent,
                       size_t min_bytes, struct error *err) MUST_USE;

/* arrow_buffer_load: the buffer as the column needs it: out is a view into the body, or
 * into memory when it had to be decompressed or copied. Never NULL.
 * Errors: as arrow_buffer_check, and ERROR_INPUT for what does not decompress. */
int arrow_buffer_load(const struct arrow_bytes *body, struct arrow_extent extent,
                      struct arrow_need need, struct arrow_memory *memory,
                      struct text *out, struct error *err) MUST_USE;

#endif
