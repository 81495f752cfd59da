/* column: a read-only view of one column in Apache Arrow's memory layout.
 *
 * A column borrows: the bytes belong to whoever made the view (a mapped snapshot, a
 * decompressed record batch, a test). Whoever makes a view has verified it: offsets
 * ascend and stay inside values, list children are as long as the last offset, dictionary
 * codes point into the dictionary, every buffer holds `rows` rows. Validity and bool bits
 * may be read in whole aligned 64-bit words, and fixed-width values are aligned to their
 * width. Source: https://arrow.apache.org/docs/format/Columnar.html */
#ifndef BASE_COLUMN_H
#define BASE_COLUMN_H

#include "base/arena.h"

/* The most rows that are worked on at a time. A power of two, a multiple of 64. */
#define CHUNK_ROWS_MAX 4096

enum column_type {
    COLUMN_NULL,
    COLUMN_BOOL,
    COLUMN_INT8,
    COLUMN_INT16,
    COLUMN_INT32,
    COLUMN_INT64,
    COLUMN_UINT8,
    COLUMN_UINT16,
    COLUMN_UINT32,
    COLUMN_UINT64,
    COLUMN_FLOAT16,
    COLUMN_FLOAT32,
    COLUMN_FLOAT64,
    COLUMN_DECIMAL128, /* little-endian two's complement, value × 10^-scale */
    COLUMN_UTF8,       /* int32 offsets */
    COLUMN_LARGE_UTF8, /* int64 offsets */
    COLUMN_UTF8_VIEW,  /* struct column_view values into value_buffers */
    COLUMN_DATE32,     /* int32 days since 1970-01-01 */
    COLUMN_DATE64,     /* int64 milliseconds since 1970-01-01 */
    COLUMN_TIMESTAMP,  /* int64 in unit; with timezone: UTC instants, else wall clock */
    COLUMN_LIST,       /* int32 offsets, one child */
    COLUMN_LARGE_LIST, /* int64 offsets, one child */
    COLUMN_LIST_VIEW,  /* int32 offsets and sizes, one child */
    COLUMN_STRUCT,     /* children */
    COLUMN_DICTIONARY, /* integer codes of code_type in values; strings in *dictionary */
    COLUMN_UNSUPPORTED /* present in the schema; using it is an error that names it */
};

enum column_unit {
    COLUMN_SECONDS,
    COLUMN_MILLISECONDS,
    COLUMN_MICROSECONDS,
    COLUMN_NANOSECONDS
};

/* One element of a utf8_view column: up to 12 bytes in place, longer text in a value
 * buffer. */
struct column_view {
    int32_t bytes;
    union {
        char inlined[12];
        struct {
            char prefix[4];
            int32_t buffer;
            int32_t offset;
        } outside;
    };
};

struct column {
    const char *name;
    enum column_type type;
    enum column_unit unit;      /* timestamp */
    enum column_type code_type; /* dictionary: COLUMN_INT8 … COLUMN_UINT64 */
    int32_t scale;              /* decimal128 */
    const char *timezone;       /* timestamp; NULL = naive */
    const char *type_name; /* what a person calls it, e.g. "timestamp[us, Europe/Rome]" */
    int64_t rows;
    const uint64_t *validity; /* bit set = a value is there; NULL = no nulls */
    const void *values;  /* fixed-width values, bool bits, utf8 bytes, views or codes */
    const void *offsets; /* rows + 1 offsets; list_view: rows offsets */
    const void *sizes;   /* list_view */
    const struct text *value_buffers; /* utf8_view */
    size_t value_buffer_count;
    const struct column *children; /* list: 1; struct: its fields */
    size_t child_count;
    const struct column *dictionary;
};

/* A chunk: at most CHUNK_ROWS_MAX consecutive rows of one record batch.
 * columns[c] is the whole record batch's column c; element i of the chunk is its row
 * first + i. first is a multiple of 64, so chunk bitmaps line up with validity words.
 * Columns that were not asked for when the chunk was opened have values == NULL and must
 * not be read. */
struct chunk {
    const struct column *columns;
    size_t column_count;
    int64_t first;      /* within the record batch */
    uint32_t rows;      /* 1 … CHUNK_ROWS_MAX */
    uint64_t first_row; /* within the snapshot */
};

/* column_find: index of the column called name, or -1. */
int column_find(const struct column *columns, size_t count, struct text name);

/* column_is_text: utf8, large_utf8, utf8_view, or a dictionary of one of them. */
bool column_is_text(const struct column *column);
bool column_is_integer(const struct column *column);
bool column_is_list(const struct column *column);

static inline bool column_is_null(const struct column *column, int64_t row)
{
    if (column->type == COLUMN_NULL)
        return true;
    return column->validity && !(column->validity[row / 64] >> (row % 64) & 1);
}

/* column_text: the text at row; TEXT_NONE when null. column_is_text must hold. */
struct text column_text(const struct column *column, int64_t row);

/* column_bool: the bool at row; *out is false when null. Returns false when null. */
bool column_bool(const struct column *column, int64_t row, bool *out);

/* column_integer: any integer, date or timestamp widened; uint64 above INT64_MAX wraps.
 * Returns false when null. */
bool column_integer(const struct column *column, int64_t row, int64_t *out);

/* column_list: first element and count of the list at row in children[0]; count 0 when
 * null. Returns false when null. */
bool column_list(const struct column *column, int64_t row, int64_t *first_out,
                 int64_t *count_out);

#endif
