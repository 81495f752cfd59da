/* audience_driver: seeded customers as SQL for DuckDB, and what we select of them.
 * Usage: audience_driver SEED EXPRESSIONS [< expressions, one a line]
 * Prints `S statement` to make and fill the table, then `E expression TAB ids` for each expression. */
#include "engine/audience/audience.h"

#include "tests/engine/audience_expressions.h"

#include <stdio.h>

#define ROWS 400

/* --- values as SQL ---------------------------------------------------------------------- */

static void print_text(struct text t)
{
    putchar('\'');
    for (size_t i = 0; i < t.bytes; i++) {
        if (t.data[i] == '\'')
            putchar('\'');
        putchar(t.data[i]);
    }
    putchar('\'');
}

static void print_decimal(__int128 value)
{
    char digits[48];
    size_t at = sizeof(digits);
    unsigned __int128 rest =
        value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    for (int i = 0; rest > 0 || i < 3; i++, rest /= 10) {
        if (i == 2)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
    }
    printf("%s%.*s::DECIMAL(38,2)", value < 0 ? "-" : "", (int)(sizeof(digits) - at),
           digits + at);
}

static void print_real(double x)
{
    if (isnan(x))
        printf("'NaN'::DOUBLE");
    else if (isinf(x))
        printf("'%sInfinity'::DOUBLE", x < 0 ? "-" : "");
    else
        printf("%.17g::DOUBLE", x);
}

static void print_time(const struct column *c, int64_t value)
{
    static const int64_t per_unit_ns[] = {1000000000, 1000000, 1000, 1};
    char text[CLOCK_FORMAT_BYTES];
    clock_format(value * per_unit_ns[c->unit], false, text);
    text[19] = '\0'; /* our times are on full hours */
    text[10] = ' ';
    printf(c->timezone ? "TIMESTAMPTZ '%s+00'" : "TIMESTAMP '%s'", text);
}

static void print_date(int64_t days)
{
    char text[CLOCK_FORMAT_BYTES];
    clock_format(days * 86400 * NS_PER_S, false, text);
    printf("DATE '%.10s'", text);
}

static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

static void print_value(const struct column *c, int64_t row);

static void print_list(const struct column *c, int64_t row)
{
    int64_t first, count;
    column_list(c, row, &first, &count);
    putchar('[');
    for (int64_t e = first; e < first + count; e++) {
        if (e > first)
            putchar(',');
        print_value(&c->children[0], e);
    }
    putchar(']');
}

static void print_struct(const struct column *c, int64_t row)
{
    for (size_t f = 0; f < c->child_count; f++) {
        printf("%c'%s':", f ? ',' : '{', c->children[f].name);
        print_value(&c->children[f], row);
    }
    putchar('}');
}

static void print_value(const struct column *c, int64_t row)
{
    int64_t integer;
    bool truth;
    if (column_is_null(c, row) || (column_is_text(c) && !column_text(c, row).data)) {
        printf("NULL");
        return;
    }
    if (column_is_text(c)) {
        print_text(column_text(c, row));
        return;
    }
    if (column_is_list(c)) {
        print_list(c, row);
        return;
    }
    switch (c->type) {
    case COLUMN_BOOL:
        column_bool(c, row, &truth);
        printf("%s", truth ? "TRUE" : "FALSE");
        return;
    case COLUMN_STRUCT:
        print_struct(c, row);
        return;
    case COLUMN_DECIMAL128:
        print_decimal(((const __int128 *)c->values)[row]);
        return;
    case COLUMN_FLOAT16:
        print_real(half(((const uint16_t *)c->values)[row]));
        return;
    case COLUMN_FLOAT32:
        print_real(((const float *)c->values)[row]);
        return;
    case COLUMN_FLOAT64:
        print_real(((const double *)c->values)[row]);
        return;
    default:
        break;
    }
    column_integer(c, row, &integer);
    if (c->type == COLUMN_DATE32)
        print_date(integer);
    else if (c->type == COLUMN_DATE64)
        print_date(integer / 86400000);
    else if (c->type == COLUMN_TIMESTAMP)
        print_time(c, integer);
    else if (c->type == COLUMN_UINT64)
        printf("%llu", (unsigned long long)integer);
    else
        printf("%lld", (long long)integer);
}

/* --- types ------------------------------------------------------------------------------ */

