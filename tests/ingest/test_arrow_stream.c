/* Streams put together message by message: dictionaries that are replaced or grow,
 * compressed buffers, old framing. No writer we have makes all of these. */
#include "ingest/arrow/arrow_file.h"
#include "ingest/arrow/flatbuf_build.h"

#include <criterion/criterion.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

struct craft {
    struct buffer stream;
    bool old_framing; /* no continuation mark, as before Arrow 0.15 */
    enum arrow_codec codec;
    int64_t declared; /* length in front of a compressed buffer; 0: the right one */
    bool incompressible;
};

static void add_message(struct craft *craft, const struct buffer *meta,
                        const struct buffer *body)
{
    uint32_t padded = (uint32_t)(meta->bytes + 7) / 8 * 8, mark = ARROW_CONTINUATION;
    if (!craft->old_framing)
        buffer_add(&craft->stream, &mark, 4);
    buffer_add(&craft->stream, &padded, 4);
    buffer_add(&craft->stream, meta->data, meta->bytes);
    buffer_add(&craft->stream, "\0\0\0\0\0\0\0", padded - meta->bytes);
    if (body)
        buffer_add(&craft->stream, body->data, body->bytes);
}

static size_t begin_message(struct buffer *meta, enum arrow_header type,
                            int64_t body_bytes)
{
    struct flatbuf_slot slots[] = {
        FLATBUF_REF(MESSAGE_HEADER),
        {.field = MESSAGE_VERSION, .bytes = 2, .value = ARROW_V5},
        {.field = MESSAGE_HEADER_TYPE, .bytes = 1, .value = type},
        {.field = MESSAGE_BODY_BYTES, .bytes = 8, .value = body_bytes},
    };
    size_t root = flatbuf_put_root(meta);
    flatbuf_fill(meta, root, flatbuf_put_table(meta, slots, ARRAY_COUNT(slots)));
    return slots[0].at;
}

/* One column "city" of utf8, behind a dictionary with int8 codes when encoded. */
static void add_schema(struct craft *craft, bool encoded)
{
    struct buffer meta = {0};
    size_t hole = begin_message(&meta, ARROW_SCHEMA, 0);
    struct flatbuf_slot schema[] = {FLATBUF_REF(SCHEMA_FIELDS)};
    flatbuf_fill(&meta, hole, flatbuf_put_table(&meta, schema, 1));
    flatbuf_fill(&meta, schema[0].at, flatbuf_put_vector(&meta, 1, 4));
    size_t field_hole = flatbuf_put_holes(&meta, 1);
    struct flatbuf_slot field[] = {
        FLATBUF_REF(FIELD_NAME),
        FLATBUF_REF(FIELD_TYPE),
        {.field = FIELD_TYPE_TYPE, .bytes = 1, .value = ARROW_UTF8},
        FLATBUF_REF(FIELD_DICTIONARY),
    };
    flatbuf_fill(&meta, field_hole, flatbuf_put_table(&meta, field, encoded ? 4 : 3));
    flatbuf_fill(&meta, field[0].at, flatbuf_put_string(&meta, TEXT("city")));
    flatbuf_fill(&meta, field[1].at, flatbuf_put_table(&meta, NULL, 0));
    if (encoded) {
        struct flatbuf_slot encoding[] = {
            {.field = DICTIONARY_ID, .bytes = 8, .value = 7},
            FLATBUF_REF(DICTIONARY_INDEX_TYPE),
        };
        struct flatbuf_slot codes[] = {
            {.field = INT_BIT_WIDTH, .bytes = 4, .value = 8},
            {.field = INT_IS_SIGNED, .bytes = 1, .value = 1},
        };
        flatbuf_fill(&meta, field[3].at, flatbuf_put_table(&meta, encoding, 2));
        flatbuf_fill(&meta, encoding[1].at, flatbuf_put_table(&meta, codes, 2));
    }
    add_message(craft, &meta, NULL);
    buffer_fini(&meta);
}

