/* arrow_write: see arrow_write.h.
 *
 * The layout of the file: magic, schema message, one message per dictionary and then per
 * record batch, end-of-stream mark, footer, its length, magic. Each message is padded so that its body,
 * and each buffer in it, starts on a multiple of ARROW_ALIGN: a mapped file can then be
 * read in place. */
#include "ingest/arrow/arrow_write.h"

#include "base/file.h"
#include "ingest/arrow/arrow_meta.h"
#include "ingest/arrow/arrow_verify.h"
#include "ingest/arrow/arrow_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One buffer of the record batch being written. */
struct write_part {
    const void *data;
    size_t bytes;
    uint8_t last_mask; /* clears the bits behind the last row in a bitmap's last byte */
};

struct arrow_writer {
    FILE *file;
    char *path;
    char *temporary;
    int64_t at; /* bytes written so far */
    size_t column_count;
    struct buffer
        types; /* of all columns, in writing order: every batch must match them */
    struct buffer footer;
    struct arrow_footer footer_holes;
    struct buffer dictionaries, blocks; /* struct arrow_block each */
    int failed_errno;                   /* a write failed before: the file is worthless */

    /* The batch being written, kept to be used again. */
    struct buffer batch_types;
    struct buffer nodes;
    struct buffer extents;
    struct buffer parts;
    struct buffer meta;
    int64_t body_bytes;
};

static const char zeros[ARROW_ALIGN];

static size_t padding(size_t bytes)
{
    return -bytes % ARROW_ALIGN;
}

static void put(struct arrow_writer *writer, const void *data, size_t bytes)
{
    if (bytes > 0 && fwrite(data, 1, bytes, writer->file) != bytes &&
        !writer->failed_errno)
        writer->failed_errno = errno ? errno : EIO;
    writer->at += (int64_t)bytes;
}

static int write_error(const struct arrow_writer *writer, struct error *err)
{
    errno = writer->failed_errno;
    return error_io(err, "cannot write %s", writer->temporary);
}

/* A message: continuation mark, length, metadata padded so that the body is aligned.
 * Returns the bytes before the body. */
static int32_t put_message(struct arrow_writer *writer)
{
    size_t meta_bytes = writer->meta.bytes;
    size_t pad = padding((size_t)writer->at + 8 + meta_bytes);
    uint32_t prefix[2] = {ARROW_CONTINUATION, (uint32_t)(meta_bytes + pad)};
    put(writer, prefix, sizeof(prefix));
    put(writer, writer->meta.data, meta_bytes);
    put(writer, zeros, pad);
    return (int32_t)(sizeof(prefix) + meta_bytes + pad);
}

static void add_type(struct buffer *types, const struct column *column)
{
    buffer_byte(types, (char)column->type);
    buffer_byte(types, (char)column->unit);
    buffer_byte(types, (char)column->child_count);
    buffer_byte(types, (char)column->code_type);
}

static void add_types(struct buffer *types, const struct column *column)
{
    add_type(types, column);
    for (size_t i = 0; i < column->child_count; i++)
        add_types(types, &column->children[i]);
}

static void add_part(struct arrow_writer *writer, struct write_part part)
{
    struct arrow_extent extent = {writer->body_bytes, (int64_t)part.bytes};
    buffer_add(&writer->extents, &extent, sizeof(extent));
    buffer_add(&writer->parts, &part, sizeof(part));
    writer->body_bytes += (int64_t)(part.bytes + padding(part.bytes));
}

static void add_bits(struct arrow_writer *writer, const void *bits, size_t rows)
{
    uint8_t mask = (uint8_t)(0xFF >> -rows % 8);
    add_part(writer, (struct write_part){bits, (rows + 7) / 8, mask});
}

static void add_bytes(struct arrow_writer *writer, const void *data, size_t bytes)
{
    add_part(writer, (struct write_part){data, bytes, 0xFF});
}

/* rows + 1 offsets; no rows may come without any, and then one zero stands for them.
 * Returns the last offset. */
static size_t add_offsets(struct arrow_writer *writer, const struct column *column,
                          size_t width)
{
    size_t rows = (size_t)column->rows;
    if (!column->offsets) {
        CHECK(rows == 0);
        add_bytes(writer, zeros, width);
        return 0;
    }
    add_bytes(writer, column->offsets, (rows + 1) * width);
    int64_t last = width == 4 ? ((const int32_t *)column->offsets)[rows]
                              : ((const int64_t *)column->offsets)[rows];
    CHECK(last >= 0);
    return (size_t)last;
}

