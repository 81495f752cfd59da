/* Files of other writers give their values; damaged ones give a sentence and nothing
 * worse. The samples in tests/ingest/data come from tests/peers/arrow/write_js.cjs and
 * write_polars.cjs with 70 rows; those scripts say what row i holds. */
#include "base/bitmap.h"
#include "base/file.h"
#include "ingest/arrow/arrow_file.h"
#include "ingest/arrow/arrow_write.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SAMPLE_ROWS 70

static const char *const words[] = {"",
                                    "a",
                                    "Zoë",
                                    "早安",
                                    "a text that does not fit into twelve bytes",
                                    "exactly12byt",
                                    "thirteen byte"};

static const char *word(int64_t i)
{
    return words[i % 7];
}

/* null where i is a multiple of every, else the text */
static void expect_text(const struct column *column, int64_t row, int64_t i,
                        int64_t every, const char *text)
{
    struct text t = column_text(column, row);
    if (i % every == 0)
        cr_expect(t.data == NULL, "%s row %d is not null", column->name, (int)i);
    else
        cr_expect(text_is(t, text), "%s row %d is \"%.*s\"", column->name, (int)i,
                  TEXT_ARGS(t));
}

static void expect_tags(const struct column *column, int64_t row, int64_t i)
{
    int64_t first, count;
    bool here = column_list(column, row, &first, &count);
    cr_expect_eq(here, i % 11 != 0);
    cr_expect_eq(count, here ? i % 4 : 0);
    for (int64_t k = 0; k < count; k++)
        cr_expect(text_is(column_text(column->children, first + k), word(i + k)));
}

static const struct column *find(const struct column *columns, size_t count,
                                 const char *name)
{
    int at = column_find(columns, count, text_of(name));
    cr_assert_geq(at, 0);
    return &columns[at];
}

static void expect_row(const struct column *columns, size_t count, int64_t row, int64_t i,
                       bool js)
{
    char id[24];
    snprintf(id, sizeof(id), "c%d", (int)i);
    cr_expect(text_is(column_text(find(columns, count, "id"), row), id));
    expect_text(find(columns, count, "name"), row, i, 6, word(i));
    expect_text(find(columns, count, "city"), row, i, js ? 17 : 9, word(i * i));
    expect_tags(find(columns, count, "tags"), row, i);
    bool flag;
    cr_expect_eq(column_bool(find(columns, count, "flag"), row, &flag), i % 7 != 0);
    cr_expect_eq(flag, i % 7 != 0 && i % 3 == 0);
    if (js) {
        expect_text(find(columns, count, "large"), row, i, 10, word(i + 1));
        expect_text(find(columns, count, "view"), row, i, 10, word(i + 2));
    }
}

static const struct {
    const char *path;
    bool js;
    const char *name_type;
    const char *tags_type;
} samples[] = {
    {"tests/ingest/data/js_file.arrow", true, "utf8", "list<utf8>"},
    {"tests/ingest/data/js_stream.arrow", true, "utf8", "list<utf8>"},
    {"tests/ingest/data/polars_file_lz4.arrow", false, "utf8_view",
     "large_list<utf8_view>"},
    {"tests/ingest/data/polars_file_zstd.arrow", false, "utf8_view",
     "large_list<utf8_view>"},
    {"tests/ingest/data/polars_stream_lz4.arrow", false, "large_utf8",
     "large_list<large_utf8>"},
};

