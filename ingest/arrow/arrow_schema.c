/* arrow_schema: see arrow_schema.h. */
#include "ingest/arrow/arrow_schema.h"

#include "ingest/arrow/arrow_format.h"

#include <stdio.h>

#define SCHEMA_BYTES_MAX ((size_t)64 << 20)
#define DECIMAL_DIGITS_MAX                                                               \
    38 /* of 128 bits; a scale beyond is nothing to compute with  \
                               */
#define TYPE_NAME_BYTES 160

struct parse {
    struct arrow_schema *schema;
    int64_t version;
    struct error *err;
};

/* A NUL-terminated copy of a name.
 * Errors: one that no C string or terminal can carry. */
static int take_name(struct parse *p, struct text name, const char **out)
{
    if (name.data && (memchr(name.data, '\0', name.bytes) || !utf8_valid(name)))
        return error_set(p->err, ERROR_INPUT,
                         "the schema has a name that is not valid UTF-8");
    *out = arena_text(&p->schema->arena, name.data ? name : TEXT("")).data;
    return 0;
}

static void set_type(struct arrow_field *field, enum column_type type, const char *name,
                     unsigned buffer_count)
{
    field->column->type = type;
    field->column->type_name = name;
    field->buffer_count = (uint8_t)buffer_count;
}

static void set_int(struct arrow_field *field, const struct flatbuf_table *type)
{
    static const char *const names[2][4] = {{"uint8", "uint16", "uint32", "uint64"},
                                            {"int8", "int16", "int32", "int64"}};
    int64_t bits = flatbuf_integer(type, INT_BIT_WIDTH, 4, 0);
    bool is_signed = flatbuf_integer(type, INT_IS_SIGNED, 1, 0) != 0;
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64) {
        type->in->damaged = true;
        return;
    }
    unsigned width = (unsigned)__builtin_ctz((unsigned)bits) - 3; /* 8 … 64 → 0 … 3 */
    set_type(field, (is_signed ? COLUMN_INT8 : COLUMN_UINT8) + width,
             names[is_signed][width], 2);
}

static void set_float(struct arrow_field *field, const struct flatbuf_table *type)
{
    switch (flatbuf_integer(type, FLOAT_PRECISION, 2, ARROW_HALF)) {
    case ARROW_HALF:
        set_type(field, COLUMN_FLOAT16, "float16", 2);
        break;
    case ARROW_SINGLE:
        set_type(field, COLUMN_FLOAT32, "float32", 2);
        break;
    case ARROW_DOUBLE:
        set_type(field, COLUMN_FLOAT64, "float64", 2);
        break;
    default:
        type->in->damaged = true;
    }
}

static void set_decimal(struct parse *p, struct arrow_field *field,
                        const struct flatbuf_table *type)
{
    int64_t bits = flatbuf_integer(type, DECIMAL_BIT_WIDTH, 4, 128);
    int precision = (int)flatbuf_integer(type, DECIMAL_PRECISION, 4, 0);
    field->column->scale = (int32_t)flatbuf_integer(type, DECIMAL_SCALE, 4, 0);
    struct text name = arena_format(&p->schema->arena, "decimal%d(%d, %d)", (int)bits,
                                    precision, (int)field->column->scale);
    bool usable = bits == 128 && field->column->scale >= -DECIMAL_DIGITS_MAX &&
                  field->column->scale <= DECIMAL_DIGITS_MAX;
    set_type(field, usable ? COLUMN_DECIMAL128 : COLUMN_UNSUPPORTED, name.data, 2);
}

static int set_timestamp(struct parse *p, struct arrow_field *field,
                         const struct flatbuf_table *type)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    int64_t unit = flatbuf_integer(type, TIMESTAMP_UNIT, 2, COLUMN_SECONDS);
    if (unit < COLUMN_SECONDS || unit > COLUMN_NANOSECONDS) {
        type->in->damaged = true;
        return 0;
    }
    struct text zone = flatbuf_string(type, TIMESTAMP_TIMEZONE);
    field->column->unit = (enum column_unit)unit;
    if (zone.bytes > 0) { /* an empty zone is none, says Schema.fbs */
        int rc = take_name(p, zone, &field->column->timezone);
        if (rc)
            return rc;
    }
    struct text name = arena_format(
        &p->schema->arena, zone.bytes > 0 ? "timestamp[%s, %.64s]" : "timestamp[%s]",
        units[unit], field->column->timezone);
    set_type(field, COLUMN_TIMESTAMP, name.data, 2);
    return 0;
}

