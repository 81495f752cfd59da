/* arrow_meta: see arrow_meta.h. */
#include "ingest/arrow/arrow_meta.h"

#include "ingest/arrow/flatbuf_build.h"

static int check(const struct column *column, bool top, struct error *err)
{
    bool plain = column->type != COLUMN_UTF8_VIEW && column->type != COLUMN_LIST_VIEW &&
                 column->type != COLUMN_UNSUPPORTED;
    if (column->type == COLUMN_DICTIONARY)
        plain = top && column->dictionary &&
                (column->dictionary->type == COLUMN_UTF8 ||
                 column->dictionary->type == COLUMN_LARGE_UTF8);
    if (!plain)
        return error_set(
            err, ERROR_INPUT, "column \"%s\" of type %s cannot be written", column->name,
            column->type_name ? column->type_name : "that has no plain form");
    for (size_t i = 0; i < column->child_count; i++) {
        int rc = check(&column->children[i], false, err);
        if (rc)
            return rc;
    }
    return 0;
}

int arrow_meta_check(const struct column *column, struct error *err)
{
    return check(column, true, err);
}

static enum arrow_type arrow_type_of(enum column_type type)
{
    switch (type) {
    case COLUMN_NULL:
        return ARROW_NULL;
    case COLUMN_BOOL:
        return ARROW_BOOL;
    case COLUMN_FLOAT16:
    case COLUMN_FLOAT32:
    case COLUMN_FLOAT64:
        return ARROW_FLOAT;
    case COLUMN_DECIMAL128:
        return ARROW_DECIMAL;
    case COLUMN_UTF8:
        return ARROW_UTF8;
    case COLUMN_LARGE_UTF8:
        return ARROW_LARGE_UTF8;
    case COLUMN_DATE32:
    case COLUMN_DATE64:
        return ARROW_DATE;
    case COLUMN_TIMESTAMP:
        return ARROW_TIMESTAMP;
    case COLUMN_LIST:
        return ARROW_LIST;
    case COLUMN_LARGE_LIST:
        return ARROW_LARGE_LIST;
    case COLUMN_STRUCT:
        return ARROW_STRUCT;
    default:
        CHECK(type >= COLUMN_INT8 && type <= COLUMN_UINT64);
        return ARROW_INT;
    }
}

static size_t put_timestamp(struct buffer *out, const struct column *column)
{
    struct flatbuf_slot slots[] = {
        {.field = TIMESTAMP_UNIT, .bytes = 2, .value = column->unit},
        FLATBUF_REF(TIMESTAMP_TIMEZONE),
    };
    if (!column->timezone)
        return flatbuf_put_table(out, slots, 1);
    size_t table = flatbuf_put_table(out, slots, 2);
    flatbuf_fill(out, slots[1].at, flatbuf_put_string(out, text_of(column->timezone)));
    return table;
}

static size_t put_integer(struct buffer *out, enum column_type type)
{
    bool is_signed = type <= COLUMN_INT64;
    int log2_bytes = (int)type - (int)(is_signed ? COLUMN_INT8 : COLUMN_UINT8);
    struct flatbuf_slot slots[] = {
        {.field = INT_BIT_WIDTH, .bytes = 4, .value = 8 << log2_bytes},
        {.field = INT_IS_SIGNED, .bytes = 1, .value = is_signed},
    };
    return flatbuf_put_table(out, slots, ARRAY_COUNT(slots));
}

/* The table that details a type; empty for those that need no detail. */
static size_t put_type(struct buffer *out, const struct column *column)
{
    enum column_type type = column->type;
    switch (arrow_type_of(type)) {
    case ARROW_INT:
        return put_integer(out, type);
    case ARROW_FLOAT: {
        struct flatbuf_slot precision = {.field = FLOAT_PRECISION,
                                         .bytes = 2,
                                         .value = (int)type - (int)COLUMN_FLOAT16};
        return flatbuf_put_table(out, &precision, 1);
    }
    case ARROW_DECIMAL: {
        struct flatbuf_slot slots[] = {
            {.field = DECIMAL_PRECISION, .bytes = 4, .value = 38},
            {.field = DECIMAL_SCALE, .bytes = 4, .value = column->scale},
        };
        return flatbuf_put_table(out, slots, ARRAY_COUNT(slots));
    }
    case ARROW_DATE: {
        int unit = type == COLUMN_DATE32 ? ARROW_DAY : ARROW_MILLISECOND;
        struct flatbuf_slot slot = {.field = DATE_UNIT, .bytes = 2, .value = unit};
        return flatbuf_put_table(out, &slot, 1);
    }
    case ARROW_TIMESTAMP:
        return put_timestamp(out, column);
    default:
        return flatbuf_put_table(out, NULL, 0);
    }
}

static size_t put_dictionary(struct buffer *out, const struct column *column, size_t id)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(DICTIONARY_INDEX_TYPE),
        {.field = DICTIONARY_ID, .bytes = 8, .value = (int64_t)id},
    };
    size_t table = flatbuf_put_table(out, slots, ARRAY_COUNT(slots));
    flatbuf_fill(out, slots[0].at, put_integer(out, column->code_type));
    return table;
}

static size_t put_field(struct buffer *out, const struct column *column, size_t number);

static size_t put_fields(struct buffer *out, const struct column *columns, size_t count)
{
    size_t vector = flatbuf_put_vector(out, count, 4);
    size_t holes = flatbuf_put_holes(out, count);
    for (size_t i = 0; i < count; i++)
        flatbuf_fill(out, holes + 4 * i, put_field(out, &columns[i], i));
    return vector;
}

