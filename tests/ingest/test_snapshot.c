/* Which columns a snapshot must and may have, and how its rows become chunks. */
#include "ingest/snapshot.h"

#include "base/file.h"
#include "base/hash.h"
#include "ingest/arrow/arrow_write.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/volley-snapshot-XXXXXX";
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

TestSuite(snapshot, .init = set_up, .fini = tear_down);

static void write_file(const struct column *columns, size_t count)
{
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, columns, count, &writer, &err) == 0, "%s",
              err.text);
    cr_assert(arrow_writer_batch(writer, columns, &err) == 0);
    cr_assert(arrow_writer_close(&writer, true, &err) == 0);
}

/* Opens and closes; the sentence behind the path, or "" when it opens. */
static const char *try_open(const struct snapshot_alias *aliases, size_t alias_count)
{
    static struct error err;
    struct snapshot *snapshot;
    err.text[0] = '\0';
    int rc = snapshot_open(path, aliases, alias_count, &snapshot, &err);
    cr_expect_eq(rc, err.text[0] ? -ERROR_INPUT : 0);
    cr_expect_eq(snapshot == NULL, rc != 0);
    snapshot_close(&snapshot);
    if (!err.text[0])
        return "";
    cr_assert(strncmp(err.text, path, strlen(path)) == 0, "%s", err.text);
    return err.text + strlen(path) + 2;
}

static const struct column text_item = {.name = "item", .type = COLUMN_UTF8};
static const struct column int_item = {.name = "item", .type = COLUMN_INT64};
static const struct column null_item = {.name = "item", .type = COLUMN_NULL};
static const struct column struct_item = {
    .name = "item", .type = COLUMN_STRUCT, .children = &int_item, .child_count = 1};

#define LIST_OF(item) .type = COLUMN_LIST, .children = (item), .child_count = 1

