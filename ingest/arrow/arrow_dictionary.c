/* arrow_dictionary: the values that dictionary codes refer to.
 *
 * A stream may replace a dictionary between record batches, or add to it (a delta); in a
 * file all of them come before the first record batch. A version of a dictionary is known
 * by the last batch that belongs to it. */
#include "ingest/arrow/arrow_file.h"

#include "base/bitmap.h"

#include <stdlib.h>

/* The last batch of this id before `before`, or -1. */
static ptrdiff_t last_batch(const struct arrow_file *file, size_t before, int64_t id)
{
    for (size_t i = before; i-- > 0;) {
        if (file->dictionaries[i].id == id)
            return (ptrdiff_t)i;
    }
    return -1;
}

static int no_dictionary(void *arg, const struct arrow_field *field,
                         const struct column **out, struct error *err)
{
    (void)arg, (void)field, (void)out;
    return error_set(err, ERROR_INPUT,
                     "a dictionary within a dictionary is not supported");
}

/* The values of one batch alone. */
static int load_batch(struct arrow_file *file, const struct arrow_dictionary *dictionary,
                      const struct arrow_field *values, struct column *out,
                      struct error *err)
{
    static const struct arrow_dictionaries none = {.get = no_dictionary};
    static const uint64_t needed = 1;
    struct arrow_message message;
    int rc =
        arrow_message_read(file->data, file->bytes, dictionary->place.at, &message, err);
    CHECK(rc != 0); /* it was read when the file was opened */
    if (rc < 0)
        return rc;
    struct flatbuf_table table = flatbuf_sub(&message.header, DICTIONARY_BATCH_DATA);
    struct arrow_body body;
    rc = arrow_body_parse(&table, arrow_place_bytes(file, &message.place), &body, err);
    if (rc == 0)
        rc = arrow_body_check(&body, values, 1, err);
    if (rc == 0)
        rc = arrow_body_load(&body, values, 1, &needed, &none, &file->dictionary_memory,
                             out, err);
    if (rc)
        error_prefix(err,
                     "dictionary batch %zu: ", (size_t)(dictionary - file->dictionaries));
    return rc;
}

/* parts[count] one behind the other, as large_utf8. */
static int join(struct arrow_memory *memory, const struct column *parts, size_t count,
                struct column *out, struct error *err)
{
    int64_t rows = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        for (int64_t row = 0; row < parts[i].rows; row++)
            bytes += column_text(&parts[i], row).bytes;
        rows += parts[i].rows;
    }
    int64_t *offsets =
        arrow_memory_take(memory, ((size_t)rows + 1) * sizeof(*offsets), err);
    uint64_t *validity = arrow_memory_zero(memory, bitmap_words((size_t)rows) * 8, err);
    char *values = arrow_memory_take(memory, bytes, err);
    if (!offsets || !validity || !values)
        return -(int)err->kind;
    int64_t at = 0, to = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < count; i++) {
        for (int64_t row = 0; row < parts[i].rows; row++) {
            struct text t = column_text(&parts[i], row);
            if (t.data)
                bitmap_set(validity, (size_t)to);
            if (t.bytes > 0)
                memcpy(values + at, t.data, t.bytes);
            at += (int64_t)t.bytes;
            offsets[++to] = at;
        }
    }
    *out = parts[0];
    out->type = COLUMN_LARGE_UTF8;
    out->rows = rows;
    out->validity = validity;
    out->offsets = offsets;
    out->values = values;
    return 0;
}

/* Batch number last with all those it adds to. */
static int load_version(struct arrow_file *file, size_t last,
                        const struct arrow_field *field, struct column *out,
                        struct error *err)
{
    struct arrow_dictionary *dictionaries = file->dictionaries;
    int64_t id = dictionaries[last].id;
    size_t first = last, count = 1;
    while (dictionaries[first].is_delta) {
        ptrdiff_t before = last_batch(file, first, id);
        if (before < 0)
            break; /* a delta to nothing is the whole */
        first = (size_t)before;
        count++;
    }
    struct column *parts = calloc(count, sizeof(*parts));
    if (!parts)
        return error_set(err, ERROR_IO, "there is no memory for %zu dictionaries", count);
    int rc = 0;
    size_t part = 0;
    for (size_t i = first; i <= last && rc == 0; i++) {
        if (dictionaries[i].id == id)
            rc = load_batch(file, &dictionaries[i], field->dictionary, &parts[part++],
                            err);
    }
    bool wide = field->column->dictionary->type != field->dictionary->column->type;
    if (rc == 0 && wide)
        rc = join(&file->dictionary_memory, parts, count, out, err);
    else if (rc == 0)
        *out = parts[0];
    free(parts);
    return rc;
}

/* No batch came, which is fine while all rows are null. One empty text stands in, so that
 * whoever follows the codes of null rows finds something. */
static const struct column empty_dictionaries[] = {
    [COLUMN_UTF8] = {.name = "",
                     .type = COLUMN_UTF8,
                     .type_name = "utf8",
                     .rows = 1,
                     .offsets = (const int32_t[16]){0},
                     .values = ""},
    [COLUMN_LARGE_UTF8] = {.name = "",
                           .type = COLUMN_LARGE_UTF8,
                           .type_name = "large_utf8",
                           .rows = 1,
                           .offsets = (const int64_t[8]){0},
                           .values = ""},
    [COLUMN_UTF8_VIEW] = {.name = "",
                          .type = COLUMN_UTF8_VIEW,
                          .type_name = "utf8_view",
                          .rows = 1,
                          .values = (const struct column_view[1]){{0}}},
};

int arrow_dictionary_get(struct arrow_file *file, size_t before,
                         const struct arrow_field *field, const struct column **out,
                         struct error *err)
{
    enum column_type type = field->column->dictionary->type;
    ptrdiff_t last = last_batch(file, before, field->dictionary_id);
    if (last < 0) {
        *out = &empty_dictionaries[type];
        return 0;
    }
    pthread_mutex_lock(&file->mutex);
    struct arrow_dictionary *dictionary = &file->dictionaries[last];
    int rc = 0;
    if (!dictionary->column) {
        struct column *column =
            arrow_memory_zero(&file->dictionary_memory, sizeof(*column), err);
        rc = column ? load_version(file, (size_t)last, field, column, err)
                    : -(int)err->kind;
        if (rc == 0)
            dictionary->column = column->rows > 0 ? column : &empty_dictionaries[type];
    }
    if (rc == 0 && dictionary->column->type != type)
        rc = error_set(err, ERROR_INPUT,
                       "its dictionary is used with another type as well");
    *out = dictionary->column;
    pthread_mutex_unlock(&file->mutex);
    return rc;
}