/* Types without a child. Returns false when the type has children or is none at all. */
static bool set_plain(struct arrow_field *field, int64_t type)
{
    static const struct {
        enum column_type type;
        const char *name;
        uint8_t buffer_count;
        bool variadic;
    } plain[] = {
        [ARROW_NULL] = {COLUMN_NULL, "null", 0, false},
        [ARROW_BINARY] = {COLUMN_UNSUPPORTED, "binary", 3, false},
        [ARROW_UTF8] = {COLUMN_UTF8, "utf8", 3, false},
        [ARROW_BOOL] = {COLUMN_BOOL, "bool", 2, false},
        [ARROW_TIME] = {COLUMN_UNSUPPORTED, "time", 2, false},
        [ARROW_INTERVAL] = {COLUMN_UNSUPPORTED, "interval", 2, false},
        [ARROW_FIXED_SIZE_BINARY] = {COLUMN_UNSUPPORTED, "fixed_size_binary", 2, false},
        [ARROW_DURATION] = {COLUMN_UNSUPPORTED, "duration", 2, false},
        [ARROW_LARGE_BINARY] = {COLUMN_UNSUPPORTED, "large_binary", 3, false},
        [ARROW_LARGE_UTF8] = {COLUMN_LARGE_UTF8, "large_utf8", 3, false},
        [ARROW_BINARY_VIEW] = {COLUMN_UNSUPPORTED, "binary_view", 2, true},
        [ARROW_UTF8_VIEW] = {COLUMN_UTF8_VIEW, "utf8_view", 2, true},
    };
    if (type < 0 || type >= (int64_t)ARRAY_COUNT(plain) || !plain[type].name)
        return false;
    set_type(field, plain[type].type, plain[type].name, plain[type].buffer_count);
    field->variadic = plain[type].variadic;
    return true;
}

/* A struct's type name: `struct<name: utf8, status: utf8, …>`. */
static void name_struct(struct parse *p, struct arrow_field *field)
{
    char name[TYPE_NAME_BYTES + 1] = "struct<";
    size_t used = strlen(name);
    for (size_t i = 0; i < field->child_count; i++) {
        const struct column *child = field->children[i].column;
        int need =
            snprintf(NULL, 0, "%s%s: %s", i ? ", " : "", child->name, child->type_name);
        if (used + (size_t)need > TYPE_NAME_BYTES - 16) {
            used += (size_t)sprintf(name + used, i ? ", …" : "…");
            break;
        }
        used += (size_t)sprintf(name + used, "%s%s: %s", i ? ", " : "", child->name,
                                child->type_name);
    }
    sprintf(name + used, ">");
    field->column->type_name = arena_text(&p->schema->arena, text_of(name)).data;
}

/* Types with children, which are parsed already; a child_count that is wrong is damage.
 */
static int set_nested(struct parse *p, struct arrow_field *field, int64_t type,
                      const struct flatbuf_table *detail)
{
    struct column *column = field->column;
    const char *shape = NULL;
    size_t children = 1;
    switch (type) {
    case ARROW_LIST:
        set_type(field, COLUMN_LIST, NULL, 2);
        shape = "list";
        break;
    case ARROW_LARGE_LIST:
        set_type(field, COLUMN_LARGE_LIST, NULL, 2);
        shape = "large_list";
        break;
    case ARROW_LIST_VIEW:
        set_type(field, COLUMN_LIST_VIEW, NULL, 3);
        shape = "list_view";
        break;
    case ARROW_LARGE_LIST_VIEW:
        set_type(field, COLUMN_UNSUPPORTED, "large_list_view", 3);
        break;
    case ARROW_FIXED_SIZE_LIST:
        set_type(field, COLUMN_UNSUPPORTED, "fixed_size_list", 1);
        break;
    case ARROW_MAP:
        set_type(field, COLUMN_UNSUPPORTED, "map", 2);
        break;
    case ARROW_RUN_END_ENCODED:
        set_type(field, COLUMN_UNSUPPORTED, "run_end_encoded", 0);
        children = 2;
        break;
    case ARROW_STRUCT:
        set_type(field, COLUMN_STRUCT, NULL, 1);
        children = field->child_count;
        name_struct(p, field);
        break;
    case ARROW_UNION: { /* type ids, offsets when dense, and until V4 validity */
        bool dense = flatbuf_integer(detail, UNION_MODE, 2, 0) != 0;
        set_type(field, COLUMN_UNSUPPORTED, "union",
                 1u + dense + (p->version <= ARROW_V4));
        children = field->child_count;
        break;
    }
    default:
        return error_set(p->err, ERROR_INPUT,
                         "column \"%s\" has a type this version of volley does not know "
                         "(number %d)",
                         field->path, (int)type);
    }
    if (field->child_count != children)
        return error_set(p->err, ERROR_INPUT, "column \"%s\" has %zu children, not %zu",
                         field->path, field->child_count, children);
    if (shape)
        column->type_name = arena_format(&p->schema->arena, "%s<%s>", shape,
                                         field->children[0].column->type_name)
                                .data;
    return 0;
}

