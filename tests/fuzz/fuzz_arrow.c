/* fuzz_arrow: any bytes as an Arrow file. What the reader lets through must keep the
 * promises of base/column.h, so every row of every column is looked at. */
#include "base/bitmap.h"
#include "ingest/arrow/arrow_file.h"

#include <stdlib.h>

#define ROWS_TOUCHED 100000 /* a column of nulls may have as many rows as it likes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t sum; /* keeps reads from being optimized away */

static void touch_text(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++)
        sum += (uint8_t)t.data[i];
}

static void touch_values(const struct column *column, size_t width)
{
    CHECK((uintptr_t)column->values % width == 0);
    const uint8_t *values = column->values;
    for (size_t i = 0; i < (size_t)column->rows * width; i++)
        sum += values[i];
}

static void touch_words(const uint64_t *words, int64_t rows)
{
    CHECK((uintptr_t)words % 8 == 0);
    for (size_t i = 0; i < bitmap_words((size_t)rows); i++)
        sum += words[i];
}

static void touch(const struct column *column);

static void touch_row(const struct column *column, int64_t row)
{
    int64_t first, count;
    if (column_is_text(column)) {
        touch_text(column_text(column, row));
    } else if (column_is_list(column)) {
        column_list(column, row, &first, &count);
        CHECK(first >= 0 && count >= 0 && first + count <= column->children->rows);
    } else if (column_is_integer(column)) {
        column_integer(column, row, &first);
        sum += (uint64_t)first;
    }
}

/* A vectorized reader follows the codes and views of null rows too. */
static void touch_null_rows(const struct column *column)
{
    struct column all = *column;
    all.validity = NULL;
    for (int64_t row = 0; row < column->rows; row++)
        touch_row(&all, row);
}

static void touch(const struct column *column)
{
    if (column->type == COLUMN_UNSUPPORTED || column->type == COLUMN_NULL ||
        column->rows > ROWS_TOUCHED)
        return;
    if (column->validity)
        touch_words(column->validity, column->rows);
    for (int64_t row = 0; row < column->rows; row++)
        touch_row(column, row);
    touch_null_rows(column);
    if (column->type == COLUMN_BOOL)
        touch_words(column->values, column->rows);
    if (column->type == COLUMN_DECIMAL128)
        touch_values(column, 16);
    if (column->type == COLUMN_FLOAT64 || column->type == COLUMN_TIMESTAMP)
        touch_values(column, 8);
    if (column->dictionary)
        touch(column->dictionary);
    for (size_t i = 0; i < column->child_count; i++) {
        if (column->type == COLUMN_STRUCT)
            CHECK(column->children[i].rows == column->rows ||
                  column->children[i].type == COLUMN_UNSUPPORTED);
        touch(&column->children[i]);
    }
}

static void load(const struct arrow_file *file, size_t number, const uint64_t *needed,
                 size_t count)
{
    struct arrow_batch *batch;
    struct error err;
    if (arrow_batch_load(file, number, needed, &batch, &err))
        return;
    const struct column *columns = arrow_batch_columns(batch);
    for (size_t i = 0; i < count; i++) {
        if (bitmap_get(needed, i))
            touch(&columns[i]);
    }
    arrow_batch_destroy(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arrow_file *file;
    struct error err;
    if (arrow_open_bytes("fuzz", data, bytes, &file, &err)) {
        CHECK(err.kind == ERROR_INPUT);
        return 0;
    }
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    size_t words = bitmap_words(count) + 1;
    uint64_t *all = calloc(words, 8), *one = calloc(words, 8);
    CHECK(all != NULL && one != NULL);
    for (size_t i = 0; i < count; i++) {
        if (schema[i].type != COLUMN_UNSUPPORTED)
            bitmap_set(all, i);
    }
    size_t batches = arrow_batch_count(file);
    for (size_t number = 0; number < batches && number < 16; number++) {
        load(file, number, all, count);
        for (size_t i = 0; i < count && i < 64;
             i++) { /* past the first one that is damaged */
            bitmap_set(one, i);
            load(file, number, one, count);
            bitmap_clear(one, i);
        }
    }
    free(all);
    free(one);
    arrow_close(&file);
    return 0;
}
