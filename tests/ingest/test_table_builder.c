#include "ingest/import/table_builder.h"

#include "base/file.h"
#include "ingest/arrow/arrow_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static char path[64];
static struct error err;

static void set_up(void)
{
    snprintf(path, sizeof(path), "/tmp/volley-table-%ld.arrow", (long)getpid());
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(table_builder, .init = set_up, .fini = tear_down);

static const struct column fields[] = {
    {.name = "name", .type = COLUMN_UTF8},
    {.name = "at", .type = COLUMN_TIMESTAMP, .timezone = "UTC"}};
static const struct column element = {
    .name = "item", .type = COLUMN_STRUCT, .children = fields, .child_count = 2};
static const struct column schema[] = {
    {.name = "id", .type = COLUMN_UTF8},
    {.name = "n", .type = COLUMN_INT64},
    {.name = "r", .type = COLUMN_FLOAT64},
    {.name = "b", .type = COLUMN_BOOL},
    {.name = "d", .type = COLUMN_DATE32},
    {.name = "visits", .type = COLUMN_LIST, .children = &element, .child_count = 1},
};

/* Row i is a function of i, so that reading needs no second copy of the data. */
static bool is_null(int i, int column)
{
    return column > 0 && (i * 7 + column) % 5 == 0;
}

static void add_row(struct table_builder *builder, int i)
{
    char text[32];
    for (size_t c = 0; c < ARRAY_COUNT(schema); c++) {
        struct table_column *column = table_builder_column(builder, c);
        if (is_null(i, (int)c)) {
            table_add_null(column);
            continue;
        }
        switch (schema[c].type) {
        case COLUMN_UTF8:
            snprintf(text, sizeof(text), "customer %d", i);
            table_add_text(column, text_of(text));
            break;
        case COLUMN_FLOAT64:
            table_add_real(column, i / 4.0);
            break;
        case COLUMN_LIST:
            for (int k = 0; k < i % 4; k++) {
                struct table_column *visit = table_child(column, 0);
                table_add_text(table_child(visit, 0), k % 2 ? TEXT("Yoga") : TEXT(""));
                table_add_integer(table_child(visit, 1), i + k);
                table_add_struct(visit);
            }
            table_add_list(column);
            break;
        default:
            table_add_integer(column, schema[c].type == COLUMN_BOOL ? i % 2 : -i);
        }
    }
    cr_assert_eq(table_builder_end_row(builder, &err), 0, "%s", err.text);
}

static void expect_row(const struct column *columns, int64_t row, int i)
{
    char text[32];
    int64_t value, first, count;
    bool bit;
    for (size_t c = 0; c < ARRAY_COUNT(schema); c++)
        cr_assert_eq(column_is_null(&columns[c], row), is_null(i, (int)c), "%d %zu", i,
                     c);
    snprintf(text, sizeof(text), "customer %d", i);
    cr_assert(text_is(column_text(&columns[0], row), text));
    if (!is_null(i, 1))
        cr_assert(column_integer(&columns[1], row, &value) && value == -i);
    if (!is_null(i, 2))
        cr_assert(((const double *)columns[2].values)[row] == i / 4.0);
    if (!is_null(i, 3))
        cr_assert(column_bool(&columns[3], row, &bit) && bit == (i % 2 == 1));
    if (!is_null(i, 4))
        cr_assert(column_integer(&columns[4], row, &value) && value == -i);
    if (is_null(i, 5))
        return;
    cr_assert(column_list(&columns[5], row, &first, &count) && count == i % 4);
    const struct column *visit = columns[5].children;
    for (int64_t k = 0; k < count; k++) {
        cr_assert(
            text_is(column_text(&visit->children[0], first + k), k % 2 ? "Yoga" : ""));
        cr_assert(column_integer(&visit->children[1], first + k, &value) &&
                  value == i + k);
    }
}

static void round_trip(int rows)
{
    struct table_builder *builder;
    unlink(path);
    cr_assert_eq(table_builder_open(path, schema, ARRAY_COUNT(schema), &builder, &err),
                 0);
    for (int i = 0; i < rows; i++)
        add_row(builder, i);
    cr_expect(!file_exists(path));
    cr_assert_eq(table_builder_close(&builder, true, &err), 0, "%s", err.text);

    struct arrow_file *file;
    cr_assert_eq(arrow_open(path, &file, &err), 0, "%s", err.text);
    int i = 0;
    for (size_t b = 0; b < arrow_batch_count(file); b++) {
        struct arrow_batch *batch;
        const uint64_t all = ~0ull;
        cr_assert_eq(arrow_batch_load(file, b, &all, &batch, &err), 0, "%s", err.text);
        for (int64_t row = 0; row < arrow_batch_rows(file, b); row++)
            expect_row(arrow_batch_columns(batch), row, i++);
        arrow_batch_destroy(&batch);
    }
    cr_expect_eq(i, rows);
    arrow_close(&file);
}

Test(table_builder, what_goes_in_comes_out)
{
    static const int rows[] = {
        0, 1, 63, 64, 65, 1000, TABLE_BATCH_ROWS, TABLE_BATCH_ROWS + 1};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        round_trip(rows[i]);
}

Test(table_builder, a_table_that_is_not_committed_leaves_nothing)
{
    struct table_builder *builder;
    cr_assert_eq(table_builder_open(path, schema, ARRAY_COUNT(schema), &builder, &err),
                 0);
    add_row(builder, 1);
    cr_expect_eq(table_builder_close(&builder, false, &err), 0);
    cr_expect_null(builder);
    cr_expect(!file_exists(path));
}

Test(table_builder, much_text_makes_a_batch_early)
{
    struct table_builder *builder;
    struct arrow_file *file;
    struct buffer text = {0};
    memset(buffer_room(&text, 1 << 20), 'x', 1 << 20);
    text.bytes = 1 << 20;
    cr_assert_eq(table_builder_open(path, schema, 1, &builder, &err), 0);
    for (int i = 0; i < 100; i++) {
        table_add_text(table_builder_column(builder, 0), buffer_view(&text));
        cr_assert_eq(table_builder_end_row(builder, &err), 0);
    }
    cr_assert_eq(table_builder_close(&builder, true, &err), 0);
    cr_assert_eq(arrow_open(path, &file, &err), 0);
    cr_expect_eq(arrow_batch_count(file), 2u);
    arrow_close(&file);
    buffer_fini(&text);
}
