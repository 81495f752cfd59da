/* table_builder: see table_builder.h. */
#include "ingest/import/table_builder.h"

#include "base/bitmap.h"
#include "base/buffer.h"
#include "ingest/arrow/arrow_write.h"

#include <stdlib.h>

/* Text offsets are 32 bits; far below that, a batch is large enough to be worth writing.
 */
#define BATCH_TEXT_BYTES ((size_t)64 << 20)

struct table_column {
    const struct column *schema;
    int64_t rows;
    int64_t nulls;
    bool overflowed; /* offsets no longer fit 32 bits; tested once a row */
    struct buffer validity;
    struct buffer values;
    struct buffer offsets;
    struct table_column *children;
    struct column *views; /* of the children */
};

struct table_builder {
    struct arrow_writer *writer;
    struct table_column root; /* the columns as its children */
    uint64_t rows_written;
};

static bool has_offsets(const struct column *schema)
{
    return schema->type == COLUMN_UTF8 || schema->type == COLUMN_LIST;
}

static void column_clear(struct table_column *column)
{
    const int32_t zero = 0;
    column->rows = column->nulls = 0;
    buffer_clear(&column->validity);
    buffer_clear(&column->values);
    buffer_clear(&column->offsets);
    if (has_offsets(column->schema))
        buffer_add(&column->offsets, &zero, sizeof(zero));
    for (size_t i = 0; i < column->schema->child_count; i++)
        column_clear(&column->children[i]);
}

static void column_init(struct table_column *column, const struct column *schema)
{
    column->schema = schema;
    if (schema->child_count > 0) {
        column->children = calloc(schema->child_count, sizeof(*column->children));
        column->views = calloc(schema->child_count, sizeof(*column->views));
        CHECK(column->children && column->views);
    }
    for (size_t i = 0; i < schema->child_count; i++)
        column_init(&column->children[i], &schema->children[i]);
}

static void column_fini(struct table_column *column)
{
    for (size_t i = 0; i < column->schema->child_count; i++)
        column_fini(&column->children[i]);
    buffer_fini(&column->validity);
    buffer_fini(&column->values);
    buffer_fini(&column->offsets);
    free(column->children);
    free(column->views);
}

/* column_view: what the writer sees of a column. */
static struct column column_view(struct table_column *column)
{
    struct column view = *column->schema;
    for (size_t i = 0; i < view.child_count; i++)
        column->views[i] = column_view(&column->children[i]);
    view.rows = column->rows;
    view.validity =
        column->nulls > 0 ? (const uint64_t *)(void *)column->validity.data : NULL;
    view.values = column->values.data;
    view.offsets = column->offsets.data;
    view.children = column->views;
    return view;
}

int table_builder_open(const char *path, const struct column *schema, size_t count,
                       struct table_builder **out, struct error *err)
{
    *out = NULL;
    struct arrow_writer *writer;
    int rc = arrow_writer_open(path, schema, count, &writer, err);
    if (rc)
        return rc;
    struct table_builder *builder = calloc(1, sizeof(*builder));
    struct column *table = calloc(1, sizeof(*table));
    CHECK(builder && table);
    *table =
        (struct column){.type = COLUMN_STRUCT, .children = schema, .child_count = count};
    builder->writer = writer;
    column_init(&builder->root, table);
    column_clear(&builder->root);
    *out = builder;
    return 0;
}

static int write_batch(struct table_builder *builder, struct error *err)
{
    struct column table = column_view(&builder->root);
    builder->rows_written += (uint64_t)table.rows;
    int rc =
        table.rows > 0 ? arrow_writer_batch(builder->writer, table.children, err) : 0;
    column_clear(&builder->root);
    return rc;
}

int table_builder_close(struct table_builder **at, bool commit, struct error *err)
{
    struct table_builder *builder = *at;
    *at = NULL;
    if (!builder)
        return 0;
    int rc = commit ? write_batch(builder, err) : 0;
    int closed = arrow_writer_close(&builder->writer, commit && !rc, rc ? NULL : err);
    struct column *table = (struct column *)builder->root.schema;
    column_fini(&builder->root);
    free(table);
    free(builder);
    return rc ? rc : closed;
}

