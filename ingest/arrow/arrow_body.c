/* arrow_body: see arrow_body.h.
 *
 * A record batch lists its nodes (rows and nulls of each field) and its buffers depth
 * first, so a walk over the fields takes them in order; columns nobody asked for are
 * walked, not read. */
#include "ingest/arrow/arrow_body.h"

#include "base/bitmap.h"
#include "ingest/arrow/arrow_verify.h"

struct walk {
    const struct arrow_body *body;
    const struct arrow_dictionaries *dictionaries;
    struct arrow_memory *memory;
    size_t node;
    size_t extent;
    size_t variadic;
    const char *path; /* of the field at work, for messages */
    struct error *err;
};

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

static int damaged(const struct walk *walk, const char *what)
{
    return error_set(walk->err, ERROR_INPUT, "%s", what);
}

/* The struct's bytes in a vector need not be aligned, hence the copies. */
static int take_node(struct walk *walk, struct arrow_node *out)
{
    if (walk->node >= walk->body->nodes.count)
        return damaged(walk, "the record batch has no node for it");
    memcpy(out, walk->body->nodes.data + walk->node++ * sizeof(*out), sizeof(*out));
    if (out->rows < 0 || out->rows > ARROW_ROWS_MAX || out->nulls > out->rows)
        return error_set(walk->err, ERROR_INPUT, "it claims %lld rows, %lld of them null",
                         (long long)out->rows, (long long)out->nulls);
    return 0;
}

static int64_t next_rows(const struct walk *walk)
{
    struct arrow_node node = {0, 0};
    if (walk->node < walk->body->nodes.count)
        memcpy(&node, walk->body->nodes.data + walk->node * sizeof(node), sizeof(node));
    return node.rows;
}

static int take_extent(struct walk *walk, struct arrow_extent *out)
{
    if (walk->extent >= walk->body->extents.count)
        return damaged(walk, "the record batch has too few buffers for it");
    memcpy(out, walk->body->extents.data + walk->extent++ * sizeof(*out), sizeof(*out));
    return 0;
}

static int take_variadic(struct walk *walk, size_t *out)
{
    int64_t count;
    if (walk->variadic >= walk->body->variadic.count)
        return damaged(walk, "the record batch has no variadic buffer count for it");
    memcpy(&count, walk->body->variadic.data + 8 * walk->variadic++, sizeof(count));
    if (count < 0 || (uint64_t)count > walk->body->extents.count - walk->extent)
        return damaged(walk, "the record batch has too few buffers for it");
    *out = (size_t)count;
    return 0;
}

static size_t bits_bytes(int64_t rows)
{
    return ((size_t)rows + 7) / 8;
}

static size_t code_bytes(enum column_type type)
{
    switch (type) {
    case COLUMN_INT8:
    case COLUMN_UINT8:
        return 1;
    case COLUMN_INT16:
    case COLUMN_UINT16:
        return 2;
    case COLUMN_INT32:
    case COLUMN_UINT32:
        return 4;
    default:
        return 8;
    }
}

/* Bytes per row of the first buffer behind validity; 0 when it has no fixed width. */
static size_t row_bytes(const struct column *column)
{
    switch (column->type) {
    case COLUMN_FLOAT16:
        return 2;
    case COLUMN_FLOAT32:
    case COLUMN_DATE32:
    case COLUMN_UTF8:
    case COLUMN_LIST:
    case COLUMN_LIST_VIEW:
        return 4;
    case COLUMN_FLOAT64:
    case COLUMN_DATE64:
    case COLUMN_TIMESTAMP:
    case COLUMN_LARGE_UTF8:
    case COLUMN_LARGE_LIST:
        return 8;
    case COLUMN_DECIMAL128:
    case COLUMN_UTF8_VIEW:
        return 16;
    case COLUMN_DICTIONARY:
        return code_bytes(column->code_type);
    default:
        return column_is_integer(column) ? code_bytes(column->type) : 0;
    }
}

static bool has_offsets(enum column_type type)
{
    return type == COLUMN_UTF8 || type == COLUMN_LARGE_UTF8 || type == COLUMN_LIST ||
           type == COLUMN_LARGE_LIST;
}