/* What DuckDB calls a column's type; its floats become doubles, whose comparisons are ours. */
static void print_type(const struct column *c)
{
    static const char *const names[] = {[COLUMN_BOOL] = "BOOLEAN",
                                        [COLUMN_INT8] = "TINYINT",
                                        [COLUMN_INT16] = "SMALLINT",
                                        [COLUMN_INT32] = "INTEGER",
                                        [COLUMN_INT64] = "BIGINT",
                                        [COLUMN_UINT8] = "UTINYINT",
                                        [COLUMN_UINT16] = "USMALLINT",
                                        [COLUMN_UINT32] = "UINTEGER",
                                        [COLUMN_UINT64] = "UBIGINT",
                                        [COLUMN_FLOAT16] = "DOUBLE",
                                        [COLUMN_FLOAT32] = "DOUBLE",
                                        [COLUMN_FLOAT64] = "DOUBLE",
                                        [COLUMN_DECIMAL128] = "DECIMAL(38,2)",
                                        [COLUMN_DATE32] = "DATE",
                                        [COLUMN_DATE64] = "DATE",
                                        [COLUMN_NULL] = "INTEGER"};
    if (column_is_list(c)) {
        print_type(&c->children[0]);
        printf("[]");
    } else if (c->type == COLUMN_STRUCT) {
        for (size_t f = 0; f < c->child_count; f++) {
            printf("%s\"%s\" ", f ? ", " : "STRUCT(", c->children[f].name);
            print_type(&c->children[f]);
        }
        printf(")");
    } else if (column_is_text(c)) {
        printf("VARCHAR");
    } else if (c->type == COLUMN_TIMESTAMP) {
        printf("%s", c->timezone ? "TIMESTAMPTZ" : "TIMESTAMP");
    } else {
        printf("%s", names[c->type]);
    }
}

static void print_table(const struct table *t)
{
    printf("S CREATE TABLE customers (id BIGINT");
    for (size_t c = 0; c < t->count; c++) {
        printf(", \"%s\" ", t->columns[c].name);
        print_type(&t->columns[c]);
    }
    printf(")\n");
    for (int64_t r = 0; r < t->rows; r++) {
        printf("%s(%lld", r % 50 ? "," : "S INSERT INTO customers VALUES ", (long long)r);
        for (size_t c = 0; c < t->count; c++) {
            putchar(',');
            print_value(&t->columns[c], r);
        }
        printf(")%s", r % 50 == 49 || r + 1 == t->rows ? "\n" : "");
    }
}

/* --- what DuckDB does otherwise --------------------------------------------------------- */

/* tame: DuckDB compares integers with doubles as doubles, and raises an error where a sum of 64-bit
 * numbers overflows: keep such integers out of the way. */
static void tame(const struct column *c)
{
    for (size_t i = 0; i < c->child_count; i++)
        tame(&c->children[i]);
    if (c->type == COLUMN_INT64 || c->type == COLUMN_UINT64) {
        int64_t *values = (int64_t *)(uintptr_t)c->values;
        for (int64_t r = 0; r < c->rows; r++)
            values[r] =
                values[r] > 1ll << 40 || values[r] < -(1ll << 40) ? 1ll << 33 : values[r];
        for (int64_t r = 0; r < c->rows && c->type == COLUMN_UINT64; r++)
            values[r] = values[r] < 0 ? -values[r] : values[r];
    }
}

static void answer(const struct table *t, struct text expression)
{
    int64_t now_ns;
    bool has_offset;
    CHECK(clock_parse(TEXT("2026-11-23T09:30:00Z"), &now_ns, &has_offset) == 0);
    struct audience_env env = {.now_ns = now_ns};
    struct audience *audience;
    struct error err;
    if (audience_compile(expression, t->columns, t->count, &env, &audience, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    struct audience_scratch *scratch = audience_scratch_create(audience);
    struct chunk chunk = {
        .columns = t->columns, .column_count = t->count, .rows = (uint32_t)t->rows};
    uint64_t selected[bitmap_words(ROWS)];
    audience_select(audience, scratch, &chunk, selected);
    printf("E %.*s\t", TEXT_ARGS(expression));
    for (size_t r = bitmap_next(selected, 0, ROWS); r < ROWS;
         r = bitmap_next(selected, r + 1, ROWS))
        printf("%zu ", r);
    printf("\n");
    audience_scratch_destroy(&scratch);
    audience_destroy(&audience);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    static struct table t;
    table_random_customers(&t, ROWS, strtoull(argv[1], NULL, 10));
    for (size_t c = 0; c < t.count; c++)
        tame(&t.columns[c]);
    print_table(&t);
    char line[4096];
    while (fgets(line, sizeof(line), stdin))
        answer(&t, text_trim(text_of(line)));
    struct buffer expression = {0};
    for (int i = 0; i < atoi(argv[2]); i++) {
        expression_random(&t, &expression, true);
        answer(&t, buffer_view(&expression));
    }
    buffer_fini(&expression);
    table_free(&t);
    return 0;
}