Test(arrow_read, samples_of_other_writers)
{
    for (size_t s = 0; s < ARRAY_COUNT(samples); s++) {
        struct arrow_file *file;
        struct error err;
        cr_assert(arrow_open(samples[s].path, &file, &err) == 0, "%s", err.text);
        size_t count;
        const struct column *schema = arrow_schema(file, &count);
        cr_expect_str_eq(find(schema, count, "name")->type_name, samples[s].name_type);
        cr_expect_str_eq(find(schema, count, "tags")->type_name, samples[s].tags_type);
        uint64_t needed = 0;
        for (size_t i = 0; i < count; i++)
            needed |= (uint64_t)(schema[i].type != COLUMN_UNSUPPORTED) << i;
        int64_t i = 0;
        for (size_t number = 0; number < arrow_batch_count(file); number++) {
            struct arrow_batch *batch;
            cr_assert(arrow_batch_load(file, number, &needed, &batch, &err) == 0, "%s",
                      err.text);
            for (int64_t row = 0; row < arrow_batch_rows(file, number); row++)
                expect_row(arrow_batch_columns(batch), count, row, i++, samples[s].js);
            arrow_batch_destroy(&batch);
        }
        cr_expect_eq(i, SAMPLE_ROWS);
        arrow_close(&file);
    }
}

Test(arrow_read, only_what_is_asked_for)
{
    struct arrow_file *file;
    struct arrow_batch *batch;
    struct error err;
    cr_assert_eq(arrow_open(samples[0].path, &file, &err), 0);
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    uint64_t needed = 1ull << column_find(schema, count, TEXT("view"));
    cr_assert_eq(arrow_batch_load(file, 3, &needed, &batch, &err), 0);
    const struct column *columns = arrow_batch_columns(batch);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(columns[i].values != NULL, needed >> i & 1);
        cr_expect_eq(columns[i].rows, arrow_batch_rows(file, 3));
        cr_expect_str_eq(columns[i].name, schema[i].name);
    }
    arrow_batch_destroy(&batch);

    needed = 1ull << column_find(schema, count, TEXT("blob"));
    cr_assert_eq(arrow_batch_load(file, 3, &needed, &batch, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "tests/ingest/data/js_file.arrow: record batch 3: column "
                               "\"blob\": its type binary is not supported");
    cr_expect_null(batch);
    arrow_close(&file);
}

/* --- files that are none --- */

static int open_text(struct text content, struct error *err)
{
    struct arrow_file *file;
    char *copy = text_copy(content); /* on the heap, where reading past the end shows */
    int rc = arrow_open_bytes("t.arrow", copy, content.bytes, &file, err);
    arrow_close(&file);
    free(copy);
    return rc;
}