static void add_column(struct arrow_writer *writer, const struct column *column);

static void add_list(struct arrow_writer *writer, const struct column *column,
                     size_t width)
{
    size_t elements = add_offsets(writer, column, width);
    CHECK(column->child_count == 1 && (size_t)column->children->rows >= elements);
    add_column(writer, column->children);
}

/* One column's nodes and buffers, depth first, in the order the format wants them. */
static void add_column(struct arrow_writer *writer, const struct column *column)
{
    size_t rows = (size_t)column->rows;
    size_t nulls = 0;
    if (column->type == COLUMN_NULL)
        nulls = rows;
    else if (column->validity)
        nulls = rows - (size_t)arrow_count_bits(column->validity, column->rows);
    struct arrow_node node = {(int64_t)rows, (int64_t)nulls};
    buffer_add(&writer->nodes, &node, sizeof(node));
    add_type(&writer->batch_types, column);
    if (column->type == COLUMN_NULL)
        return;
    add_bits(writer, column->validity, nulls > 0 ? rows : 0);

    switch (column->type) {
    case COLUMN_BOOL:
        add_bits(writer, column->values, rows);
        break;
    case COLUMN_UTF8:
        add_bytes(writer, column->values, add_offsets(writer, column, 4));
        break;
    case COLUMN_LARGE_UTF8:
        add_bytes(writer, column->values, add_offsets(writer, column, 8));
        break;
    case COLUMN_LIST:
        add_list(writer, column, 4);
        break;
    case COLUMN_LARGE_LIST:
        add_list(writer, column, 8);
        break;
    case COLUMN_STRUCT:
        for (size_t i = 0; i < column->child_count; i++) {
            CHECK(column->children[i].rows == column->rows);
            add_column(writer, &column->children[i]);
        }
        break;
    default:
        add_bytes(writer, column->values, rows * walk_row_bytes(column));
        break;
    }
}

static void put_part(struct arrow_writer *writer, const struct write_part *part)
{
    if (part->bytes == 0)
        return;
    const uint8_t *data = part->data;
    uint8_t last = data[part->bytes - 1] & part->last_mask;
    put(writer, data, part->bytes - 1);
    put(writer, &last, 1);
    put(writer, zeros, padding(part->bytes));
}

static void begin_batch(struct arrow_writer *writer)
{
    buffer_clear(&writer->batch_types);
    buffer_clear(&writer->nodes);
    buffer_clear(&writer->extents);
    buffer_clear(&writer->parts);
    buffer_clear(&writer->meta);
    writer->body_bytes = 0;
}

static struct arrow_parts parts_of(const struct arrow_writer *writer, int64_t rows)
{
    return (struct arrow_parts){
        .rows = rows,
        .body_bytes = writer->body_bytes,
        .nodes = (void *)writer->nodes.data,
        .node_count = writer->nodes.bytes / sizeof(struct arrow_node),
        .extents = (void *)writer->extents.data,
        .extent_count = writer->extents.bytes / sizeof(struct arrow_extent)};
}

/* The message in writer->meta with its body; where it lies goes to blocks. */
static void put_batch(struct arrow_writer *writer, struct buffer *blocks)
{
    struct arrow_block block = {.at = writer->at, .body_bytes = writer->body_bytes};
    block.meta_bytes = put_message(writer);
    buffer_add(blocks, &block, sizeof(block));
    const struct write_part *parts = (void *)writer->parts.data;
    for (size_t i = 0; i < writer->parts.bytes / sizeof(*parts); i++)
        put_part(writer, &parts[i]);
}

static void put_dictionary(struct arrow_writer *writer, size_t id,
                           const struct column *values)
{
    begin_batch(writer);
    add_column(writer, values);
    struct arrow_parts parts = parts_of(writer, values->rows);
    arrow_meta_dictionary(&writer->meta, id, &parts);
    put_batch(writer, &writer->dictionaries);
}