static void add_buffer(struct craft *craft, struct buffer *body, struct buffer *extents,
                       const void *data, size_t bytes)
{
    struct arrow_extent extent = {(int64_t)body->bytes, 0};
    if (craft->codec == ARROW_CODEC_NONE || bytes == 0) {
        buffer_add(body, data, bytes);
    } else {
        int64_t declared = craft->declared ? craft->declared : (int64_t)bytes;
        if (craft->incompressible)
            declared = -1;
        buffer_add(body, &declared, 8);
        char packed[1024];
        size_t packed_bytes = bytes;
        if (craft->incompressible)
            memcpy(packed, data, bytes);
        else if (craft->codec == ARROW_ZSTD)
            packed_bytes = ZSTD_compress(packed, sizeof(packed), data, bytes, 1);
        else
            packed_bytes = LZ4F_compressFrame(packed, sizeof(packed), data, bytes, NULL);
        buffer_add(body, packed, packed_bytes);
    }
    extent.bytes = (int64_t)body->bytes - extent.at;
    buffer_add(extents, &extent, sizeof(extent));
    while (body->bytes % 8 != 0)
        buffer_byte(body, 0);
}

/* A RecordBatch table of one column: validity and the other buffers, whatever they are.
 */
static void put_batch(struct craft *craft, struct buffer *meta, size_t hole, int64_t rows,
                      int64_t nulls, const struct buffer *extents)
{
    struct arrow_node node = {rows, nulls};
    struct flatbuf_slot slots[] = {
        {.field = RECORD_BATCH_ROWS, .bytes = 8, .value = rows},
        FLATBUF_REF(RECORD_BATCH_NODES),
        FLATBUF_REF(RECORD_BATCH_BUFFERS),
        FLATBUF_REF(RECORD_BATCH_COMPRESSION),
    };
    struct flatbuf_slot codec = {
        .field = COMPRESSION_CODEC, .bytes = 1, .value = craft->codec};
    bool packed = craft->codec != ARROW_CODEC_NONE;
    flatbuf_fill(meta, hole, flatbuf_put_table(meta, slots, packed ? 4 : 3));
    flatbuf_fill(meta, slots[1].at, flatbuf_put_vector(meta, 1, 8));
    buffer_add(meta, &node, sizeof(node));
    flatbuf_fill(meta, slots[2].at, flatbuf_put_vector(meta, extents->bytes / 16, 8));
    buffer_add(meta, extents->data, extents->bytes);
    if (packed)
        flatbuf_fill(meta, slots[3].at, flatbuf_put_table(meta, &codec, 1));
}

/* texts[count], NULL for null */
static void put_texts(struct craft *craft, const char *const *texts, size_t count,
                      struct buffer *body, struct buffer *extents, int64_t *nulls_out)
{
    uint8_t validity = 0;
    int32_t offsets[9] = {0};
    char values[256] = "";
    *nulls_out = 0;
    for (size_t i = 0; i < count; i++) {
        offsets[i + 1] = offsets[i] + (int32_t)(texts[i] ? strlen(texts[i]) : 0);
        strcat(values, texts[i] ? texts[i] : "");
        validity |= (uint8_t)((texts[i] != NULL) << i);
        *nulls_out += texts[i] == NULL;
    }
    add_buffer(craft, body, extents, &validity, 1);
    add_buffer(craft, body, extents, offsets, 4 * (count + 1));
    add_buffer(craft, body, extents, values, (size_t)offsets[count]);
}

static void add_dictionary(struct craft *craft, bool is_delta, const char *const *texts,
                           size_t count)
{
    struct buffer meta = {0}, body = {0}, extents = {0};
    int64_t nulls;
    put_texts(craft, texts, count, &body, &extents, &nulls);
    size_t hole = begin_message(&meta, ARROW_DICTIONARY_BATCH, (int64_t)body.bytes);
    struct flatbuf_slot slots[] = {
        {.field = DICTIONARY_BATCH_ID, .bytes = 8, .value = 7},
        FLATBUF_REF(DICTIONARY_BATCH_DATA),
        {.field = DICTIONARY_BATCH_IS_DELTA, .bytes = 1, .value = is_delta},
    };
    flatbuf_fill(&meta, hole, flatbuf_put_table(&meta, slots, 3));
    put_batch(craft, &meta, slots[1].at, (int64_t)count, nulls, &extents);
    add_message(craft, &meta, &body);
    buffer_fini(&meta);
    buffer_fini(&body);
    buffer_fini(&extents);
}