/* A field with a dictionary has the type of its values. The dictionary's id is the
 * column's number. */
static size_t put_field(struct buffer *out, const struct column *column, size_t number)
{
    const struct column *typed = column->dictionary ? column->dictionary : column;
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(FIELD_NAME),
        FLATBUF_REF(FIELD_TYPE),
        FLATBUF_REF(FIELD_CHILDREN),
        {.field = FIELD_NULLABLE, .bytes = 1, .value = true},
        {.field = FIELD_TYPE_TYPE, .bytes = 1, .value = arrow_type_of(typed->type)},
        FLATBUF_REF(FIELD_DICTIONARY),
    };
    size_t count = column->dictionary ? ARRAY_COUNT(slots) : ARRAY_COUNT(slots) - 1;
    size_t table = flatbuf_put_table(out, slots, count);
    flatbuf_fill(out, slots[0].at, flatbuf_put_string(out, text_of(column->name)));
    flatbuf_fill(out, slots[1].at, put_type(out, typed));
    flatbuf_fill(out, slots[2].at,
                 put_fields(out, column->children, column->child_count));
    if (column->dictionary)
        flatbuf_fill(out, slots[5].at, put_dictionary(out, column, number));
    return table;
}

static size_t put_schema(struct buffer *out, const struct column *schema, size_t count)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(SCHEMA_FIELDS),
        {.field = SCHEMA_ENDIANNESS, .bytes = 2, .value = 0},
    };
    size_t table = flatbuf_put_table(out, slots, ARRAY_COUNT(slots));
    flatbuf_fill(out, slots[0].at, put_fields(out, schema, count));
    return table;
}

/* The message table; returns the hole for its header. */
static size_t put_message(struct buffer *out, enum arrow_header header,
                          int64_t body_bytes)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(MESSAGE_HEADER),
        {.field = MESSAGE_VERSION, .bytes = 2, .value = ARROW_V5},
        {.field = MESSAGE_HEADER_TYPE, .bytes = 1, .value = header},
        {.field = MESSAGE_BODY_BYTES, .bytes = 8, .value = body_bytes},
    };
    size_t root = flatbuf_put_root(out);
    flatbuf_fill(out, root, flatbuf_put_table(out, slots, ARRAY_COUNT(slots)));
    return slots[0].at;
}

void arrow_meta_schema(struct buffer *out, const struct column *schema, size_t count)
{
    size_t hole = put_message(out, ARROW_SCHEMA, 0);
    flatbuf_fill(out, hole, put_schema(out, schema, count));
}

static size_t put_batch(struct buffer *out, const struct arrow_parts *parts)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(RECORD_BATCH_NODES),
        FLATBUF_REF(RECORD_BATCH_BUFFERS),
        {.field = RECORD_BATCH_ROWS, .bytes = 8, .value = parts->rows},
    };
    size_t table = flatbuf_put_table(out, slots, ARRAY_COUNT(slots));
    flatbuf_fill(out, slots[0].at, flatbuf_put_vector(out, parts->node_count, 8));
    buffer_add(out, parts->nodes, parts->node_count * sizeof(*parts->nodes));
    flatbuf_fill(out, slots[1].at, flatbuf_put_vector(out, parts->extent_count, 8));
    buffer_add(out, parts->extents, parts->extent_count * sizeof(*parts->extents));
    return table;
}

void arrow_meta_batch(struct buffer *out, const struct arrow_parts *parts)
{
    size_t hole = put_message(out, ARROW_RECORD_BATCH, parts->body_bytes);
    flatbuf_fill(out, hole, put_batch(out, parts));
}

void arrow_meta_dictionary(struct buffer *out, size_t id, const struct arrow_parts *parts)
{
    size_t hole = put_message(out, ARROW_DICTIONARY_BATCH, parts->body_bytes);
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(DICTIONARY_BATCH_DATA),
        {.field = DICTIONARY_BATCH_ID, .bytes = 8, .value = (int64_t)id},
    };
    flatbuf_fill(out, hole, flatbuf_put_table(out, slots, ARRAY_COUNT(slots)));
    flatbuf_fill(out, slots[0].at, put_batch(out, parts));
}

struct arrow_footer arrow_meta_footer_begin(struct buffer *out,
                                            const struct column *schema, size_t count)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(FOOTER_SCHEMA),
        FLATBUF_REF(FOOTER_DICTIONARIES),
        FLATBUF_REF(FOOTER_RECORD_BATCHES),
        {.field = FOOTER_VERSION, .bytes = 2, .value = ARROW_V5},
    };
    size_t root = flatbuf_put_root(out);
    flatbuf_fill(out, root, flatbuf_put_table(out, slots, ARRAY_COUNT(slots)));
    flatbuf_fill(out, slots[0].at, put_schema(out, schema, count));
    return (struct arrow_footer){.dictionaries_hole = slots[1].at,
                                 .batches_hole = slots[2].at};
}

static void fill_blocks(struct buffer *out, size_t hole, struct text blocks)
{
    size_t count = blocks.bytes / sizeof(struct arrow_block);
    flatbuf_fill(out, hole, flatbuf_put_vector(out, count, 8));
    buffer_text(out, blocks);
}

void arrow_meta_footer_end(struct buffer *out, struct arrow_footer footer,
                           struct text dictionaries, struct text batches)
{
    fill_blocks(out, footer.dictionaries_hole, dictionaries);
    fill_blocks(out, footer.batches_hole, batches);
}