Test(arrow_read, strangers)
{
    static const struct {
        struct text content;
        const char *sentence;
    } cases[] = {
        {TEXT(""), "t.arrow: it is empty"},
        {TEXT("PAR1...."), "t.arrow: it is a Parquet file; write it as Arrow IPC"},
        {TEXT("FEA1...."), "t.arrow: it is a Feather file of version 1; write version 2, "
                           "which is Arrow IPC"},
        {TEXT("ARROW1\0\0"),
         "t.arrow: it is cut short: the footer at its end is missing"},
        {TEXT("id,email\n"), "t.arrow: it is no Arrow IPC file or stream"},
        {TEXT("\xFF\xFF\xFF\xFF\0\0\0\0"), "t.arrow: it does not start with a schema"},
        {TEXT("\xFF\xFF\xFF\xFF\4\0\0\0\xF0\0\0\0"),
         "t.arrow: the message at byte 0 is damaged"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        cr_expect_eq(open_text(cases[i].content, &err), -ERROR_INPUT);
        cr_expect_str_eq(err.text, cases[i].sentence);
    }
    struct arrow_file *file;
    struct error err;
    cr_expect_eq(arrow_open("/nonexistent.arrow", &file, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "/nonexistent.arrow does not exist");
    cr_expect_eq(arrow_open("/", &file, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "/ is no regular file");
}

Test(arrow_read, every_truncation_is_an_error)
{
    struct buffer content = {0};
    struct error err;
    cr_assert_eq(file_read(samples[2].path, 1 << 20, &content, &err), 0);
    for (size_t bytes = 0; bytes < content.bytes; bytes += bytes < 64 ? 1 : 61) {
        cr_expect_eq(open_text((struct text){content.data, bytes}, &err), -ERROR_INPUT,
                     "%zu bytes", bytes);
    }
    buffer_fini(&content);
}

/* --- damage --- */

static char dir[] = "/tmp/volley-arrow-XXXXXX";

/* The file our writer makes of these columns; it looks at little of what it copies. */
static struct buffer written(const struct column *columns, size_t count)
{
    struct buffer content = {0};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(mkdtemp(dir) != NULL);
    char path[64];
    snprintf(path, sizeof(path), "%s/t", dir);
    cr_assert_eq(arrow_writer_open(path, columns, count, &writer, &err), 0);
    cr_assert_eq(arrow_writer_batch(writer, columns, &err), 0);
    cr_assert_eq(arrow_writer_close(&writer, true, &err), 0);
    cr_assert_eq(file_read(path, 1 << 20, &content, &err), 0);
    unlink(path);
    rmdir(dir);
    return content;
}

static int load_bytes(const void *data, size_t bytes, struct error *err)
{
    struct arrow_file *file;
    struct arrow_batch *batch;
    int rc = arrow_open_bytes("t.arrow", data, bytes, &file, err);
    for (size_t i = 0; rc == 0 && i < arrow_batch_count(file); i++) {
        rc = arrow_batch_load(file, i, (uint64_t[]){~0ull, ~0ull}, &batch, err);
        arrow_batch_destroy(&batch);
    }
    arrow_close(&file);
    return rc;
}

Test(arrow_read, wrong_offsets)
{
    const int32_t descending[] = {0, 3, 1, 4}, negative[] = {-1, 0, 1, 2},
                  under[] = {0, 1, -5, 2};
    const int64_t wide[] = {0, 1ll << 40, 2, 3};
    const struct column item = {
        .name = "item", .type = COLUMN_INT8, .rows = 4, .values = "abcd"};
    const struct {
        struct column column;
        const char *what;
    } cases[] = {
        {{.type = COLUMN_UTF8, .offsets = descending, .values = "abcd"}, "row 1"},
        {{.type = COLUMN_UTF8, .offsets = negative, .values = "abcd"}, "row 0"},
        {{.type = COLUMN_UTF8, .offsets = under, .values = "abcd"}, "row 1"},
        {{.type = COLUMN_LARGE_UTF8, .offsets = wide, .values = "abcd"}, "row 1"},
        {{.type = COLUMN_LIST,
          .offsets = descending,
          .children = &item,
          .child_count = 1},
         "row 1"},
        {{.type = COLUMN_LARGE_LIST,
          .offsets = wide,
          .children = &item,
          .child_count = 1},
         "row 1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct column column = cases[i].column;
        column.name = "visits";
        column.rows = 3;
        struct buffer content = written(&column, 1);
        struct error err;
        char sentence[256];
        snprintf(
            sentence, sizeof(sentence),
            "t.arrow: record batch 0: column \"visits\": its offsets descend or point "
            "outside at %s",
            cases[i].what);
        cr_expect_eq(load_bytes(content.data, content.bytes, &err), -ERROR_INPUT);
        cr_expect_str_eq(err.text, sentence);
        buffer_fini(&content);
        snprintf(dir, sizeof(dir), "/tmp/volley-arrow-XXXXXX");
    }
}

Test(arrow_read, nesting)
{
    enum { DEPTH = 20 };
    struct column levels[DEPTH] = {[0] = {.name = "item", .type = COLUMN_INT8}};
    for (int depth = 1; depth < DEPTH; depth++) {
        levels[depth] = (struct column){.name = "deep",
                                        .type = COLUMN_LIST,
                                        .children = &levels[depth - 1],
                                        .child_count = 1};
        struct buffer content = written(&levels[depth], 1);
        struct error err;
        int rc = load_bytes(content.data, content.bytes, &err);
        cr_expect_eq(rc, depth <= 16 ? 0 : -ERROR_INPUT);
        if (rc)
            cr_expect_str_eq(err.text,
                             "t.arrow: column \"deep\" is nested more than 16 deep");
        buffer_fini(&content);
        snprintf(dir, sizeof(dir), "/tmp/volley-arrow-XXXXXX");
    }
}

/* Whatever one byte is changed to, the reader answers with a value or a sentence. The
 * columns have nesting, nulls and text; the sanitizers watch. */
Test(arrow_read, every_byte_changed)
{
    const int32_t offsets[] = {0, 1, 1, 4};
    const uint64_t validity = 5;
    const struct column fields[] = {
        {.name = "class",
         .type = COLUMN_UTF8,
         .rows = 4,
         .offsets = (int32_t[]){0, 1, 2, 3, 4},
         .values = "abcd"},
        {.name = "at",
         .type = COLUMN_DATE32,
         .rows = 4,
         .values = "abcdefghijklmnop",
         .validity = &validity},
    };
    const struct column item = {.name = "item",
                                .type = COLUMN_STRUCT,
                                .rows = 4,
                                .children = fields,
                                .child_count = 2};
    const struct column columns[] = {
        {.name = "id",
         .type = COLUMN_UTF8,
         .rows = 3,
         .offsets = offsets,
         .values = "abcd",
         .validity = &validity},
        {.name = "visits",
         .type = COLUMN_LIST,
         .rows = 3,
         .offsets = offsets,
         .children = &item,
         .child_count = 1},
        {.name = "flag", .type = COLUMN_BOOL, .rows = 3, .values = &validity},
    };
    struct buffer content = written(columns, 3);
    struct error err;
    cr_assert(load_bytes(content.data, content.bytes, &err) == 0, "%s", err.text);
    size_t errors = 0;
    for (size_t at = 0; at < content.bytes; at++) {
        char kept = content.data[at];
        for (int change = 1; change < 256; change *= 3) {
            content.data[at] = (char)(kept ^ change);
            int rc = load_bytes(content.data, content.bytes, &err);
            cr_assert(rc == 0 || rc == -ERROR_INPUT);
            errors += rc != 0;
        }
        content.data[at] = kept;
    }
    cr_expect_gt(errors, content.bytes / 4);
    buffer_fini(&content);
}

/* Misaligned and cut close: what column.h promises holds for any place in memory. */
Test(arrow_read, askew_in_memory)
{
    const int64_t values[] = {1, 2, 3};
    const uint64_t flags = 5;
    const struct column columns[] = {
        {.name = "n", .type = COLUMN_INT64, .rows = 3, .values = values},
        {.name = "flag",
         .type = COLUMN_BOOL,
         .rows = 3,
         .values = &flags,
         .validity = &flags},
    };
    struct buffer content = written(columns, 2);
    char *askew = malloc(content.bytes + 1);
    cr_assert(askew != NULL);
    memcpy(askew + 1, content.data, content.bytes);
    struct arrow_file *file;
    struct arrow_batch *batch;
    struct error err;
    cr_assert_eq(arrow_open_bytes("t", askew + 1, content.bytes, &file, &err), 0);
    cr_assert_eq(arrow_batch_load(file, 0, (uint64_t[]){3}, &batch, &err), 0);
    const struct column *got = arrow_batch_columns(batch);
    cr_expect_eq((uintptr_t)got[0].values % 8, 0);
    cr_expect_eq((uintptr_t)got[1].values % 8, 0);
    cr_expect_eq((uintptr_t)got[1].validity % 8, 0);
    cr_expect_eq(((const int64_t *)got[0].values)[2], 3);
    cr_expect_eq(*(const uint64_t *)got[1].values & 7, 5);
    arrow_batch_destroy(&batch);
    arrow_close(&file);
    free(askew);
    buffer_fini(&content);
}
