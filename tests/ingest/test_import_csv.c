#include "ingest/import/import_csv.h"

#include "base/file.h"
#include "ingest/arrow/arrow_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[64];
static char out_path[100], rejected_path[100];
static struct error err;
static struct import_report report;

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/volley-import-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(out_path, sizeof(out_path), "%s/out.arrow", folder);
    snprintf(rejected_path, sizeof(rejected_path), "%s/out.rejected.csv", folder);
}

static void tear_down(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(import_csv, .init = set_up, .fini = tear_down);

static char *file(const char *name, struct text content)
{
    static char paths[4][100];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    cr_assert_eq(file_write(path, content, &err), 0);
    return path;
}

static void expect_file(const char *path, const char *expected)
{
    struct buffer content = {0};
    cr_assert_eq(file_read(path, 1 << 20, &content, &err), 0, "%s", err.text);
    /* The folder's name differs from run to run. */
    struct buffer shown = {0};
    for (const char *at = content.data; *at;) {
        bool here = strncmp(at, folder, strlen(folder)) == 0;
        if (here)
            at += strlen(folder) + 1;
        else
            buffer_byte(&shown, *at++);
    }
    cr_expect_str_eq(shown.data, expected, "%s", shown.data);
    buffer_fini(&content);
    buffer_fini(&shown);
}

/* --- snapshots as text: name:type|… then a line a row, the form tests compare ----------
 */

static void show_value(const struct column *column, int64_t row, struct buffer *out)
{
    int64_t integer, first, count;
    bool bit;
    if (column_is_null(column, row)) {
        buffer_string(out, "-");
    } else if (column_is_text(column)) {
        buffer_format(out, "'%.*s'", TEXT_ARGS(column_text(column, row)));
    } else if (column->type == COLUMN_FLOAT64) {
        buffer_format(out, "%g", ((const double *)column->values)[row]);
    } else if (column->type == COLUMN_BOOL) {
        column_bool(column, row, &bit);
        buffer_string(out, bit ? "yes" : "no");
    } else if (column_is_list(column)) {
        column_list(column, row, &first, &count);
        for (int64_t i = 0; i < count; i++) {
            buffer_string(out, i ? ";" : "[");
            show_value(column->children, first + i, out);
        }
        buffer_string(out, count ? "]" : "[]");
    } else if (column->type == COLUMN_STRUCT) {
        for (size_t i = 0; i < column->child_count; i++) {
            buffer_string(out, i ? "," : "{");
            show_value(&column->children[i], row, out);
        }
        buffer_string(out, "}");
    } else {
        column_integer(column, row, &integer);
        buffer_format(out, "%lld", (long long)integer);
    }
}

static void show_snapshot(struct buffer *out)
{
    struct arrow_file *arrow;
    size_t count;
    cr_assert_eq(arrow_open(out_path, &arrow, &err), 0, "%s", err.text);
    const struct column *schema = arrow_schema(arrow, &count);
    for (size_t i = 0; i < count; i++)
        buffer_format(out, "%s%s:%s", i ? "|" : "", schema[i].name, schema[i].type_name);
    buffer_byte(out, '\n');
    for (size_t b = 0; b < arrow_batch_count(arrow); b++) {
        struct arrow_batch *batch;
        const uint64_t all = ~0ull;
        cr_assert_eq(arrow_batch_load(arrow, b, &all, &batch, &err), 0, "%s", err.text);
        for (int64_t row = 0; row < arrow_batch_rows(arrow, b); row++) {
            for (size_t i = 0; i < count; i++) {
                buffer_string(out, i ? "|" : "");
                show_value(&arrow_batch_columns(batch)[i], row, out);
            }
            buffer_byte(out, '\n');
        }
        arrow_batch_destroy(&batch);
    }
    arrow_close(&arrow);
}

static void expect_snapshot(const char *expected)
{
    struct buffer shown = {0};
    show_snapshot(&shown);
    cr_expect_str_eq(shown.data, expected, "%s", shown.data);
    buffer_fini(&shown);
}

static void import(struct import_csv_options options)
{
    options.out_path = out_path;
    cr_assert_eq(import_csv(&options, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.rows_in, report.rows_out + report.rejected);
    cr_expect_eq(report.child_rows_in, report.child_rows_joined +
                                           report.child_rows_without_customer +
                                           report.child_rows_rejected);
}

/* --- tests ----------------------------------------------------------------------------
 */

Test(import_csv, customers_with_their_children)
{
    const char *customers =
        file("customers.csv",
             TEXT("id,first_name,phone,email_verified,age,balance,born,zip,seen\n"
                  "007,Ada,333 123 4567,1,36,1.5,1990-12-10,00121,2024-01-01T10:00:00Z\n"
                  "8,\"O\"\"Neil\",+39 06 1234 5678,0,,2,,10121,\n"
                  "9,,\"\",,7,,2001-02-03,20121,2024-01-01T10:00:00.5+01:00\n"));
    const char *tags =
        file("tags.csv", TEXT("tag;customer_id\r\n2024;9\r\nvip;007\r\nyoga;9\r\n"));
    const char *visits = file("visits.csv", TEXT("member,at,class_type\n"
                                                 "9,2024-05-01 08:00:00,Yoga\n"
                                                 "007,2024-05-02 08:00:00,\n"
                                                 "9,2024-05-03 08:00:00,Spin\n"));
    import((struct import_csv_options){
        .customers_path = customers,
        .phone_region = "IT",
        .children = (struct import_csv_child[]){{"tags", tags, NULL},
                                                { "visits",
                                                  visits,
                                                  "member" }},
        .child_count = 2,
        .types = (struct import_csv_type[]){{"visits.at", "timestamp[s]"},
                                            { "age",
                                              "float64" }},
        .type_count = 2});
    expect_snapshot(
        "id:utf8|first_name:utf8|phone:utf8|email_verified:bool|age:float64|balance:"
        "float64|"
        "born:date32|zip:utf8|seen:timestamp[us, UTC]|tags:list<utf8>|"
        "visits:list<struct<at: timestamp[s], class_type: utf8>>\n"
        "'007'|'Ada'|'+393331234567'|yes|36|1.5|7648|'00121'|1704103200000000|['vip']|"
        "[{1714636800,-}]\n"
        "'8'|'O\"Neil'|-|no|-|2|-|'10121'|-|[]|[]\n"
        "'9'|-|-|-|7|-|11356|'20121'|1704099600500000|['2024';'yoga']|"
        "[{1714550400,'Yoga'};{1714723200,'Spin'}]\n");
    cr_expect_eq(report.rows_out, 3u);
    cr_expect_eq(report.child_rows_joined, 6u);
    cr_expect_eq(report.phones_dropped, 1u);
    cr_expect_str_eq(report.rejected_path, rejected_path);
    expect_file(
        rejected_path,
        "file,line,reason,row\n"
        "customers.csv,3,\"warning: \"\"+39 06 1234 5678\"\" is not a mobile number; the "
        "customer is kept without it\",\"8,\"\"O\"\"\"\"Neil\"\",+39 06 1234 "
        "5678,0,,2,,10121,\"\n");
}

Test(import_csv, rows_that_cannot_be_used_are_told_and_counted)
{
    const char *customers = file("c.csv", TEXT("id,n,optout_sms\n"
                                               "a,1,yes\n"
                                               "a,2,no\n"
                                               ",3,no\n"
                                               "b,4\n"
                                               "c,\"5\"x,no\n"
                                               "d,\xff,no\n"
                                               "e,x,no\n"
                                               "f,6,perhaps\n"
                                               "g,7,\n"));
    const char *packs = file("p.csv", TEXT("customer_id,credits\n"
                                           "a,3\n"
                                           "z,4\n"
                                           ",5\n"
                                           "g,many\n"
                                           "g\n"));
    import((struct import_csv_options){
        .customers_path = customers,
        .children = &(struct import_csv_child){"packs", packs, NULL},
        .child_count = 1,
        .types = (struct import_csv_type[]){{"n", "int64"},
                                            { "packs",
                                              "int64" }},
        .type_count = 2});
    expect_snapshot("id:utf8|n:int64|optout_sms:bool|packs:list<int64>\n"
                    "'a'|1|yes|[3]\n"
                    "'g'|7|-|[]\n");
    cr_expect(report.rows_in == 9 && report.rows_out == 2 && report.rejected == 7);
    cr_expect(report.child_rows_in == 5 && report.child_rows_joined == 1);
    cr_expect(report.child_rows_without_customer == 1 && report.child_rows_rejected == 3);
    expect_file(
        rejected_path,
        "file,line,reason,row\n"
        "c.csv,3,this id stands on line 2 already,\"a,2,no\"\n"
        "c.csv,4,\"no value in column \"\"id\"\"\",\",3,no\"\n"
        "c.csv,5,2 fields where the header has 3,\"b,4\"\n"
        "c.csv,6,text behind a closing quote; a quote inside a field is written "
        "twice,\"c,\"\"5\"\"x,no\"\n"
        "c.csv,7,not UTF-8,\"d,\xff,no\"\n"
        "c.csv,8,\"\"\"x\"\" in column \"\"n\"\" is no int64\",\"e,x,no\"\n"
        "c.csv,9,\"\"\"perhaps\"\" in column \"\"optout_sms\"\" is no "
        "bool\",\"f,6,perhaps\"\n"
        "p.csv,3,\"there is no customer \"\"z\"\"\",\"z,4\"\n"
        "p.csv,4,\"no value in column \"\"customer_id\"\"\",\",5\"\n"
        "p.csv,5,\"\"\"many\"\" in column \"\"credits\"\" is no int64\",\"g,many\"\n"
        "p.csv,6,1 fields where the header has 2,g\n");
}

Test(import_csv, a_clean_import_removes_the_earlier_rejects)
{
    cr_assert_eq(file_write(rejected_path, TEXT("old"), &err), 0);
    import((struct import_csv_options){.customers_path =
                                           file("c.csv", TEXT("key\n1\n\"x\"\"y\"\n")),
                                       .id_column = "key"});
    expect_snapshot("id:utf8\n'1'\n'x\"y'\n");
    cr_expect_str_eq(report.rejected_path, "");
    cr_expect(!file_exists(rejected_path));
}

Test(import_csv, what_stops_an_import_is_said_and_nothing_is_left)
{
    char *good = file("good.csv", TEXT("id,name\n1,x\n"));
    char *child = file("child.csv", TEXT("customer_id,v\n1,2\n"));
    const struct {
        struct import_csv_options options;
        const char *expected;
    } cases[] = {
        {{.customers_path = "/none.csv"}, "/none.csv does not exist"},
        {{.customers_path = folder}, "is no regular file"},
        {{.customers_path = file("a.csv", TEXT(""))}, "is empty; its first line"},
        {{.customers_path = good, .id_column = "nmae"},
         "has no column \"nmae\" (did you mean \"name\"?)"},
        {{.customers_path = good, .phone_region = "italy"},
         "there is no region \"italy\""},
        {{.customers_path = good,
          .types = &(struct import_csv_type){"name", "string"},
          .type_count = 1},
         "name=string: there is no such type; there are bool, int64"},
        {{.customers_path = good,
          .types = &(struct import_csv_type){"nam", "utf8"},
          .type_count = 1},
         "nam=utf8: "},
        {{.customers_path = good,
          .children = &(struct import_csv_child){"name", child, NULL},
          .child_count = 1},
         "two columns called \"name\""},
        {{.customers_path = good,
          .children = &(struct import_csv_child){"v", child, "customer"},
          .child_count = 1},
         "has no column \"customer\""},
        {{.customers_path = good,
          .children = &(struct import_csv_child){"v", child, NULL},
          .child_count = 1,
          .types = &(struct import_csv_type){"v.v", "phone"},
          .type_count = 1},
         "only columns of the customers"},
        {{.customers_path = good,
          .types = &(struct import_csv_type){"id", "int64"},
          .type_count = 1},
         "the customers' ids are text"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct import_csv_options options = cases[i].options;
        options.out_path = out_path;
        cr_expect_lt(import_csv(&options, &report, &err), 0, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].expected), "%s", err.text);
        cr_expect(!file_exists(out_path) && !file_exists(rejected_path));
    }
    struct import_csv_options options = {
        .customers_path = file("b.csv", TEXT("id,a,a\n1,2,3\n")), .out_path = out_path};
    cr_expect_eq(import_csv(&options, &report, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "b.csv:1: two columns are called \"a\""), "%s", err.text);
}

/* Children in any order: shuffled and sorted files give the same snapshot but for the
 * order within a list, which is the file's; checked against counting by hand. */
Test(import_csv, many_customers_and_children_in_any_order)
{
    enum { CUSTOMERS = 70000, ROWS = 200000 };
    struct buffer customers = {0}, visits = {0};
    static uint32_t counts[CUSTOMERS];
    static int64_t sums[CUSTOMERS];
    unsigned seed = 5;
    buffer_string(&customers, "id\n");
    for (int i = 0; i < CUSTOMERS; i++)
        buffer_format(&customers, "c%d\n", i);
    buffer_string(&visits, "customer_id,n\n");
    for (int i = 0; i < ROWS; i++) {
        unsigned c = (unsigned)rand_r(&seed) % CUSTOMERS;
        counts[c]++;
        sums[c] += i;
        buffer_format(&visits, "c%u,%d\n", c, i);
    }
    import((struct import_csv_options){
        .customers_path = file("c.csv", buffer_view(&customers)),
        .children = &(struct import_csv_child){"visits",
                                               file("v.csv", buffer_view(&visits)), NULL},
        .child_count = 1});
    struct arrow_file *arrow;
    struct arrow_batch *batch;
    const uint64_t all = ~0ull;
    size_t customer = 0;
    cr_assert_eq(arrow_open(out_path, &arrow, &err), 0);
    for (size_t b = 0; b < arrow_batch_count(arrow); b++) {
        cr_assert_eq(arrow_batch_load(arrow, b, &all, &batch, &err), 0);
        const struct column *list = &arrow_batch_columns(batch)[1];
        for (int64_t row = 0; row < list->rows; row++, customer++) {
            int64_t first, count, sum = 0, value = 0, before = -1;
            column_list(list, row, &first, &count);
            for (int64_t i = 0; i < count; i++, before = value) {
                column_integer(list->children, first + i, &value);
                cr_assert_lt(before, value);
                sum += value;
            }
            cr_assert_eq(count, counts[customer]);
            cr_assert_eq(sum, sums[customer]);
        }
        arrow_batch_destroy(&batch);
    }
    cr_expect_eq(customer, (size_t)CUSTOMERS);
    arrow_close(&arrow);
    buffer_fini(&customers);
    buffer_fini(&visits);
}

Test(import_csv, a_nul_byte_refuses_its_row)
{
    import((struct import_csv_options){.customers_path =
                                           file("c.csv", TEXT("id,n\na,x\0y\nb,z\n"))});
    expect_snapshot("id:utf8|n:utf8\n'b'|'z'\n");
    cr_expect_eq(report.rejected, 1u);
}
