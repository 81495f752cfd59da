#include "ingest/import/csv.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* show: every row as `line:field|field`, quoted fields in ‹›, problems behind a `!`. */
static void show(struct text content, char delimiter, struct buffer *out)
{
    static struct csv csv;
    struct csv_row row;
    csv_init(&csv, content, delimiter);
    while (csv_next(&csv, &row)) {
        buffer_format(out, "%llu:", (unsigned long long)row.line);
        if (row.problem)
            buffer_format(out, "!%.*s", TEXT_ARGS(row.raw));
        for (size_t i = 0; i < row.count; i++)
            buffer_format(out, row.fields[i].quoted ? "%s<%.*s>" : "%s%.*s", i ? "|" : "",
                          TEXT_ARGS(row.fields[i].text));
        buffer_byte(out, ' ');
    }
    csv_fini(&csv);
    buffer_add(out, "", 0);
}

Test(csv, rows_as_rfc_4180_and_exports_have_them)
{
    static const struct {
        const char *content, *expected;
    } cases[] = {
        {"", ""},
        {"\n\n\r\n", ""},
        {"a", "1:a "},
        {"a,b\n1,2\n", "1:a|b 2:1|2 "},
        {"a,b\r\n1,2\r\n", "1:a|b 2:1|2 "},
        {"a,b\r\n1,2\r", "1:a|b 2:1|2 "},
        {"a,b,\n,,", "1:a|b| 2:|| "},
        {"\xEF\xBB\xBFid,n\n1,x", "1:id|n 2:1|x "},
        {"a\n\n\nb", "1:a 4:b "},
        {"\"a\",\"\"\n\"b,c\",d", "1:<a>|<> 2:<b,c>|d "},
        {"\"a \"\"b\"\" c\",\"\"\"\"", "1:<a \"b\" c>|<\"> "},
        {"x,\"l1\nl2\r\nl3\",y\nz", "1:x|<l1\nl2\r\nl3>|y 4:z "},
        {"5\" screen,b\n", "1:5\" screen|b "},
        {"a;b;c,d", "1:a|b|c,d "},
        {"a\tb\n", "1:a|b "},
        {"\"a,b,c\";d", "1:<a,b,c>|d "},
        {"\"a\"x,b\nc,d\n", "1:!\"a\"x,b 2:c|d "},
        {"a,\"b\nc,d\n", "1:!a,\"b 2:c|d "},
        {"\"", "1:!\" "},
        {"\"a\"\r\n\"b\"\r", "1:<a> 2:<b> "},
        {"a\rb,c\n", "1:a\rb|c "},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer out = {0};
        show(text_of(cases[i].content), 0, &out);
        cr_expect_str_eq(out.data, cases[i].expected, "case %zu", i);
        buffer_fini(&out);
    }
}

Test(csv, a_given_delimiter_wins_over_detection)
{
    struct buffer out = {0};
    show(TEXT("a;b,c;d"), ',', &out);
    cr_expect_str_eq(out.data, "1:a;b|c;d ");
    buffer_fini(&out);
}

/* The oracle: a character at a time, with the grammar of RFC 4180 and nothing clever.
 * Returns false when the text has a malformed row. */
static bool oracle(struct text t, struct buffer *out)
{
    size_t i = 0;
    unsigned line = 1;
    while (i < t.bytes) {
        if (t.data[i] == '\n') {
            i++;
            line++;
            continue;
        }
        buffer_format(out, "%u:", line);
        for (bool first = true;; first = false) {
            buffer_string(out, first ? "" : "|");
            if (i < t.bytes && t.data[i] == '"') {
                buffer_byte(out, '<');
                for (i++;; i++) {
                    if (i == t.bytes)
                        return false;
                    if (t.data[i] == '"' && (i + 1 == t.bytes || t.data[i + 1] != '"'))
                        break;
                    if (t.data[i] == '"')
                        i++;
                    line += t.data[i] == '\n';
                    buffer_byte(out, t.data[i]);
                }
                i++;
                buffer_byte(out, '>');
                if (i < t.bytes && t.data[i] != ',' && t.data[i] != '\n')
                    return false;
            }
            while (i < t.bytes && t.data[i] != ',' && t.data[i] != '\n')
                buffer_byte(out, t.data[i++]);
            if (i == t.bytes || t.data[i++] == '\n')
                break;
        }
        line++;
        buffer_byte(out, ' ');
    }
    buffer_add(out, "", 0);
    return true;
}

