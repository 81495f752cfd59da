/* column: see column.h. */
#include "base/column.h"

int column_find(const struct column *columns, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, columns[i].name))
            return (int)i;
    }
    return -1;
}

bool column_is_text(const struct column *column)
{
    if (column->type == COLUMN_DICTIONARY)
        return column_is_text(column->dictionary);
    return column->type == COLUMN_UTF8 || column->type == COLUMN_LARGE_UTF8 ||
           column->type == COLUMN_UTF8_VIEW;
}

bool column_is_integer(const struct column *column)
{
    return column->type >= COLUMN_INT8 && column->type <= COLUMN_UINT64;
}

bool column_is_list(const struct column *column)
{
    return column->type == COLUMN_LIST || column->type == COLUMN_LARGE_LIST ||
           column->type == COLUMN_LIST_VIEW;
}

static int64_t integer_at(const void *values, enum column_type type, int64_t row)
{
    switch (type) {
    case COLUMN_INT8:
        return ((const int8_t *)values)[row];
    case COLUMN_INT16:
        return ((const int16_t *)values)[row];
    case COLUMN_INT32:
    case COLUMN_DATE32:
        return ((const int32_t *)values)[row];
    case COLUMN_INT64:
    case COLUMN_UINT64: /* wraps, as column.h says */
    case COLUMN_DATE64:
    case COLUMN_TIMESTAMP:
        return ((const int64_t *)values)[row];
    case COLUMN_UINT8:
        return ((const uint8_t *)values)[row];
    case COLUMN_UINT16:
        return ((const uint16_t *)values)[row];
    case COLUMN_UINT32:
        return ((const uint32_t *)values)[row];
    default:
        CHECK(!"integer_at of a column that is no integer");
        return 0;
    }
}

static struct text view_text(const struct column *column, int64_t row)
{
    const struct column_view *view = (const struct column_view *)column->values + row;
    if (view->bytes <= 12)
        return (struct text){view->inlined, (size_t)view->bytes};
    const struct text *buffer = &column->value_buffers[view->outside.buffer];
    return (struct text){buffer->data + view->outside.offset, (size_t)view->bytes};
}

struct text column_text(const struct column *column, int64_t row)
{
    if (column_is_null(column, row))
        return TEXT_NONE;
    const char *bytes = column->values;
    switch (column->type) {
    case COLUMN_UTF8: {
        const int32_t *at = (const int32_t *)column->offsets + row;
        return (struct text){bytes ? bytes + at[0] : "", (size_t)(at[1] - at[0])};
    }
    case COLUMN_LARGE_UTF8: {
        const int64_t *at = (const int64_t *)column->offsets + row;
        return (struct text){bytes ? bytes + at[0] : "", (size_t)(at[1] - at[0])};
    }
    case COLUMN_UTF8_VIEW:
        return view_text(column, row);
    case COLUMN_DICTIONARY:
        return column_text(column->dictionary,
                           integer_at(column->values, column->code_type, row));
    default:
        CHECK(!"column_text of a column that is no text");
        return TEXT_NONE;
    }
}

bool column_bool(const struct column *column, int64_t row, bool *out)
{
    *out = false;
    if (column_is_null(column, row))
        return false;
    CHECK(column->type == COLUMN_BOOL);
    *out = ((const uint64_t *)column->values)[row / 64] >> (row % 64) & 1;
    return true;
}

bool column_integer(const struct column *column, int64_t row, int64_t *out)
{
    *out = 0;
    if (column_is_null(column, row))
        return false;
    *out = integer_at(column->values, column->type, row);
    return true;
}

bool column_list(const struct column *column, int64_t row, int64_t *first_out,
                 int64_t *count_out)
{
    *first_out = 0;
    *count_out = 0;
    if (column_is_null(column, row))
        return false;
    switch (column->type) {
    case COLUMN_LIST: {
        const int32_t *at = (const int32_t *)column->offsets + row;
        *first_out = at[0];
        *count_out = at[1] - at[0];
        return true;
    }
    case COLUMN_LARGE_LIST: {
        const int64_t *at = (const int64_t *)column->offsets + row;
        *first_out = at[0];
        *count_out = at[1] - at[0];
        return true;
    }
    case COLUMN_LIST_VIEW:
        *first_out = ((const int32_t *)column->offsets)[row];
        *count_out = ((const int32_t *)column->sizes)[row];
        return true;
    default:
        CHECK(!"column_list of a column that is no list");
        return false;
    }
}
