/* arrow_body: see arrow_body.h. */
#include "ingest/arrow/arrow_body.h"

#include "base/bitmap.h"
#include "ingest/arrow/arrow_verify.h"
#include "ingest/arrow/arrow_walk.h"

int arrow_body_parse(const struct flatbuf_table *table, struct arrow_bytes bytes,
                     struct arrow_body *out, struct error *err)
{
    *out = (struct arrow_body){
        .bytes = bytes,
        .rows = flatbuf_integer(table, RECORD_BATCH_ROWS, 8, 0),
        .nodes = flatbuf_vector(table, RECORD_BATCH_NODES, sizeof(struct arrow_node)),
        .extents =
            flatbuf_vector(table, RECORD_BATCH_BUFFERS, sizeof(struct arrow_extent)),
        .variadic = flatbuf_vector(table, RECORD_BATCH_VARIADIC, 8),
    };
    struct flatbuf_table compression = flatbuf_sub(table, RECORD_BATCH_COMPRESSION);
    int64_t codec = ARROW_CODEC_NONE;
    if (compression.at)
        codec = flatbuf_integer(&compression, COMPRESSION_CODEC, 1, ARROW_LZ4_FRAME);
    if (table->at == 0 || table->in->damaged)
        return error_set(err, ERROR_INPUT, "its metadata is damaged");
    if (codec != ARROW_CODEC_NONE && codec != ARROW_LZ4_FRAME && codec != ARROW_ZSTD)
        return error_set(err, ERROR_INPUT,
                         "it is compressed with a method other than LZ4 and ZSTD");
    if (out->rows < 0 || out->rows > ARROW_ROWS_MAX)
        return error_set(err, ERROR_INPUT, "it claims %lld rows", (long long)out->rows);
    out->bytes.codec = (enum arrow_codec)codec;
    return 0;
}

static int load_buffer(struct arrow_walk *walk, struct arrow_need need, struct text *out)
{
    struct arrow_extent extent;
    int rc = walk_extent(walk, &extent);
    if (rc)
        return rc;
    return arrow_buffer_load(&walk->body->bytes, extent, need, walk->memory, out,
                             walk->err);
}

/* A buffer of a width per row. Writers may pad it and keep spare rows in it, but not
 * many. */
static int load_fixed(struct arrow_walk *walk, size_t min_bytes, size_t align,
                      const void **out)
{
    struct arrow_need need = {min_bytes, 2 * min_bytes + 4096, align, min_bytes};
    struct text buffer;
    int rc = load_buffer(walk, need, &buffer);
    *out = rc ? NULL : buffer.data;
    return rc;
}

static int load_bits(struct arrow_walk *walk, int64_t rows, const void **out)
{
    size_t min_bytes = walk_bits_bytes(rows), words = bitmap_words((size_t)rows);
    struct arrow_need need = {min_bytes, 2 * min_bytes + 4096, 8, 8 * words};
    struct text buffer;
    int rc = load_buffer(walk, need, &buffer);
    *out = rc ? NULL : buffer.data;
    return rc;
}

/* Bytes of text: as many as the last offset says, or more when the writer cut a slice. */
static int load_text_bytes(struct arrow_walk *walk, size_t min_bytes, struct text *out)
{
    struct arrow_need need = {min_bytes, ARROW_MEMORY_MAX, 1, min_bytes};
    return load_buffer(walk, need, out);
}

/* The bitmap decides what is null; the node's count only says whether there must be one.
 */
static int load_validity(struct arrow_walk *walk, struct column *column, int64_t nulls)
{
    struct arrow_extent extent;
    int rc = walk_extent(walk, &extent);
    if (rc)
        return rc;
    if (nulls == 0 || extent.bytes == 0) {
        if (nulls > 0)
            return error_set(walk->err, ERROR_INPUT,
                             "%lld rows are null but it says not which",
                             (long long)nulls);
        return 0;
    }
    walk->extent--;
    const void *bits;
    rc = load_bits(walk, column->rows, &bits);
    if (rc)
        return rc;
    if (arrow_count_bits(bits, column->rows) < column->rows)
        column->validity = bits;
    return 0;
}

static int bad_row(const struct arrow_walk *walk, const char *what, int64_t row)
{
    return error_set(walk->err, ERROR_INPUT, "%s at row %lld", what, (long long)row);
}