/* What the first buffer behind validity must hold. No rows need not even have one offset,
 * as old writers leave that buffer away. */
static size_t first_bytes(const struct column *column, int64_t rows)
{
    if (column->type == COLUMN_BOOL)
        return bits_bytes(rows);
    if (rows > 0 && has_offsets(column->type))
        rows++;
    return (size_t)rows * row_bytes(column);
}

/* --- places and lengths, without touching the body
 * ---------------------------------------- */

static int check_field(struct walk *walk, const struct arrow_field *field, int64_t rows)
{
    walk->path = field->path;
    struct arrow_node node;
    int rc = take_node(walk, &node);
    if (rc)
        return rc;
    if (rows >= 0 && node.rows != rows)
        return error_set(walk->err, ERROR_INPUT, "it has %lld rows where %lld are needed",
                         (long long)node.rows, (long long)rows);
    size_t buffers = field->buffer_count, more = 0;
    if (field->variadic && (rc = take_variadic(walk, &more)) != 0)
        return rc;
    for (size_t i = 0; i < buffers + more; i++) {
        struct arrow_extent extent;
        size_t min_bytes = 0;
        if (i == 0 && node.nulls > 0 && field->column->type != COLUMN_UNSUPPORTED)
            min_bytes = bits_bytes(node.rows);
        if (i == 1)
            min_bytes = first_bytes(field->column, node.rows);
        rc = take_extent(walk, &extent);
        if (rc == 0)
            rc = arrow_buffer_check(&walk->body->bytes, extent, min_bytes, walk->err);
        if (rc)
            return rc;
    }
    bool is_struct = field->column->type == COLUMN_STRUCT;
    for (size_t i = 0; i < field->child_count && rc == 0; i++)
        rc = check_field(walk, &field->children[i], is_struct ? node.rows : -1);
    return rc;
}

int arrow_body_check(const struct arrow_body *body, const struct arrow_field *fields,
                     size_t count, struct error *err)
{
    struct walk walk = {.body = body, .err = err};
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = check_field(&walk, &fields[i], body->rows);
    if (rc)
        error_prefix(err, "column \"%s\": ", walk.path);
    return rc;
}

/* A column nobody asked for; arrow_body_check has looked at its nodes and buffers. */
static int skip_field(struct walk *walk, const struct arrow_field *field)
{
    size_t more = 0;
    int rc = 0;
    if (field->variadic)
        rc = take_variadic(walk, &more);
    walk->node++;
    walk->extent += field->buffer_count + more;
    for (size_t i = 0; i < field->child_count && rc == 0; i++)
        rc = skip_field(walk, &field->children[i]);
    return rc;
}

/* --- reading
 * ------------------------------------------------------------------------------ */

static int load_buffer(struct walk *walk, struct arrow_need need, struct text *out)
{
    struct arrow_extent extent;
    int rc = take_extent(walk, &extent);
    if (rc)
        return rc;
    return arrow_buffer_load(&walk->body->bytes, extent, need, walk->memory, out,
                             walk->err);
}

/* A buffer of a width per row. Writers may pad it and keep spare rows in it, but not
 * many. */
static int load_fixed(struct walk *walk, size_t min_bytes, size_t align, const void **out)
{
    struct arrow_need need = {min_bytes, 2 * min_bytes + 4096, align, min_bytes};
    struct text buffer;
    int rc = load_buffer(walk, need, &buffer);
    *out = rc ? NULL : buffer.data;
    return rc;
}

static int load_bits(struct walk *walk, int64_t rows, const void **out)
{
    size_t min_bytes = bits_bytes(rows), words = bitmap_words((size_t)rows);
    struct arrow_need need = {min_bytes, 2 * min_bytes + 4096, 8, 8 * words};
    struct text buffer;
    int rc = load_buffer(walk, need, &buffer);
    *out = rc ? NULL : buffer.data;
    return rc;
}

/* Bytes of text: as many as the last offset says, or more when the writer cut a slice. */
static int load_text_bytes(struct walk *walk, size_t min_bytes, struct text *out)
{
    struct arrow_need need = {min_bytes, ARROW_MEMORY_MAX, 1, min_bytes};
    return load_buffer(walk, need, out);
}