static void add_codes(struct craft *craft, const int8_t *codes, size_t count,
                      uint8_t validity)
{
    struct buffer meta = {0}, body = {0}, extents = {0};
    add_buffer(craft, &body, &extents, &validity, 1);
    add_buffer(craft, &body, &extents, codes, count);
    size_t hole = begin_message(&meta, ARROW_RECORD_BATCH, (int64_t)body.bytes);
    int64_t nulls = (int64_t)count - __builtin_popcount(validity);
    put_batch(craft, &meta, hole, (int64_t)count, nulls, &extents);
    add_message(craft, &meta, &body);
    buffer_fini(&meta);
    buffer_fini(&body);
    buffer_fini(&extents);
}

static void add_texts(struct craft *craft, const char *const *texts, size_t count)
{
    struct buffer meta = {0}, body = {0}, extents = {0};
    int64_t nulls;
    put_texts(craft, texts, count, &body, &extents, &nulls);
    size_t hole = begin_message(&meta, ARROW_RECORD_BATCH, (int64_t)body.bytes);
    put_batch(craft, &meta, hole, (int64_t)count, nulls, &extents);
    add_message(craft, &meta, &body);
    buffer_fini(&meta);
    buffer_fini(&body);
    buffer_fini(&extents);
}

static struct arrow_file *open_craft(struct craft *craft)
{
    struct arrow_file *file;
    struct error err;
    cr_assert(
        arrow_open_bytes("t", craft->stream.data, craft->stream.bytes, &file, &err) == 0,
        "%s", err.text);
    return file;
}

/* The texts of record batch `number`, joined by commas with ~ for null, or the error. */
static const char *show(struct arrow_file *file, size_t number)
{
    static char shown[ERROR_TEXT_BYTES];
    struct arrow_batch *batch;
    struct error err;
    if (arrow_batch_load(file, number, &(uint64_t){1}, &batch, &err))
        return strcpy(shown, err.text);
    struct buffer line = {0};
    const struct column *column = arrow_batch_columns(batch);
    for (int64_t row = 0; row < column->rows; row++) {
        struct text t = column_text(column, row);
        buffer_format(&line, "%s%.*s", row ? "," : "", TEXT_ARGS(t.data ? t : TEXT("~")));
    }
    snprintf(shown, sizeof(shown), "%s", line.data ? line.data : "");
    buffer_fini(&line);
    arrow_batch_destroy(&batch);
    return shown;
}

#define TEXTS(...)                                                                       \
    ((const char *const[]){__VA_ARGS__}), ARRAY_COUNT(((const char *[]){__VA_ARGS__}))
#define CODES(...) ((const int8_t[]){__VA_ARGS__}), sizeof((int8_t[]){__VA_ARGS__})

Test(arrow_stream, dictionary_is_replaced)
{
    struct craft craft = {.codec = ARROW_CODEC_NONE};
    add_schema(&craft, true);
    add_dictionary(&craft, false, TEXTS("Roma", "Milano"));
    add_codes(&craft, CODES(1, 0, 1), 7);
    add_dictionary(&craft, false, TEXTS("Bari"));
    add_codes(&craft, CODES(0, 0), 1);
    struct arrow_file *file = open_craft(&craft);
    size_t count;
    cr_expect_eq(arrow_schema(file, &count)->dictionary->type, COLUMN_UTF8);
    cr_expect_str_eq(show(file, 1), "Bari,~"); /* in any order */
    cr_expect_str_eq(show(file, 0), "Milano,Roma,Milano");
    arrow_close(&file);
    buffer_fini(&craft.stream);
}

Test(arrow_stream, dictionary_grows)
{
    struct craft craft = {.codec = ARROW_CODEC_NONE};
    add_schema(&craft, true);
    add_dictionary(&craft, false, TEXTS("Roma"));
    add_codes(&craft, CODES(0, 0), 3);
    add_dictionary(&craft, true, TEXTS("Milano", NULL));
    add_codes(&craft, CODES(1, 0, 2), 7);
    add_dictionary(&craft, true, TEXTS("Bari"));
    add_codes(&craft, CODES(3, 1), 3);
    add_dictionary(&craft, false, TEXTS("Lecce"));
    add_codes(&craft, CODES(1), 1);
    struct arrow_file *file = open_craft(&craft);
    size_t count;
    cr_expect_eq(arrow_schema(file, &count)->dictionary->type, COLUMN_LARGE_UTF8);
    cr_expect_str_eq(show(file, 0), "Roma,Roma");
    cr_expect_str_eq(show(file, 1), "Milano,Roma,~");
    cr_expect_str_eq(show(file, 2), "Bari,Milano");
    cr_expect_str_eq(
        show(file, 3),
        "t: record batch 3: column \"city\": its code is not in the dictionary at row 0");
    arrow_close(&file);
    buffer_fini(&craft.stream);
}