/* rows + 1 offsets that stay within limit; last_out is the end of what they use. */
static int load_offsets(struct arrow_walk *walk, struct column *column, size_t width,
                        int64_t *last_out)
{
    static const int64_t zero;
    *last_out = 0;
    if (column->rows == 0) {
        struct arrow_extent unused;
        column->offsets = &zero;
        return walk_extent(walk, &unused);
    }
    int rc =
        load_fixed(walk, walk_first_bytes(column, column->rows), width, &column->offsets);
    if (rc)
        return rc;
    *last_out = width == 4 ? ((const int32_t *)column->offsets)[column->rows]
                           : ((const int64_t *)column->offsets)[column->rows];
    return *last_out < 0 ? bad_row(walk, "its offsets are negative", column->rows - 1)
                         : 0;
}

static int verify_offsets(struct arrow_walk *walk, const struct column *column,
                          size_t width, int64_t limit)
{
    int64_t bad = width == 4
                      ? arrow_verify_offsets32(column->offsets, column->rows, limit)
                      : arrow_verify_offsets64(column->offsets, column->rows, limit);
    return bad >= 0 ? bad_row(walk, "its offsets descend or point outside", bad) : 0;
}

static int load_text(struct arrow_walk *walk, struct column *column, size_t width)
{
    int64_t last;
    struct text bytes;
    int rc = load_offsets(walk, column, width, &last);
    if (rc == 0)
        rc = load_text_bytes(walk, (size_t)last, &bytes);
    if (rc)
        return rc;
    column->values = bytes.data;
    return verify_offsets(walk, column, width, last);
}

/* What a null row holds is anybody's guess, and a vectorized reader looks at it all the
 * same: if it is out of range, a copy of the buffer gets zeros there. */
static const void *zero_nulls(struct arrow_walk *walk, const struct column *column,
                              const void *values, size_t width)
{
    char *copy = arrow_memory_take(walk->memory, (size_t)column->rows * width, walk->err);
    if (!copy)
        return NULL;
    memcpy(copy, values, (size_t)column->rows * width);
    for (int64_t row = 0; row < column->rows; row++) {
        if (column_is_null(column, row))
            memset(copy + (size_t)row * width, 0, width);
    }
    return copy;
}

static int load_views(struct arrow_walk *walk, struct column *column)
{
    size_t count;
    int rc = walk_variadic(walk, &count);
    if (rc == 0)
        rc = load_fixed(walk, walk_first_bytes(column, column->rows), 4, &column->values);
    if (rc)
        return rc;
    struct text *buffers =
        arrow_memory_zero(walk->memory, count * sizeof(*buffers), walk->err);
    if (!buffers)
        return -(int)walk->err->kind;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = load_text_bytes(walk, 0, &buffers[i]);
    if (rc)
        return rc;
    column->value_buffers = buffers;
    column->value_buffer_count = count;
    int64_t bad = arrow_verify_views(column->values, column->rows, buffers, count);
    if (bad >= 0 && column_is_null(column, bad)) {
        column->values =
            zero_nulls(walk, column, column->values, sizeof(struct column_view));
        if (!column->values)
            return -(int)walk->err->kind;
        bad = arrow_verify_views(column->values, column->rows, buffers, count);
    }
    return bad >= 0 ? bad_row(walk, "its text is outside its buffers", bad) : 0;
}

static int load_codes(struct arrow_walk *walk, const struct arrow_field *field,
                      struct column *column)
{
    size_t width = walk_code_bytes(column->code_type);
    int rc =
        load_fixed(walk, walk_first_bytes(column, column->rows), width, &column->values);
    if (rc == 0)
        rc = walk->dictionaries->get(walk->dictionaries->arg, field, &column->dictionary,
                                     walk->err);
    if (rc)
        return rc;
    enum column_type type = column->code_type;
    int64_t limit = column->dictionary->rows;
    int64_t bad = arrow_verify_codes(column->values, type, column->rows, limit);
    if (bad >= 0 && column_is_null(column, bad)) {
        column->values = zero_nulls(walk, column, column->values, width);
        if (!column->values)
            return -(int)walk->err->kind;
        bad = arrow_verify_codes(column->values, type, column->rows, limit);
    }
    return bad >= 0 ? bad_row(walk, "its code is not in the dictionary", bad) : 0;
}

static int load_field(struct arrow_walk *walk, const struct arrow_field *field,
                      struct column *column);