struct table_column *table_builder_column(struct table_builder *builder, size_t index)
{
    return table_child(&builder->root, index);
}

struct table_column *table_child(struct table_column *column, size_t index)
{
    CHECK(index < column->schema->child_count);
    return &column->children[index];
}

/* --- values ------------------------------------------------------------------------- */

static void add_bit(struct buffer *bits, int64_t at, bool bit)
{
    const uint64_t zero = 0;
    if (at % 64 == 0)
        buffer_add(bits, &zero, sizeof(zero));
    if (bit)
        bitmap_set((uint64_t *)(void *)bits->data, (size_t)at);
}

static void end_value(struct table_column *column, bool valid)
{
    add_bit(&column->validity, column->rows, valid);
    column->nulls += !valid;
    column->rows++;
}

static void add_offset(struct table_column *column, size_t end)
{
    column->overflowed |= end > INT32_MAX;
    int32_t offset = column->overflowed ? 0 : (int32_t)end;
    buffer_add(&column->offsets, &offset, sizeof(offset));
}

static void add_number(struct table_column *column, int64_t value)
{
    int32_t narrow = (int32_t)value;
    if (column->schema->type == COLUMN_BOOL)
        add_bit(&column->values, column->rows, value != 0);
    else if (column->schema->type == COLUMN_DATE32)
        buffer_add(&column->values, &narrow, sizeof(narrow));
    else
        buffer_add(&column->values, &value, sizeof(value));
}

void table_add_null(struct table_column *column)
{
    switch (column->schema->type) {
    case COLUMN_UTF8:
        add_offset(column, column->values.bytes);
        break;
    case COLUMN_LIST:
        add_offset(column, (size_t)column->children[0].rows);
        break;
    case COLUMN_STRUCT:
        for (size_t i = 0; i < column->schema->child_count; i++)
            table_add_null(&column->children[i]);
        break;
    default:
        add_number(column, 0);
    }
    end_value(column, false);
}

void table_add_integer(struct table_column *column, int64_t value)
{
    add_number(column, value);
    end_value(column, true);
}

void table_add_real(struct table_column *column, double value)
{
    buffer_add(&column->values, &value, sizeof(value));
    end_value(column, true);
}

void table_add_text(struct table_column *column, struct text value)
{
    if (value.bytes <= INT32_MAX - column->values.bytes)
        buffer_text(&column->values, value);
    else
        column->overflowed = true;
    add_offset(column, column->values.bytes);
    end_value(column, true);
}

void table_add_list(struct table_column *column)
{
    add_offset(column, (size_t)column->children[0].rows);
    end_value(column, true);
}

void table_add_struct(struct table_column *column)
{
    end_value(column, true);
}

/* --- rows --------------------------------------------------------------------------- */

/* column_check: the name of a column that overflowed, or NULL; *bytes_max the most text.
 */
static const char *column_check(const struct table_column *column, size_t *bytes_max)
{
    if (column->overflowed)
        return column->schema->name;
    if (column->values.bytes > *bytes_max)
        *bytes_max = column->values.bytes;
    for (size_t i = 0; i < column->schema->child_count; i++) {
        const char *name = column_check(&column->children[i], bytes_max);
        if (name)
            return name;
    }
    return NULL;
}

int table_builder_end_row(struct table_builder *builder, struct error *err)
{
    struct table_column *root = &builder->root;
    size_t bytes_max = 0;
    root->rows++;
    for (size_t i = 0; i < root->schema->child_count; i++)
        CHECK(root->children[i].rows == root->rows);
    const char *overflowed = column_check(root, &bytes_max);
    if (overflowed)
        return error_set(
            err, ERROR_INPUT, "row %llu holds more than 2 GiB in the column \"%s\"",
            (unsigned long long)builder->rows_written + (unsigned long long)root->rows,
            overflowed);
    if (root->rows < TABLE_BATCH_ROWS && bytes_max < BATCH_TEXT_BYTES)
        return 0;
    return write_batch(builder, err);
}
