/* What the writer writes, the reader reads back: values, nulls, names, types. */
#include "base/file.h"
#include "ingest/arrow/arrow_read.h"
#include "ingest/arrow/arrow_write.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/volley-arrow-XXXXXX";
static char path[64];

static void set_up(void)
{
    cr_assert(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/t.arrow", dir);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(arrow_write, .init = set_up, .fini = tear_down);

static struct arrow_file *open_written(void)
{
    struct arrow_file *file;
    struct error err;
    cr_assert(arrow_open(path, &file, &err) == 0, "%s", err.text);
    return file;
}

static struct arrow_batch *load_all(struct arrow_file *file, size_t number)
{
    struct arrow_batch *batch;
    struct error err;
    uint64_t all[1] = {~0ull};
    cr_assert(arrow_batch_load(file, number, all, &batch, &err) == 0, "%s", err.text);
    return batch;
}

static void write_batches(const struct column *schema, size_t count,
                          const struct column *const *batches, size_t batch_count)
{
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, schema, count, &writer, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < batch_count; i++)
        cr_assert(arrow_writer_batch(writer, batches[i], &err) == 0, "%s", err.text);
    cr_assert(arrow_writer_close(&writer, true, &err) == 0, "%s", err.text);
    cr_assert(writer == NULL);
}

static int entries_in_dir(void)
{
    int entries = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        entries += e->d_name[0] != '.';
    closedir(d);
    return entries;
}

/* Every fixed-width type with the same bytes: what goes in comes out, whatever it means.
 */
Test(arrow_write, fixed_width_types)
{
    static const struct {
        enum column_type type;
        size_t width;
        const char *type_name;
    } types[] = {
        {COLUMN_INT8, 1, "int8"},
        {COLUMN_INT16, 2, "int16"},
        {COLUMN_INT32, 4, "int32"},
        {COLUMN_INT64, 8, "int64"},
        {COLUMN_UINT8, 1, "uint8"},
        {COLUMN_UINT16, 2, "uint16"},
        {COLUMN_UINT32, 4, "uint32"},
        {COLUMN_UINT64, 8, "uint64"},
        {COLUMN_FLOAT16, 2, "float16"},
        {COLUMN_FLOAT32, 4, "float32"},
        {COLUMN_FLOAT64, 8, "float64"},
        {COLUMN_DECIMAL128, 16, "decimal128(38, 2)"},
        {COLUMN_DATE32, 4, "date32"},
        {COLUMN_DATE64, 8, "date64"},
        {COLUMN_TIMESTAMP, 8, "timestamp[ms, Europe/Rome]"},
    };
    enum { ROWS = 131 };
    _Alignas(16) unsigned char values[ROWS * 16];
    for (size_t i = 0; i < sizeof(values); i++)
        values[i] = (unsigned char)(i * 37);
    const uint64_t validity[] = {~2ull, ~0ull, 5};
    struct column schema[ARRAY_COUNT(types)] = {0};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        schema[i] = (struct column){.name = types[i].type_name,
                                    .type = types[i].type,
                                    .unit = COLUMN_MILLISECONDS,
                                    .timezone = "Europe/Rome",
                                    .scale = 2,
                                    .rows = ROWS,
                                    .values = values,
                                    .validity = i % 2 ? validity : NULL};
    write_batches(schema, ARRAY_COUNT(types), (const struct column *[]){schema, schema},
                  2);

    struct arrow_file *file = open_written();
    cr_assert_eq(arrow_batch_count(file), 2);
    struct arrow_batch *batch = load_all(file, 1);
    const struct column *columns = arrow_batch_columns(batch);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        cr_expect_str_eq(columns[i].type_name, types[i].type_name);
        cr_expect_eq(columns[i].rows, ROWS);
        cr_expect(columns[i].type == types[i].type);
        cr_expect(memcmp(columns[i].values, values, ROWS * types[i].width) == 0);
        cr_expect((uintptr_t)columns[i].values % 64 == 0);
        cr_expect((columns[i].validity != NULL) == (i % 2 != 0));
        cr_expect(column_is_null(&columns[i], 1) == (i % 2 != 0));
        cr_expect(!(column_is_null(&columns[i], 130)));
    }
    arrow_batch_destroy(&batch);
    arrow_close(&file);
}

