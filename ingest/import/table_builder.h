/* table_builder: rows in, record batches of an Arrow file out.
 *
 * Values are added column by column; whenever TABLE_BATCH_ROWS rows are complete, or a
 * batch grows large, it is written and its memory is used again. The file appears under
 * its name only when it is complete. */
#ifndef INGEST_TABLE_BUILDER_H
#define INGEST_TABLE_BUILDER_H

#include "base/column.h"

#define TABLE_BATCH_ROWS 65536

struct table_builder;
struct table_column;

/* table_builder_open: types as arrow_write.h has them: bool, int64, float64, date32,
 * timestamp, utf8, and list and struct of these. schema must outlive the builder. */
int table_builder_open(const char *path, const struct column *schema, size_t count,
                       struct table_builder **out, struct error *err) MUST_USE;

/* table_builder_close: write what is left and, with commit, give the file its name.
 * Owns: *builder is destroyed in every case. */
int table_builder_close(struct table_builder **builder, bool commit,
                        struct error *err) MUST_USE;

/* table_builder_column: a column of the table; table_child: the element column of a list
 * (0), or a field of a struct. */
struct table_column *table_builder_column(struct table_builder *builder, size_t index);
struct table_column *table_child(struct table_column *column, size_t index);

/* One value at the end of a column. A list takes the elements added to its child since
 * the list before; a struct takes one value of each child. */
void table_add_null(struct table_column *column);
void table_add_integer(struct table_column *column, int64_t value); /* also bool, dates */
void table_add_real(struct table_column *column, double value);
void table_add_text(struct table_column *column, struct text value);
void table_add_list(struct table_column *column);
void table_add_struct(struct table_column *column);

/* table_builder_end_row: every column has got one value more.
 * Errors: ERROR_INPUT when one row holds more than a batch can (2 GiB of text or elements
 *         in a column); ERROR_IO */
int table_builder_end_row(struct table_builder *builder, struct error *err) MUST_USE;

#endif
