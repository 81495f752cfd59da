/* csv_table: one mapped CSV file with named, typed columns; rows that do not fit it are
 * refused with their reason. */
#ifndef INGEST_CSV_TABLE_H
#define INGEST_CSV_TABLE_H

#include "ingest/import/csv.h"
#include "ingest/import/rejects.h"
#include "ingest/import/table_builder.h"
#include "ingest/import/text_type.h"

struct csv_table_column {
    char *name;
    bool given; /* type is settled: a text that does not fit refuses its row */
    struct text_type type;
    struct text_guess guess;
};

struct csv_table {
    const char *path;
    struct text mapping;
    struct csv csv;
    struct csv_table_column *columns;
    size_t column_count;
    uint64_t rows;     /* read so far, the header not counted */
    uint64_t rejected; /* of them */
    struct rejects *rejects;
};

/* csv_table_open: map path and read its header.
 * Units:  delimiter 0: found in the header
 * Owns:   csv_table_close; rejects is borrowed
 * Errors: ERROR_INPUT: no such file, no header, a name empty, not UTF-8 or there twice */
int csv_table_open(struct csv_table *table, const char *path, char delimiter,
                   struct rejects *rejects, struct error *err) MUST_USE;
void csv_table_close(struct csv_table *table);

/* csv_table_find: index of a column.
 * Errors: ERROR_INPUT with the nearest name. */
int csv_table_find(const struct csv_table *table, const char *name, size_t *index_out,
                   struct error *err) MUST_USE;

/* csv_table_next: the next row that is well formed, UTF-8 and as wide as the header, with
 * every given type respected. Returns 1, or 0 at the end. */
int csv_table_next(struct csv_table *table, struct csv_row *row_out);

/* csv_table_refuse: count and record a row that cannot be used. */
void csv_table_refuse(struct csv_table *table, const struct csv_row *row,
                      const char *format, ...) PRINTF_LIKE(3, 4);

/* csv_table_guess: let a row take part in guessing the types that are not given;
 * csv_table_settle decides them. */
void csv_table_guess(struct csv_table *table, const struct csv_row *row);
void csv_table_settle(struct csv_table *table);

/* csv_table_again: a row that csv_table_next gave before, by its offset. Errors:
 * ERROR_INPUT when the file has changed since. */
int csv_table_again(struct csv_table *table, size_t offset, uint64_t line,
                    struct csv_row *row_out, struct error *err) MUST_USE;

/* csv_table_add: one field of a row as a value at the end of a column: no value for
 * nothing between two delimiters, and for "" where it is no text.
 * Errors: as csv_table_again. */
int csv_table_add(const struct csv_table *table, const struct csv_row *row, size_t field,
                  struct table_column *column, struct error *err) MUST_USE;

#endif
