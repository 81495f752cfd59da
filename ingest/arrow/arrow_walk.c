/* arrow_walk: see arrow_walk.h. */
#include "ingest/arrow/arrow_walk.h"

static int damaged(const struct arrow_walk *walk, const char *what)
{
    return error_set(walk->err, ERROR_INPUT, "%s", what);
}

/* The struct's bytes in a vector need not be aligned, hence the copies. */
int walk_node(struct arrow_walk *walk, struct arrow_node *out)
{
    if (walk->node >= walk->body->nodes.count)
        return damaged(walk, "the record batch has no node for it");
    memcpy(out, walk->body->nodes.data + walk->node++ * sizeof(*out), sizeof(*out));
    if (out->rows < 0 || out->rows > ARROW_ROWS_MAX || out->nulls > out->rows)
        return error_set(walk->err, ERROR_INPUT, "it claims %lld rows, %lld of them null",
                         (long long)out->rows, (long long)out->nulls);
    return 0;
}

int64_t walk_next_rows(const struct arrow_walk *walk)
{
    struct arrow_node node = {0, 0};
    if (walk->node < walk->body->nodes.count)
        memcpy(&node, walk->body->nodes.data + walk->node * sizeof(node), sizeof(node));
    return node.rows;
}

int walk_extent(struct arrow_walk *walk, struct arrow_extent *out)
{
    if (walk->extent >= walk->body->extents.count)
        return damaged(walk, "the record batch has too few buffers for it");
    memcpy(out, walk->body->extents.data + walk->extent++ * sizeof(*out), sizeof(*out));
    return 0;
}

int walk_variadic(struct arrow_walk *walk, size_t *out)
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

size_t walk_bits_bytes(int64_t rows)
{
    return ((size_t)rows + 7) / 8;
}

size_t walk_code_bytes(enum column_type type)
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

size_t walk_row_bytes(const struct column *column)
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
        return walk_code_bytes(column->code_type);
    default:
        return column_is_integer(column) ? walk_code_bytes(column->type) : 0;
    }
}

static bool has_offsets(enum column_type type)
{
    return type == COLUMN_UTF8 || type == COLUMN_LARGE_UTF8 || type == COLUMN_LIST ||
           type == COLUMN_LARGE_LIST;
}

size_t walk_first_bytes(const struct column *column, int64_t rows)
{
    if (column->type == COLUMN_BOOL)
        return walk_bits_bytes(rows);
    if (rows > 0 && has_offsets(column->type))
        rows++;
    return (size_t)rows * walk_row_bytes(column);
}

static int check_field(struct arrow_walk *walk, const struct arrow_field *field,
                       int64_t rows)
{
    walk->path = field->path;
    struct arrow_node node;
    int rc = walk_node(walk, &node);
    if (rc)
        return rc;
    if (rows >= 0 && node.rows != rows)
        return error_set(walk->err, ERROR_INPUT, "it has %lld rows where %lld are needed",
                         (long long)node.rows, (long long)rows);
    size_t buffers = field->buffer_count, more = 0;
    if (field->variadic && (rc = walk_variadic(walk, &more)) != 0)
        return rc;
    for (size_t i = 0; i < buffers + more; i++) {
        struct arrow_extent extent;
        size_t min_bytes = 0;
        if (i == 0 && node.nulls > 0 && field->column->type != COLUMN_UNSUPPORTED)
            min_bytes = walk_bits_bytes(node.rows);
        if (i == 1)
            min_bytes = walk_first_bytes(field->column, node.rows);
        rc = walk_extent(walk, &extent);
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
    struct arrow_walk walk = {.body = body, .err = err};
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = check_field(&walk, &fields[i], body->rows);
    if (rc)
        error_prefix(err, "column \"%s\": ", walk.path);
    return rc;
}

int walk_skip(struct arrow_walk *walk, const struct arrow_field *field)
{
    size_t more = 0;
    int rc = 0;
    if (field->variadic)
        rc = walk_variadic(walk, &more);
    walk->node++;
    walk->extent += field->buffer_count + more;
    for (size_t i = 0; i < field->child_count && rc == 0; i++)
        rc = walk_skip(walk, &field->children[i]);
    return rc;
}