int arrow_writer_open(const char *path, const struct column *schema, size_t count,
                      struct arrow_writer **out, struct error *err)
{
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        int rc = arrow_meta_check(&schema[i], err);
        if (rc)
            return rc;
    }
    char temporary[PATH_BYTES];
    if (snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid()) >=
        PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", path);
    FILE *file = fopen(temporary, "wbe");
    if (!file)
        return error_io(err, "cannot create %s", temporary);

    struct arrow_writer *writer = calloc(1, sizeof(*writer));
    CHECK(writer != NULL);
    writer->file = file;
    writer->path = text_copy(text_of(path));
    writer->temporary = text_copy(text_of(temporary));
    writer->column_count = count;
    for (size_t i = 0; i < count; i++)
        add_types(&writer->types, &schema[i]);
    writer->footer_holes = arrow_meta_footer_begin(&writer->footer, schema, count);
    put(writer, ARROW_MAGIC "\0\0", 8);
    arrow_meta_schema(&writer->meta, schema, count);
    put_message(writer);
    for (size_t i = 0; i < count; i++) {
        if (schema[i].type == COLUMN_DICTIONARY)
            put_dictionary(writer, i, schema[i].dictionary);
    }
    *out = writer;
    return 0;
}

/* Have the disk begin with what there is, so that the sync at the end waits for little. What it has to
 * say against that it says again then. */
static void begin_to_store(struct arrow_writer *writer)
{
    if (fflush(writer->file) && !writer->failed_errno)
        writer->failed_errno = errno;
    (void)sync_file_range(fileno(writer->file), 0, 0, SYNC_FILE_RANGE_WRITE);
}

int arrow_writer_batch(struct arrow_writer *writer, const struct column *columns,
                       struct error *err)
{
    if (writer->failed_errno)
        return write_error(writer, err);
    begin_batch(writer);
    int64_t rows = writer->column_count > 0 ? columns[0].rows : 0;
    for (size_t i = 0; i < writer->column_count; i++) {
        CHECK(columns[i].rows == rows);
        add_column(writer, &columns[i]);
    }
    CHECK(text_equal(buffer_view(&writer->batch_types), buffer_view(&writer->types)));
    struct arrow_parts parts = parts_of(writer, rows);
    arrow_meta_batch(&writer->meta, &parts);
    put_batch(writer, &writer->blocks);
    begin_to_store(writer);
    return writer->failed_errno ? write_error(writer, err) : 0;
}

static void put_footer(struct arrow_writer *writer)
{
    const uint32_t end_of_stream[2] = {ARROW_CONTINUATION, 0};
    put(writer, end_of_stream, sizeof(end_of_stream));
    arrow_meta_footer_end(&writer->footer, writer->footer_holes,
                          buffer_view(&writer->dictionaries),
                          buffer_view(&writer->blocks));
    uint32_t footer_bytes = (uint32_t)writer->footer.bytes;
    put(writer, writer->footer.data, writer->footer.bytes);
    put(writer, &footer_bytes, sizeof(footer_bytes));
    put(writer, ARROW_MAGIC, ARROW_MAGIC_BYTES);
}

/* Everything on disk, then the name: after a crash the old file or the whole new one is
 * there. */
static int commit_file(struct arrow_writer *writer, struct error *err)
{
    put_footer(writer);
    if (!writer->failed_errno && (fflush(writer->file) || fsync(fileno(writer->file))))
        writer->failed_errno = errno;
    if (writer->failed_errno)
        return write_error(writer, err);
    if (rename(writer->temporary, writer->path))
        return error_io(err, "cannot rename %s to %s", writer->temporary, writer->path);
    char *path = text_copy(text_of(writer->path)); /* dirname(3) writes into it */
    int rc = file_sync_dir(dirname(path), err);
    free(path);
    return rc;
}

int arrow_writer_close(struct arrow_writer **writer_at, bool commit, struct error *err)
{
    struct arrow_writer *writer = *writer_at;
    if (!writer)
        return 0;
    int rc = commit ? commit_file(writer, err) : 0;
    fclose(writer->file);
    if (!commit || rc)
        unlink(writer->temporary);
    free(writer->path);
    free(writer->temporary);
    buffer_fini(&writer->types);
    buffer_fini(&writer->footer);
    buffer_fini(&writer->dictionaries);
    buffer_fini(&writer->blocks);
    buffer_fini(&writer->batch_types);
    buffer_fini(&writer->nodes);
    buffer_fini(&writer->extents);
    buffer_fini(&writer->parts);
    buffer_fini(&writer->meta);
    free(writer);
    *writer_at = NULL;
    return rc;
}