Test(arrow_write, texts_lists_and_structs)
{
    const int32_t offsets[] = {0, 1, 3, 3, 6};
    const int64_t wide[] = {0, 1, 3, 3, 6};
    const int32_t of_visits[] = {0, 2, 2, 2, 3};
    const uint64_t validity =
        0xFFFFFFFFFFFFFFFB; /* the third is null; garbage behind the fourth */
    const uint64_t flags = 0xF5;
    const int64_t at[] = {7, 8, 9};
    const struct column fields[] = {
        {.name = "at", .type = COLUMN_TIMESTAMP, .rows = 3, .values = at},
        {.name = "class",
         .type = COLUMN_UTF8,
         .rows = 3,
         .offsets = offsets,
         .values = "abbccc"},
    };
    const struct column item = {.name = "item",
                                .type = COLUMN_STRUCT,
                                .rows = 3,
                                .children = fields,
                                .child_count = 2};
    const struct column columns[] = {
        {.name = "id",
         .type = COLUMN_UTF8,
         .rows = 4,
         .offsets = offsets,
         .values = "abbccc",
         .validity = &validity},
        {.name = "wide",
         .type = COLUMN_LARGE_UTF8,
         .rows = 4,
         .offsets = wide,
         .values = "abbccc"},
        {.name = "visits",
         .type = COLUMN_LIST,
         .rows = 4,
         .offsets = of_visits,
         .children = &item,
         .child_count = 1},
        {.name = "flag", .type = COLUMN_BOOL, .rows = 4, .values = &flags},
        {.name = "nothing", .type = COLUMN_NULL, .rows = 4},
    };
    write_batches(columns, 5, (const struct column *[]){columns}, 1);

    struct arrow_file *file = open_written();
    size_t count;
    const struct column *schema = arrow_schema(file, &count);
    cr_assert_eq(count, 5);
    cr_expect_str_eq(schema[2].type_name, "list<struct<at: timestamp[s], class: utf8>>");
    struct arrow_batch *batch = load_all(file, 0);
    const struct column *got = arrow_batch_columns(batch);
    cr_expect(text_is(column_text(&got[0], 1), "bb"));
    cr_expect(column_text(&got[0], 2).data == NULL);
    cr_expect(text_is(column_text(&got[1], 2), ""));
    cr_expect(text_is(column_text(&got[1], 3), "ccc"));
    int64_t first, elements, value;
    cr_assert(column_list(&got[2], 0, &first, &elements));
    cr_expect_eq(elements, 2);
    cr_assert(column_list(&got[2], 3, &first, &elements));
    cr_expect(column_integer(&got[2].children->children[0], first, &value));
    cr_expect_eq(value, 9);
    cr_expect(text_is(column_text(&got[2].children->children[1], first), ""));
    bool flag;
    cr_expect(column_bool(&got[3], 2, &flag) && flag);
    cr_expect(column_bool(&got[3], 3, &flag) && !flag);
    cr_expect(column_is_null(&got[4], 0));
    arrow_batch_destroy(&batch);
    arrow_close(&file);
}

/* No rows come with and without offsets; no batch at all is a file, too. */
Test(arrow_write, nothing_to_write)
{
    const struct column item = {.name = "item", .type = COLUMN_INT32};
    const struct column columns[] = {
        {.name = "id", .type = COLUMN_UTF8},
        {.name = "list", .type = COLUMN_LIST, .children = &item, .child_count = 1},
        {.name = "flag", .type = COLUMN_BOOL},
    };
    write_batches(columns, 3, (const struct column *[]){columns}, 1);
    struct arrow_file *file = open_written();
    struct arrow_batch *batch = load_all(file, 0);
    cr_expect_eq(arrow_batch_rows(file, 0), 0);
    arrow_batch_destroy(&batch);
    arrow_close(&file);

    write_batches(columns, 3, NULL, 0);
    file = open_written();
    cr_expect_eq(arrow_batch_count(file), 0);
    arrow_close(&file);
}

Test(arrow_write, dropped_file_leaves_nothing)
{
    const struct column id = {.name = "id", .type = COLUMN_INT64};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, &id, 1, &writer, &err) == 0);
    cr_expect_eq(entries_in_dir(), 1);
    cr_expect(arrow_writer_close(&writer, false, &err) == 0);
    cr_expect_eq(entries_in_dir(), 0);
}