static int set_field_type(struct parse *p, struct arrow_field *field,
                          const struct flatbuf_table *table)
{
    int64_t type = flatbuf_integer(table, FIELD_TYPE_TYPE, 1, 0);
    struct flatbuf_table detail = flatbuf_sub(table, FIELD_TYPE);
    switch (type) {
    case ARROW_INT:
        set_int(field, &detail);
        return 0;
    case ARROW_FLOAT:
        set_float(field, &detail);
        return 0;
    case ARROW_DECIMAL:
        set_decimal(p, field, &detail);
        return 0;
    case ARROW_TIMESTAMP:
        return set_timestamp(p, field, &detail);
    case ARROW_DATE:
        if (flatbuf_integer(&detail, DATE_UNIT, 2, ARROW_MILLISECOND) == ARROW_DAY)
            set_type(field, COLUMN_DATE32, "date32", 2);
        else
            set_type(field, COLUMN_DATE64, "date64", 2);
        return 0;
    default:
        if (set_plain(field, type))
            return 0;
        return set_nested(p, field, type, &detail);
    }
}

/* The field as parsed so far becomes the dictionary's values; what is in a record batch
 * are codes. */
static void set_dictionary(struct parse *p, struct arrow_field *field,
                           const struct flatbuf_table *encoding)
{
    struct arena *arena = &p->schema->arena;
    struct arrow_field *values = arena_zalloc(arena, sizeof(*values));
    struct column *columns = arena_zalloc(arena, 2 * sizeof(*columns));
    if (arena_overflowed(arena))
        return;
    *values = *field;
    values->column = &columns[0];
    columns[0] = *field->column;
    columns[1] = columns[0]; /* what others see; arrow_schema_widen may change it */

    struct flatbuf_table codes = flatbuf_sub(encoding, DICTIONARY_INDEX_TYPE);
    if (codes.at)
        set_int(field, &codes);
    else
        set_type(field, COLUMN_INT32, "int32", 2);
    struct column *column = field->column;
    struct text name = arena_format(arena, "dictionary<%s>", columns[0].type_name);
    column->code_type = column->type;
    column->type = column_is_text(&columns[0]) ? COLUMN_DICTIONARY : COLUMN_UNSUPPORTED;
    column->type_name = name.data;
    column->dictionary = &columns[1];
    column->children = NULL;
    column->child_count = 0;
    field->dictionary = values;
    field->dictionary_id = flatbuf_integer(encoding, DICTIONARY_ID, 8, 0);
    field->variadic = false;
    field->children = NULL;
    field->child_count = 0;
}

/* The field whose children are being parsed. */
struct parent {
    const char *path; /* NULL above the top level */
    bool is_list;     /* its one child has a name that nobody knows, such as "item" */
    unsigned depth;
};

static int parse_fields(struct parse *p, const struct flatbuf_vector *vector,
                        struct parent parent, struct arrow_field **fields_out,
                        struct column **columns_out);

static const char *path_of(struct parse *p, struct parent parent, const char *name)
{
    if (!parent.path)
        return name;
    if (parent.is_list)
        return parent.path;
    return arena_format(&p->schema->arena, "%s.%s", parent.path, name).data;
}

static bool is_list(const struct flatbuf_table *table)
{
    int64_t type = flatbuf_integer(table, FIELD_TYPE_TYPE, 1, 0);
    return type == ARROW_LIST || type == ARROW_LARGE_LIST || type == ARROW_LIST_VIEW;
}