Test(csv, agrees_with_a_simple_parser_on_random_text)
{
    static const char alphabet[] = "aaaaaaaaaaaabcdefghi,,,,\n\n\"\"";
    unsigned seed = 7, compared = 0;
    for (int round = 0; round < 60000; round++) {
        char bytes[96];
        size_t count = (size_t)rand_r(&seed) % sizeof(bytes);
        for (size_t i = 0; i < count; i++)
            bytes[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        struct buffer expected = {0}, out = {0};
        if (oracle((struct text){bytes, count}, &expected)) {
            show((struct text){bytes, count}, ',', &out);
            cr_assert_str_eq(out.data, expected.data, "%.*s", (int)count, bytes);
            compared++;
        }
        buffer_fini(&expected);
        buffer_fini(&out);
    }
    cr_expect_gt(compared, 5000u);
}

Test(csv, a_row_can_be_read_again_by_its_place)
{
    static struct csv csv;
    struct csv_row row, again;
    csv_init(&csv, TEXT("a,b\n\"x\ny\",\"q\"\"r\"\n3,4\n"), ',');
    cr_assert(csv_next(&csv, &row) && csv_next(&csv, &row));
    size_t offset = row.offset;
    cr_assert(csv_next(&csv, &again));
    csv_seek(&csv, offset, 2);
    cr_assert(csv_next(&csv, &again));
    cr_expect(text_is(again.fields[0].text, "x\ny"));
    cr_expect(text_is(again.fields[1].text, "q\"r"));
    cr_assert(csv_next(&csv, &again));
    cr_expect_eq(again.line, 4u);
    csv_fini(&csv);
}

static void expect_limit(const char *prefix, size_t filler, char fill, bool well)
{
    static struct csv csv;
    struct buffer content = {0};
    struct csv_row row;
    buffer_string(&content, prefix);
    memset(buffer_room(&content, filler), fill, filler);
    content.bytes += filler;
    buffer_string(&content, prefix[0] == '"' ? "\"\nnext\n" : "\nnext\n");
    csv_init(&csv, buffer_view(&content), ',');
    cr_assert(csv_next(&csv, &row));
    cr_expect_eq(row.problem == NULL, well, "%s %zu", prefix, filler);
    cr_assert(csv_next(&csv, &row));
    cr_expect(text_is(row.raw, "next"));
    csv_fini(&csv);
    buffer_fini(&content);
}

Test(csv, limits_end_a_row_and_not_the_file)
{
    expect_limit("", CSV_FIELD_BYTES_MAX, 'x', true);
    expect_limit("", CSV_FIELD_BYTES_MAX + 1, 'x', false);
    expect_limit("\"", CSV_FIELD_BYTES_MAX - 1, 'x', true);
    expect_limit("\"", CSV_FIELD_BYTES_MAX + 1, 'x', false);
    expect_limit("", CSV_COLUMNS_MAX - 1, ',', true);
    expect_limit("", CSV_COLUMNS_MAX, ',', false);
}

Test(csv, a_written_field_reads_back)
{
    static const char *const fields[] = {"",       "plain", "a,b", "say \"x\"",
                                         "l1\nl2", "\"",    "\r"};
    static struct csv csv;
    struct csv_row row;
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        struct buffer out = {0};
        buffer_string(&out, "x,");
        csv_append_field(&out, text_of(fields[i]));
        csv_init(&csv, buffer_view(&out), ',');
        cr_assert(csv_next(&csv, &row));
        cr_assert_eq(row.count, 2u);
        cr_expect(text_is(row.fields[1].text, fields[i]), "field %zu", i);
        csv_fini(&csv);
        buffer_fini(&out);
    }
}