Test(arrow_write, dictionaries)
{
    const struct column words = {.name = "",
                                 .type = COLUMN_UTF8,
                                 .rows = 3,
                                 .offsets = (const int32_t[]){0, 4, 4, 10},
                                 .values = "sentfailed"};
    const struct column none = {.name = "", .type = COLUMN_LARGE_UTF8};
    const uint64_t validity = 0x17; /* the fourth of five is null */
    struct column columns[] = {
        {.name = "id", .type = COLUMN_INT32},
        {.name = "outcome",
         .type = COLUMN_DICTIONARY,
         .code_type = COLUMN_INT8,
         .dictionary = &words},
        {.name = "provider",
         .type = COLUMN_DICTIONARY,
         .code_type = COLUMN_INT16,
         .dictionary = &none},
    };
    struct column batch[3], second[3];
    memcpy(batch, columns, sizeof(batch));
    batch[0].values = (const int32_t[]){1, 2, 3, 4, 5};
    batch[1].values = (const int8_t[]){0, 2, 1, 0, 2};
    batch[1].validity = &validity;
    batch[2].values = (const int16_t[5]){0};
    batch[2].validity = (const uint64_t[]){0};
    memcpy(second, batch, sizeof(second));
    for (int c = 0; c < 3; c++) {
        batch[c].rows = 5;
        second[c].rows = 2;
    }
    write_batches(columns, 3, (const struct column *[]){batch, second}, 2);

    struct arrow_file *file = open_written();
    cr_assert_eq(arrow_batch_count(file), 2);
    const char *const expected[] = {"sent", "failed", "", NULL, "failed"};
    for (size_t b = 0; b < 2; b++) {
        struct arrow_batch *read = load_all(file, b);
        const struct column *got = arrow_batch_columns(read);
        cr_assert_eq(got[1].rows, b ? 2 : 5);
        for (int64_t r = 0; r < got[1].rows; r++) {
            struct text t = column_text(&got[1], r);
            cr_expect(expected[r] ? text_is(t, expected[r]) : t.data == NULL,
                      "batch %zu row %d: %.*s", b, (int)r, TEXT_ARGS(t));
            cr_expect(column_is_null(&got[2], r));
        }
        arrow_batch_destroy(&read);
    }
    arrow_close(&file);
}

Test(arrow_write, dictionary_within_a_list)
{
    const struct column words = {.name = "", .type = COLUMN_UTF8};
    const struct column codes = {.name = "tag",
                                 .type = COLUMN_DICTIONARY,
                                 .code_type = COLUMN_INT8,
                                 .dictionary = &words};
    const struct column list = {
        .name = "tags", .type = COLUMN_LIST, .children = &codes, .child_count = 1};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, &list, 1, &writer, &err) == -ERROR_INPUT);
}

Test(arrow_write, type_that_cannot_be_written)
{
    const struct column view = {
        .name = "name", .type = COLUMN_UTF8_VIEW, .type_name = "utf8_view"};
    const struct column list = {
        .name = "tags", .type = COLUMN_LIST, .children = &view, .child_count = 1};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, &list, 1, &writer, &err) == -ERROR_INPUT);
    cr_expect_str_eq(err.text, "column \"name\" of type utf8_view cannot be written");
    cr_expect_eq(entries_in_dir(), 0);
}

Test(arrow_write, folder_that_is_not_there)
{
    const struct column id = {.name = "id", .type = COLUMN_INT64};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open("/nonexistent/t.arrow", &id, 1, &writer, &err) ==
              -ERROR_IO);
    cr_expect(writer == NULL);
}

/* /dev/full takes nothing; the error must surface at the latest when the file is closed.
 */
Test(arrow_write, full_disk)
{
    cr_assert(symlink("/dev/full", path) == 0);
    char temporary[96];
    snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid());
    cr_assert(symlink("/dev/full", temporary) == 0);
    const struct column id = {.name = "id", .type = COLUMN_INT64};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, &id, 1, &writer, &err) == 0);
    cr_expect(arrow_writer_close(&writer, true, &err) == -ERROR_IO);
    cr_expect(strstr(err.text, "No space left") != NULL, "%s", err.text);
    cr_expect(!(file_exists(temporary)));
}