Test(snapshot, types_of_known_columns)
{
    static const struct {
        struct column column;
        const char *sentence;
    } cases[] = {
        {{.name = "email", .type = COLUMN_UTF8}, ""},
        {{.name = "email", .type = COLUMN_LARGE_UTF8}, ""},
        {{.name = "email", .type = COLUMN_NULL}, ""},
        {{.name = "email", .type = COLUMN_INT64},
         "column \"email\" is of type int64; it must be text"},
        {{.name = "phone", .type = COLUMN_INT64},
         "column \"phone\" is of type int64; it must be text"},
        {{.name = "location", .type = COLUMN_INT32}, ""},
        {{.name = "location", .type = COLUMN_FLOAT64},
         "column \"location\" is of type float64; it must be text or an integer"},
        {{.name = "enrolled", .type = COLUMN_BOOL}, ""},
        {{.name = "optout_sms", .type = COLUMN_INT8},
         "column \"optout_sms\" is of type int8; it must be bool"},
        {{.name = "tags", LIST_OF(&text_item)}, ""},
        {{.name = "tags", LIST_OF(&null_item)}, ""},
        {{.name = "tags", LIST_OF(&int_item)},
         "column \"tags\" is of type list<int64>; it must be a list of text"},
        {{.name = "tags", .type = COLUMN_UTF8},
         "column \"tags\" is of type utf8; it must be a list of text"},
        {{.name = "visits", LIST_OF(&struct_item)}, ""},
        {{.name = "visits", LIST_OF(&text_item)},
         "column \"visits\" is of type list<utf8>; it must be a list of struct"},
        {{.name = "anything", .type = COLUMN_FLOAT32}, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct column columns[] = {{.name = "id", .type = COLUMN_UTF8},
                                         cases[i].column};
        write_file(columns, 2);
        cr_expect_str_eq(try_open(NULL, 0), cases[i].sentence);
    }
}

Test(snapshot, the_key)
{
    static const struct {
        enum column_type type;
        const char *name;
        const char *sentence;
    } cases[] = {
        {COLUMN_UTF8, "id", ""},
        {COLUMN_INT64, "id", ""},
        {COLUMN_UINT32, "id", ""},
        {COLUMN_FLOAT64, "id",
         "column \"id\" is of type float64; it must be text or an integer"},
        {COLUMN_NULL, "id",
         "column \"id\" is of type null; it must be text or an integer"},
        {COLUMN_UTF8, "customer",
         "there is no column \"id\"; name the customers' key so, or map it under "
         "columns: in "
         "volley.yaml"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct column column = {.name = cases[i].name, .type = cases[i].type};
        write_file(&column, 1);
        cr_expect_str_eq(try_open(NULL, 0), cases[i].sentence);
    }
}

Test(snapshot, aliases)
{
    const struct column columns[] = {{.name = "customer", .type = COLUMN_INT64},
                                     {.name = "email", .type = COLUMN_INT64},
                                     {.name = "mail", .type = COLUMN_UTF8}};
    write_file(columns, 3);
    const struct snapshot_alias id = {"id", "customer"}, absent = {"phone", "mobile"};
    const struct snapshot_alias swap[] = {
        id, {"email", "mail"}, {"mail", "email"}, absent};
    cr_expect_str_eq(try_open(swap, 4), "");
    cr_expect_str_eq(try_open(swap, 2), "two columns are called \"email\"");
    cr_expect_str_eq(try_open(&id, 1),
                     "column \"email\" is of type int64; it must be text");

    struct snapshot *snapshot;
    struct error err;
    cr_assert(snapshot_open(path, swap, 4, &snapshot, &err) == 0);
    cr_expect_eq(snapshot_column(snapshot, SNAPSHOT_ID), 0);
    cr_expect_eq(snapshot_column(snapshot, SNAPSHOT_EMAIL), 2);
    cr_expect_eq(snapshot_column(snapshot, SNAPSHOT_PHONE), -1);
    size_t count;
    cr_expect_str_eq(snapshot_schema(snapshot, &count)[1].name, "mail");
    snapshot_close(&snapshot);
}

Test(snapshot, role_names_are_there)
{
    for (enum snapshot_role role = SNAPSHOT_ID; role < SNAPSHOT_ROLE_COUNT; role++)
        cr_expect(snapshot_role_name(role)[0] != '\0');
    cr_expect_str_eq(snapshot_role_name(SNAPSHOT_PACKS), "packs");
}

/* --- chunks --- */

static const int64_t batch_rows[] = {0, 1, 4096, 0, 0, 4097, 10000, 63};
#define ROWS 18257

/* id of row r is r. */
static struct snapshot *open_rows(void)
{
    static int64_t ids[10000];
    const struct column schema = {.name = "id", .type = COLUMN_INT64};
    struct arrow_writer *writer;
    struct error err;
    cr_assert(arrow_writer_open(path, &schema, 1, &writer, &err) == 0);
    int64_t next = 0;
    for (size_t b = 0; b < ARRAY_COUNT(batch_rows); b++) {
        for (int64_t row = 0; row < batch_rows[b]; row++)
            ids[row] = next++;
        struct column column = {
            .name = "id", .type = COLUMN_INT64, .rows = batch_rows[b], .values = ids};
        cr_assert(arrow_writer_batch(writer, &column, &err) == 0);
    }
    cr_assert(arrow_writer_close(&writer, true, &err) == 0);
    struct snapshot *snapshot;
    cr_assert(snapshot_open(path, NULL, 0, &snapshot, &err) == 0, "%s", err.text);
    return snapshot;
}

Test(snapshot, chunks_cover_all_rows_in_order)
{
    struct snapshot *snapshot = open_rows();
    cr_assert_eq(snapshot_rows(snapshot), ROWS);
    cr_assert_eq(snapshot_chunks(snapshot), 1 + 1 + 2 + 3 + 1);
    struct snapshot_cursor *cursor = snapshot_cursor_create(snapshot, &(uint64_t){1});
    struct error err;
    uint64_t next = 0;
    for (size_t c = 0; c < snapshot_chunks(snapshot); c++) {
        struct chunk chunk;
        cr_assert(snapshot_cursor_chunk(cursor, c, &chunk, &err) == 0, "%s", err.text);
        cr_expect_eq(chunk.first_row, next);
        cr_expect_eq(chunk.first % 64, 0);
        cr_expect(chunk.rows >= 1 && chunk.rows <= CHUNK_ROWS_MAX);
        for (uint32_t i = 0; i < chunk.rows; i++, next++) {
            int64_t id;
            cr_assert(column_integer(&chunk.columns[0], chunk.first + i, &id));
            cr_assert_eq((uint64_t)id, next);
            cr_assert_eq(snapshot_chunk_of_row(snapshot, next), c);
        }
    }
    cr_expect_eq(next, ROWS);
    snapshot_cursor_destroy(&cursor);
    snapshot_close(&snapshot);
}

Test(snapshot, cursors_share_batches_and_go_anywhere)
{
    struct snapshot *snapshot = open_rows();
    struct snapshot_cursor *a = snapshot_cursor_create(snapshot, &(uint64_t){1});
    struct snapshot_cursor *b = snapshot_cursor_create(snapshot, &(uint64_t){1});
    struct snapshot_cursor *none = snapshot_cursor_create(snapshot, &(uint64_t){0});
    struct error err;
    struct chunk first, again, other;
    cr_assert(snapshot_cursor_chunk(a, 4, &first, &err) == 0);
    cr_assert(snapshot_cursor_chunk(b, 5, &again, &err) == 0);
    cr_expect_eq(first.columns, again.columns);
    cr_assert(snapshot_cursor_chunk(none, 4, &other, &err) == 0);
    cr_expect_null(other.columns[0].values);
    cr_assert(snapshot_cursor_chunk(a, 0, &first, &err) == 0);
    cr_expect_eq(first.first_row, 0);
    int64_t id;
    cr_assert(column_integer(&again.columns[0], again.first, &id)); /* b still holds it */
    cr_expect_eq((uint64_t)id, again.first_row);
    snapshot_cursor_destroy(&a);
    snapshot_cursor_destroy(&b);
    snapshot_cursor_destroy(&none);
    snapshot_close(&snapshot);
}

Test(snapshot, no_rows)
{
    const struct column id = {.name = "id", .type = COLUMN_INT64};
    write_file(&id, 1);
    struct snapshot *snapshot;
    struct error err;
    cr_assert(snapshot_open(path, NULL, 0, &snapshot, &err) == 0);
    cr_expect_eq(snapshot_rows(snapshot), 0);
    cr_expect_eq(snapshot_chunks(snapshot), 0);
    cr_expect(snapshot_verify(snapshot, &err) == 0);
    snapshot_close(&snapshot);
}

Test(snapshot, hash_is_of_the_bytes)
{
    struct snapshot *snapshot = open_rows();
    struct buffer content = {0};
    struct error err;
    cr_assert(file_read(path, 1 << 20, &content, &err) == 0);
    cr_expect_eq(snapshot_hash(snapshot), hash64(content.data, content.bytes));
    buffer_fini(&content);
    snapshot_close(&snapshot);
}

Test(snapshot, verify_reads_what_nobody_asked_for)
{
    const int32_t offsets[] = {0, 1, 2, 3}, of_list[] = {0, 1, 2, 3};
    const struct column bad = {.name = "class",
                               .type = COLUMN_UTF8,
                               .rows = 3,
                               .offsets = offsets,
                               .values = "ab\xFF"};
    const struct column item = {.name = "item",
                                .type = COLUMN_STRUCT,
                                .rows = 3,
                                .children = &bad,
                                .child_count = 1};
    const struct column columns[] = {
        {.name = "id",
         .type = COLUMN_UTF8,
         .rows = 3,
         .offsets = offsets,
         .values = "abc"},
        {.name = "visits", .rows = 3, .offsets = of_list, LIST_OF(&item)},
    };
    write_file(columns, 2);
    struct snapshot *snapshot;
    struct error err;
    cr_assert(snapshot_open(path, NULL, 0, &snapshot, &err) == 0);
    cr_expect_eq(snapshot_verify(snapshot, &err), -ERROR_INPUT);
    char sentence[256];
    snprintf(sentence, sizeof(sentence),
             "%s: record batch 0: column \"visits\": row 2 is not valid UTF-8", path);
    cr_expect_str_eq(err.text, sentence);
    snapshot_close(&snapshot);

    cr_assert(
        snapshot_open("tests/ingest/data/js_file.arrow", NULL, 0, &snapshot, &err) == 0);
    cr_expect(snapshot_verify(snapshot, &err) == 0, "%s", err.text);
    snapshot_close(&snapshot);
}