/* A null row's code may be anything; without a dictionary every row has to be null. */
Test(arrow_stream, codes_of_null_rows)
{
    struct craft craft = {.codec = ARROW_CODEC_NONE};
    add_schema(&craft, true);
    add_codes(&craft, CODES(-1, 5), 0);
    add_codes(&craft, CODES(0, 1), 2);
    add_dictionary(&craft, false, TEXTS("Roma"));
    add_codes(&craft, CODES(-1, 0, 99), 2);
    struct arrow_file *file = open_craft(&craft);
    cr_expect_str_eq(show(file, 0), "~,~");
    cr_expect_str_eq(show(file, 1),
                     "t: record batch 1: column \"city\": its code is not in "
                     "the dictionary at row 1");
    cr_expect_str_eq(show(file, 2), "~,Roma,~");
    struct arrow_batch *batch;
    struct error err;
    cr_assert_eq(arrow_batch_load(file, 2, &(uint64_t){1}, &batch, &err), 0);
    const int8_t *codes = arrow_batch_columns(batch)->values;
    cr_expect(codes[0] == 0 && codes[2] == 0);
    arrow_batch_destroy(&batch);
    arrow_close(&file);
    buffer_fini(&craft.stream);
}

Test(arrow_stream, framing_before_0_15)
{
    struct craft craft = {.codec = ARROW_CODEC_NONE, .old_framing = true};
    add_schema(&craft, false);
    add_texts(&craft, TEXTS("Roma", NULL));
    buffer_add(&craft.stream, "\0\0\0\0", 4);
    struct arrow_file *file = open_craft(&craft);
    cr_expect_str_eq(show(file, 0), "Roma,~");
    arrow_close(&file);
    buffer_fini(&craft.stream);
}

Test(arrow_stream, compressed)
{
    static const enum arrow_codec codecs[] = {ARROW_LZ4_FRAME, ARROW_ZSTD};
    for (size_t i = 0; i < 4; i++) {
        struct craft craft = {.codec = codecs[i / 2], .incompressible = i % 2};
        add_schema(&craft, false);
        add_texts(&craft, TEXTS("Roma", NULL, "RomaRomaRomaRomaRomaRomaRomaRomaRoma"));
        struct arrow_file *file = open_craft(&craft);
        cr_expect_str_eq(show(file, 0), "Roma,~,RomaRomaRomaRomaRomaRomaRomaRomaRoma");
        arrow_close(&file);
        buffer_fini(&craft.stream);
    }
}

