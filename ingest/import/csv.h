/* csv: rows out of RFC 4180 text, one at a time, without copying.
 *
 * A pure pull parser over bytes in memory (a mapped file). Fields are views into the
 * bytes; only a field with doubled quotes is rewritten, into the parser's own buffer. A
 * row that is not well formed is handed out with its problem and costs one line: reading
 * goes on behind the first line end of that row, so a forgotten quote does not swallow
 * the file. */
#ifndef INGEST_CSV_H
#define INGEST_CSV_H

#include "base/buffer.h"

#define CSV_COLUMNS_MAX     1024
#define CSV_FIELD_BYTES_MAX ((size_t)1 << 20)
#define CSV_ROW_BYTES_MAX   ((size_t)16 << 20)

struct csv_field {
    struct text text;
    bool quoted;  /* "" is an empty text, nothing between two delimiters is no value */
    bool doubled; /* had doubled quotes: the text lies in the parser's buffer */
};

struct csv_row {
    const struct csv_field *fields; /* valid until the next csv_next */
    size_t count;
    size_t offset;   /* of its first byte in the content */
    uint64_t line;   /* of its first byte, from 1 */
    struct text raw; /* the whole row without its line end; of a bad row its first line */
    const char *problem; /* NULL, or why the row is not well formed */
};

struct csv {
    struct text content;
    char delimiter;
    const char *at;
    uint64_t line;
    struct buffer unquoted;
    struct csv_field fields[CSV_COLUMNS_MAX];
};

/* csv_init: start at the first row, behind a byte order mark.
 * Units:  delimiter 0: the one of `,` `;` and tab that the first line has most of
 * Owns:   csv_fini frees the parser's buffer; content is borrowed */
void csv_init(struct csv *csv, struct text content, char delimiter);
void csv_fini(struct csv *csv);

/* csv_next: the next row; empty lines are skipped. Returns 1, or 0 at the end. */
int csv_next(struct csv *csv, struct csv_row *row_out);

/* csv_seek: go on with the row at an offset and line that csv_next gave. */
void csv_seek(struct csv *csv, size_t offset, uint64_t line);

/* csv_append_field: the field as CSV, in quotes where it needs them (delimiter `,`). */
void csv_append_field(struct buffer *out, struct text field);

#endif