static int load_children(struct arrow_walk *walk, const struct arrow_field *field,
                         struct column *column)
{
    struct column *children = arrow_memory_zero(
        walk->memory, field->child_count * sizeof(*children), walk->err);
    if (!children)
        return -(int)walk->err->kind;
    int rc = 0;
    for (size_t i = 0; i < field->child_count && rc == 0; i++)
        rc = load_field(walk, &field->children[i], &children[i]);
    column->children = children;
    return rc;
}

static int load_list(struct arrow_walk *walk, const struct arrow_field *field,
                     struct column *column, size_t width)
{
    int64_t last;
    int rc = load_offsets(walk, column, width, &last);
    if (rc == 0)
        rc = verify_offsets(walk, column, width, walk_next_rows(walk));
    return rc ? rc : load_children(walk, field, column);
}

static int load_list_view(struct arrow_walk *walk, const struct arrow_field *field,
                          struct column *column)
{
    int rc =
        load_fixed(walk, walk_first_bytes(column, column->rows), 4, &column->offsets);
    if (rc == 0)
        rc = load_fixed(walk, walk_first_bytes(column, column->rows), 4, &column->sizes);
    if (rc)
        return rc;
    int64_t limit = walk_next_rows(walk);
    int64_t bad =
        arrow_verify_list_views(column->offsets, column->sizes, column->rows, limit);
    if (bad >= 0 && column_is_null(column, bad)) {
        column->offsets = zero_nulls(walk, column, column->offsets, 4);
        column->sizes =
            column->offsets ? zero_nulls(walk, column, column->sizes, 4) : NULL;
        if (!column->sizes)
            return -(int)walk->err->kind;
        bad =
            arrow_verify_list_views(column->offsets, column->sizes, column->rows, limit);
    }
    if (bad >= 0)
        return bad_row(walk, "its list is outside its child", bad);
    return load_children(walk, field, column);
}

static int load_values(struct arrow_walk *walk, const struct arrow_field *field,
                       struct column *column)
{
    switch (column->type) {
    case COLUMN_BOOL:
        return load_bits(walk, column->rows, &column->values);
    case COLUMN_UTF8:
        return load_text(walk, column, 4);
    case COLUMN_LARGE_UTF8:
        return load_text(walk, column, 8);
    case COLUMN_UTF8_VIEW:
        return load_views(walk, column);
    case COLUMN_LIST:
        return load_list(walk, field, column, 4);
    case COLUMN_LARGE_LIST:
        return load_list(walk, field, column, 8);
    case COLUMN_LIST_VIEW:
        return load_list_view(walk, field, column);
    case COLUMN_STRUCT:
        return load_children(walk, field, column);
    case COLUMN_DICTIONARY:
        return load_codes(walk, field, column);
    default:
        return load_fixed(walk, walk_first_bytes(column, column->rows),
                          walk_row_bytes(column), &column->values);
    }
}

static int load_field(struct arrow_walk *walk, const struct arrow_field *field,
                      struct column *column)
{
    walk->path = field->path;
    *column = *field->column;
    if (column->type == COLUMN_UNSUPPORTED) { /* within a column that is: left unread */
        column->rows = walk_next_rows(walk);
        return walk_skip(walk, field);
    }
    struct arrow_node node;
    int rc = walk_node(walk, &node);
    if (rc)
        return rc;
    column->rows = node.rows;
    if (column->type == COLUMN_NULL)
        return 0;
    rc = load_validity(walk, column, node.nulls);
    return rc ? rc : load_values(walk, field, column);
}

int arrow_body_load(const struct arrow_body *body, const struct arrow_field *fields,
                    size_t count, const uint64_t *needed,
                    const struct arrow_dictionaries *dictionaries,
                    struct arrow_memory *memory, struct column *columns,
                    struct error *err)
{
    struct arrow_walk walk = {
        .body = body, .dictionaries = dictionaries, .memory = memory, .err = err};
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        walk.path = fields[i].path;
        columns[i] = *fields[i].column;
        columns[i].rows = body->rows;
        if (!bitmap_get(needed, i))
            rc = walk_skip(&walk, &fields[i]);
        else if (columns[i].type == COLUMN_UNSUPPORTED)
            rc = error_set(err, ERROR_INPUT, "its type %s is not supported",
                           columns[i].type_name);
        else
            rc = load_field(&walk, &fields[i], &columns[i]);
    }
    if (rc)
        error_prefix(err, "column \"%s\": ", walk.path);
    return rc;
}