/* The bitmap decides what is null; the node's count only says whether there must be one.
 */
static int load_validity(struct walk *walk, struct column *column, int64_t nulls)
{
    struct arrow_extent extent;
    int rc = take_extent(walk, &extent);
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

static int bad_row(const struct walk *walk, const char *what, int64_t row)
{
    return error_set(walk->err, ERROR_INPUT, "%s at row %lld", what, (long long)row);
}

/* rows + 1 offsets that stay within limit; last_out is the end of what they use. */
static int load_offsets(struct walk *walk, struct column *column, size_t width,
                        int64_t *last_out)
{
    static const int64_t zero;
    *last_out = 0;
    if (column->rows == 0) {
        struct arrow_extent unused;
        column->offsets = &zero;
        return take_extent(walk, &unused);
    }
    int rc = load_fixed(walk, first_bytes(column, column->rows), width, &column->offsets);
    if (rc)
        return rc;
    *last_out = width == 4 ? ((const int32_t *)column->offsets)[column->rows]
                           : ((const int64_t *)column->offsets)[column->rows];
    return *last_out < 0 ? bad_row(walk, "its offsets are negative", column->rows - 1)
                         : 0;
}

static int verify_offsets(struct walk *walk, const struct column *column, size_t width,
                          int64_t limit)
{
    int64_t bad = width == 4
                      ? arrow_verify_offsets32(column->offsets, column->rows, limit)
                      : arrow_verify_offsets64(column->offsets, column->rows, limit);
    return bad >= 0 ? bad_row(walk, "its offsets descend or point outside", bad) : 0;
}

static int load_text(struct walk *walk, struct column *column, size_t width)
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
static const void *zero_nulls(struct walk *walk, const struct column *column,
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

static int load_views(struct walk *walk, struct column *column)
{
    size_t count;
    int rc = take_variadic(walk, &count);
    if (rc == 0)
        rc = load_fixed(walk, first_bytes(column, column->rows), 4, &column->values);
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

static int load_codes(struct walk *walk, const struct arrow_field *field,
                      struct column *column)
{
    size_t width = code_bytes(column->code_type);
    int rc = load_fixed(walk, first_bytes(column, column->rows), width, &column->values);
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

static int load_field(struct walk *walk, const struct arrow_field *field,
                      struct column *column);

static int load_children(struct walk *walk, const struct arrow_field *field,
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

static int load_list(struct walk *walk, const struct arrow_field *field,
                     struct column *column, size_t width)
{
    int64_t last;
    int rc = load_offsets(walk, column, width, &last);
    if (rc == 0)
        rc = verify_offsets(walk, column, width, next_rows(walk));
    return rc ? rc : load_children(walk, field, column);
}

static int load_list_view(struct walk *walk, const struct arrow_field *field,
                          struct column *column)
{
    int rc = load_fixed(walk, first_bytes(column, column->rows), 4, &column->offsets);
    if (rc == 0)
        rc = load_fixed(walk, first_bytes(column, column->rows), 4, &column->sizes);
    if (rc)
        return rc;
    int64_t limit = next_rows(walk);
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

static int load_values(struct walk *walk, const struct arrow_field *field,
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
        return load_fixed(walk, first_bytes(column, column->rows), row_bytes(column),
                          &column->values);
    }
}

static int load_field(struct walk *walk, const struct arrow_field *field,
                      struct column *column)
{
    walk->path = field->path;
    *column = *field->column;
    if (column->type == COLUMN_UNSUPPORTED) { /* within a column that is: left unread */
        column->rows = next_rows(walk);
        return skip_field(walk, field);
    }
    struct arrow_node node;
    int rc = take_node(walk, &node);
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
    struct walk walk = {
        .body = body, .dictionaries = dictionaries, .memory = memory, .err = err};
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        walk.path = fields[i].path;
        columns[i] = *fields[i].column;
        columns[i].rows = body->rows;
        if (!bitmap_get(needed, i))
            rc = skip_field(&walk, &fields[i]);
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