static int parse_field(struct parse *p, const struct flatbuf_table *table,
                       struct parent parent, struct arrow_field *field)
{
    struct column *column = field->column;
    int rc = take_name(p, flatbuf_string(table, FIELD_NAME), &column->name);
    if (rc)
        return rc;
    field->path = path_of(p, parent, column->name);
    if (arena_overflowed(&p->schema->arena))
        return error_set(p->err, ERROR_INPUT, "the schema is larger than %zu bytes",
                         SCHEMA_BYTES_MAX);
    struct flatbuf_vector vector = flatbuf_vector(table, FIELD_CHILDREN, 4);
    struct column *children = NULL;
    field->child_count = vector.count;
    struct parent self = {field->path, is_list(table), parent.depth + 1};
    rc = parse_fields(p, &vector, self, &field->children, &children);
    if (rc)
        return rc;
    rc = set_field_type(p, field, table);
    if (rc)
        return rc;
    if (column->type != COLUMN_UNSUPPORTED) {
        column->children = children;
        column->child_count = field->child_count;
    }
    struct flatbuf_table encoding = flatbuf_sub(table, FIELD_DICTIONARY);
    if (encoding.at)
        set_dictionary(p, field, &encoding);
    return 0;
}

static int parse_fields(struct parse *p, const struct flatbuf_vector *vector,
                        struct parent parent, struct arrow_field **fields_out,
                        struct column **columns_out)
{
    struct arena *arena = &p->schema->arena;
    size_t count = vector->count;
    if (count == 0)
        return 0;
    if (parent.depth > ARROW_DEPTH_MAX)
        return error_set(p->err, ERROR_INPUT, "column \"%s\" is nested more than %d deep",
                         parent.path, ARROW_DEPTH_MAX);
    if (count > ARROW_FIELDS_MAX - p->schema->field_total)
        return error_set(p->err, ERROR_INPUT, "the schema has more than %d fields",
                         ARROW_FIELDS_MAX);
    p->schema->field_total += count;
    struct arrow_field *fields = arena_zalloc(arena, count * sizeof(*fields));
    struct column *columns = arena_zalloc(arena, count * sizeof(*columns));
    for (size_t i = 0; i < count; i++) {
        if (arena_overflowed(arena))
            return error_set(p->err, ERROR_INPUT, "the schema is larger than %zu bytes",
                             SCHEMA_BYTES_MAX);
        fields[i].column = &columns[i];
        struct flatbuf_table table = flatbuf_element(vector, i);
        int rc = parse_field(p, &table, parent, &fields[i]);
        if (rc)
            return rc;
        if (vector->in->damaged)
            return error_set(p->err, ERROR_INPUT, "the schema is damaged");
    }
    *fields_out = fields;
    *columns_out = columns;
    return 0;
}

int arrow_schema_parse(const struct flatbuf_table *table, int64_t version,
                       struct arrow_schema *out, struct error *err)
{
    *out = (struct arrow_schema){0};
    if (flatbuf_integer(table, SCHEMA_ENDIANNESS, 2, 0) != 0)
        return error_set(err, ERROR_INPUT,
                         "the file was written big-endian; write it little-endian");
    struct flatbuf_vector fields = flatbuf_vector(table, SCHEMA_FIELDS, 4);
    int rc = arena_init(&out->arena, SCHEMA_BYTES_MAX, err);
    if (rc)
        return rc;
    struct parse p = {out, version, err};
    out->count = fields.count;
    rc = parse_fields(&p, &fields, (struct parent){0}, &out->fields, &out->columns);
    if (rc == 0 && (table->in->damaged || arena_overflowed(&out->arena)))
        rc = error_set(err, ERROR_INPUT, "the schema is damaged");
    if (rc)
        arrow_schema_fini(out);
    return rc;
}

void arrow_schema_fini(struct arrow_schema *schema)
{
    arena_fini(&schema->arena);
    *schema = (struct arrow_schema){0};
}

static void widen(struct arrow_field *fields, size_t count, int64_t dictionary_id)
{
    for (size_t i = 0; i < count; i++) {
        struct arrow_field *field = &fields[i];
        if (field->dictionary && field->dictionary_id == dictionary_id &&
            field->column->type == COLUMN_DICTIONARY)
            ((struct column *)field->column->dictionary)->type = COLUMN_LARGE_UTF8;
        widen(field->children, field->child_count, dictionary_id);
    }
}

void arrow_schema_widen(struct arrow_schema *schema, int64_t dictionary_id)
{
    widen(schema->fields, schema->count, dictionary_id);
}