Test(arrow_stream, compressed_with_a_wrong_length)
{
    static const struct {
        int64_t declared;
        const char *what;
    } cases[] = {
        {1ll << 40,
         "a compressed buffer claims 1099511627776 bytes, more than it can hold"},
        {-2, "a compressed buffer claims -2 bytes, more than it can hold"},
        {2, "a compressed buffer is damaged (ZSTD)"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct craft craft = {.codec = ARROW_ZSTD, .declared = cases[i].declared};
        add_schema(&craft, false);
        add_texts(&craft, TEXTS("Roma", NULL));
        struct arrow_file *file = open_craft(&craft);
        char sentence[256];
        snprintf(sentence, sizeof(sentence), "t: record batch 0: column \"city\": %s",
                 cases[i].what);
        cr_expect_str_eq(show(file, 0), sentence);
        arrow_close(&file);
        buffer_fini(&craft.stream);
    }
}

/* --- list views, which none of our peers writes --- */

/* A field table; children is the hole for its only child, or 0 when it has none. */
static void put_field(struct buffer *meta, size_t hole, const char *name,
                      enum arrow_type type, size_t *children)
{
    struct flatbuf_slot field[] = {
        FLATBUF_REF(FIELD_NAME),
        FLATBUF_REF(FIELD_TYPE),
        {.field = FIELD_TYPE_TYPE, .bytes = 1, .value = type},
        FLATBUF_REF(FIELD_CHILDREN),
    };
    flatbuf_fill(meta, hole, flatbuf_put_table(meta, field, children ? 4 : 3));
    flatbuf_fill(meta, field[0].at, flatbuf_put_string(meta, text_of(name)));
    flatbuf_fill(meta, field[1].at, flatbuf_put_table(meta, NULL, 0));
    if (children) {
        flatbuf_fill(meta, field[3].at, flatbuf_put_vector(meta, 1, 4));
        *children = flatbuf_put_holes(meta, 1);
    }
}

static void add_list_view_schema(struct craft *craft)
{
    struct buffer meta = {0};
    size_t hole = begin_message(&meta, ARROW_SCHEMA, 0), child;
    struct flatbuf_slot schema[] = {FLATBUF_REF(SCHEMA_FIELDS)};
    flatbuf_fill(&meta, hole, flatbuf_put_table(&meta, schema, 1));
    flatbuf_fill(&meta, schema[0].at, flatbuf_put_vector(&meta, 1, 4));
    put_field(&meta, flatbuf_put_holes(&meta, 1), "tags", ARROW_LIST_VIEW, &child);
    put_field(&meta, child, "item", ARROW_BOOL, NULL);
    add_message(craft, &meta, NULL);
    buffer_fini(&meta);
}

/* Three lists over eight flags; the second is null. */
static void add_list_views(struct craft *craft, const int32_t offsets[3],
                           const int32_t sizes[3])
{
    struct buffer meta = {0}, body = {0}, extents = {0};
    add_buffer(craft, &body, &extents, "\5", 1);
    add_buffer(craft, &body, &extents, offsets, 12);
    add_buffer(craft, &body, &extents, sizes, 12);
    add_buffer(craft, &body, &extents, "", 0);
    add_buffer(craft, &body, &extents, "\xF0", 1);
    const struct arrow_node nodes[] = {{3, 1}, {8, 0}};
    struct flatbuf_slot slots[] = {
        {.field = RECORD_BATCH_ROWS, .bytes = 8, .value = 3},
        FLATBUF_REF(RECORD_BATCH_NODES),
        FLATBUF_REF(RECORD_BATCH_BUFFERS),
    };
    size_t hole = begin_message(&meta, ARROW_RECORD_BATCH, (int64_t)body.bytes);
    flatbuf_fill(&meta, hole, flatbuf_put_table(&meta, slots, 3));
    flatbuf_fill(&meta, slots[1].at, flatbuf_put_vector(&meta, 2, 8));
    buffer_add(&meta, nodes, sizeof(nodes));
    flatbuf_fill(&meta, slots[2].at, flatbuf_put_vector(&meta, 5, 8));
    buffer_add(&meta, extents.data, extents.bytes);
    add_message(craft, &meta, &body);
    buffer_fini(&meta);
    buffer_fini(&body);
    buffer_fini(&extents);
}

Test(arrow_stream, list_views)
{
    struct craft craft = {.codec = ARROW_CODEC_NONE};
    add_list_view_schema(&craft);
    add_list_views(&craft, (int32_t[]){4, 0, 0}, (int32_t[]){4, 0, 8});
    add_list_views(&craft, (int32_t[]){4, -9, 0}, (int32_t[]){4, 99, 8});
    add_list_views(&craft, (int32_t[]){4, 0, 1}, (int32_t[]){4, 0, 8});
    struct arrow_file *file = open_craft(&craft);
    size_t count;
    cr_expect_str_eq(arrow_schema(file, &count)->type_name, "list_view<bool>");
    for (size_t number = 0; number < 2; number++) {
        struct arrow_batch *batch;
        struct error err;
        cr_assert(arrow_batch_load(file, number, &(uint64_t){1}, &batch, &err) == 0, "%s",
                  err.text);
        const struct column *tags = arrow_batch_columns(batch);
        int64_t first, elements;
        bool flag;
        cr_expect(column_list(tags, 0, &first, &elements) && first == 4 && elements == 4);
        cr_expect(column_bool(tags->children, first, &flag) && flag);
        cr_expect(!column_list(tags, 1, &first, &elements));
        cr_expect_eq(((const int32_t *)tags->offsets)[1], 0); /* also where it was wild */
        cr_expect(column_list(tags, 2, &first, &elements) && first == 0 && elements == 8);
        arrow_batch_destroy(&batch);
    }
    cr_expect_str_eq(show(file, 2),
                     "t: record batch 2: column \"tags\": its list is outside "
                     "its child at row 2");
    arrow_close(&file);
    buffer_fini(&craft.stream);
}
