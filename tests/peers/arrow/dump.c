/* dump FILE: the rows of an Arrow file as our reader sees them, one JSON object a line.
 * dump FILE COPY: the same file again, written by our writer, without what it cannot
 * write. */
#include "base/buffer.h"
#include "ingest/arrow/arrow_read.h"
#include "ingest/arrow/arrow_write.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 64

static int fail(const struct error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return error_exit_status(err->kind);
}

static void put_string(struct buffer *out, struct text t)
{
    buffer_byte(out, '"');
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else if (c < 0x20)
            buffer_format(out, "\\u%04x", c);
        else
            buffer_byte(out, (char)c);
    }
    buffer_byte(out, '"');
}

static void put_decimal(struct buffer *out, const struct column *column, int64_t row)
{
    __int128 value = ((const __int128 *)column->values)[row];
    unsigned __int128 rest =
        value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    char digits[40];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    if (value < 0)
        buffer_byte(out, '-');
    buffer_add(out, digits + at, sizeof(digits) - at);
}

static void put_value(struct buffer *out, const struct column *column, int64_t row);

static void put_list(struct buffer *out, const struct column *column, int64_t row)
{
    int64_t first, count;
    column_list(column, row, &first, &count);
    buffer_byte(out, '[');
    for (int64_t i = 0; i < count; i++) {
        buffer_string(out, i ? "," : "");
        put_value(out, column->children, first + i);
    }
    buffer_byte(out, ']');
}

static void put_struct(struct buffer *out, const struct column *columns, size_t count,
                       int64_t row)
{
    buffer_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        buffer_string(out, i ? "," : "");
        put_string(out, text_of(columns[i].name));
        buffer_byte(out, ':');
        put_value(out, &columns[i], row);
    }
    buffer_byte(out, '}');
}

static void put_value(struct buffer *out, const struct column *column, int64_t row)
{
    int64_t integer;
    bool flag;
    if (column->type == COLUMN_UNSUPPORTED) {
        buffer_string(out, "\"unsupported\"");
    } else if (column_is_null(column, row)) {
        buffer_string(out, "null");
    } else if (column_is_text(column)) {
        put_string(out, column_text(column, row));
    } else if (column_is_list(column)) {
        put_list(out, column, row);
    } else if (column->type == COLUMN_STRUCT) {
        put_struct(out, column->children, column->child_count, row);
    } else if (column->type == COLUMN_BOOL) {
        column_bool(column, row, &flag);
        buffer_string(out, flag ? "true" : "false");
    } else if (column->type == COLUMN_FLOAT32) {
        buffer_format(out, "%.17g", (double)((const float *)column->values)[row]);
    } else if (column->type == COLUMN_FLOAT64) {
        buffer_format(out, "%.17g", ((const double *)column->values)[row]);
    } else if (column->type == COLUMN_DECIMAL128) {
        put_decimal(out, column, row);
    } else if (column->type == COLUMN_UINT64) {
        column_integer(column, row, &integer);
        buffer_format(out, "%llu", (unsigned long long)integer);
    } else {
        column_integer(column, row, &integer);
        buffer_format(out, "%lld", (long long)integer);
    }
}

static int dump(const struct arrow_file *file, const uint64_t *needed)
{
    struct error err;
    size_t count;
    arrow_schema(file, &count);
    for (size_t number = 0; number < arrow_batch_count(file); number++) {
        struct arrow_batch *batch;
        if (arrow_batch_load(file, number, needed, &batch, &err))
            return fail(&err);
        struct buffer line = {0};
        for (int64_t row = 0; row < arrow_batch_rows(file, number); row++) {
            buffer_clear(&line);
            put_struct(&line, arrow_batch_columns(batch), count, row);
            puts(line.data);
        }
        buffer_fini(&line);
        arrow_batch_destroy(&batch);
    }
    return 0;
}

static bool can_write(const struct column *column)
{
    bool can = column->type != COLUMN_UTF8_VIEW && column->type != COLUMN_LIST_VIEW &&
               column->type != COLUMN_DICTIONARY && column->type != COLUMN_UNSUPPORTED;
    for (size_t i = 0; i < column->child_count; i++)
        can = can && can_write(&column->children[i]);
    return can;
}

/* The columns that can be written, put together. */
static size_t choose(const struct column *columns, size_t count, struct column *out)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        if (can_write(&columns[i]))
            out[chosen++] = columns[i];
    }
    return chosen;
}

static int copy(const struct arrow_file *file, const uint64_t *needed, const char *path)
{
    struct error err;
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    struct column chosen[COLUMNS_MAX];
    struct arrow_writer *writer;
    if (arrow_writer_open(path, chosen, choose(schema, count, chosen), &writer, &err))
        return fail(&err);
    for (size_t number = 0; number < arrow_batch_count(file); number++) {
        struct arrow_batch *batch;
        if (arrow_batch_load(file, number, needed, &batch, &err))
            return fail(&err);
        choose(arrow_batch_columns(batch), count, chosen);
        if (arrow_writer_batch(writer, chosen, &err))
            return fail(&err);
        arrow_batch_destroy(&batch);
    }
    return arrow_writer_close(&writer, true, &err) ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: dump FILE [COPY]\n");
        return 2;
    }
    struct arrow_file *file;
    struct error err;
    if (arrow_open(argv[1], &file, &err))
        return fail(&err);
    uint64_t needed[COLUMNS_MAX / 64] = {0};
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    CHECK(count <= COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (schema[i].type != COLUMN_UNSUPPORTED)
            needed[i / 64] |= 1ull << (i % 64);
    }
    int rc = argc > 2 ? copy(file, needed, argv[2]) : dump(file, needed);
    arrow_close(&file);
    return rc;
}
