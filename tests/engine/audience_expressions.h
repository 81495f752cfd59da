/* audience_expressions: random expressions over the customers of audience_table.h. */
#ifndef TESTS_ENGINE_AUDIENCE_EXPRESSIONS_H
#define TESTS_ENGINE_AUDIENCE_EXPRESSIONS_H

#include "base/buffer.h"
#include "tests/engine/audience_table.h"

/* The tables an expression may stand in, and their columns by kind. */
struct expression_table {
    const char *name;
    const char *numbers[14]; /* each list ends with NULL */
    const char *integers[8];
    const char *texts[9];
    const char *times[6];
    const char *truths[4];
};

static const struct expression_table expression_tables[] = {
    {"customers",
     {"small", "byte", "short", "ushort", "visits_total", "uint", "big", "ubig", "half",
      "ratio", "score", "price", "address.zip"},
     {"small", "byte", "visits_total", "uint", "big"},
     {"name", "status", "nick", "code", "city", "plan", "address.town"},
     {"born", "joined", "seen_at", "local_at", "paid_at"},
     {"flag", "verified"}},
    {"visits", {"qty", "paid", "rating"}, {"qty"}, {"class_type"}, {"held_at"}, {"done"}},
    {"packs", {"credits"}, {"credits"}, {"kind"}, {"ends"}, {NULL}},
    {"tags", {NULL}, {NULL}, {"value"}, {NULL}, {NULL}},
    {"numbers", {"value"}, {"value"}, {NULL}, {NULL}, {NULL}},
    {"ranks", {"value"}, {NULL}, {NULL}, {NULL}, {NULL}},
    {"checks", {NULL}, {NULL}, {NULL}, {NULL}, {"value"}},
};

struct expression {
    struct table *random;
    struct buffer *out;
    const struct expression_table *table; /* of the innermost FROM */
    unsigned nested;                      /* subqueries around */
    bool duckdb;                          /* only what DuckDB reads in the same way */
};

static void expression_condition(struct expression *e, unsigned depth);
static void expression_number(struct expression *e, unsigned depth);

static void expression_add(struct expression *e, const char *text)
{
    buffer_text(e->out, text_of(text));
}

static unsigned expression_pick(struct expression *e, unsigned n)
{
    return (unsigned)table_below(e->random, n);
}

static size_t expression_count(const char *const *names)
{
    size_t n = 0;
    while (names[n])
        n++;
    return n;
}

/* expression_column: one of the table's columns of a kind, or an outer one; false: there
 * is none. */
static bool expression_column(struct expression *e, size_t list_offset)
{
    const struct expression_table *table = e->table;
    bool outer = e->nested > 0 && expression_pick(e, 5) == 0;
    if (outer)
        table = &expression_tables[0];
    const char *const *names = (const char *const *)((const char *)table + list_offset);
    size_t count = expression_count(names);
    if (count == 0)
        return false;
    if (outer || expression_pick(e, 9) == 0) {
        expression_add(e, table->name);
        expression_add(e, ".");
    }
    expression_add(e, names[expression_pick(e, (unsigned)count)]);
    return true;
}

#define EXPRESSION_COLUMN(e, kind)                                                       \
    expression_column(e, offsetof(struct expression_table, kind))

static void expression_word(struct expression *e)
{
    struct text word = table_word(e->random);
    expression_add(e, "'");
    for (size_t i = 0; i < word.bytes; i++) {
        if (word.data[i] == '\'')
            expression_add(e, "'");
        buffer_text(e->out, (struct text){word.data + i, 1});
    }
    expression_add(e, "'");
}

static void expression_literal(struct expression *e, bool quoted)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "2",
                                          "3",
                                          "5",
                                          "7",
                                          "11",
                                          "2.5",
                                          "0.1",
                                          "-1",
                                          "100",
                                          "127",
                                          "128",
                                          "-129",
                                          "255",
                                          "256",
                                          "65536",
                                          "4294967296",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "18446744073709551616",
                                          "9007199254740993",
                                          "9007199254740992.5",
                                          "1e3",
                                          "3.00",
                                          "2.49999",
                                          "99999999999999999999999999999999999999",
                                          "1e60",
                                          "-1e300",
                                          "'5'",
                                          "' 7 '"};
    expression_add(e, numbers[expression_pick(e, e->duckdb ? 17
                                                 : quoted  ? ARRAY_COUNT(numbers)
                                                           : ARRAY_COUNT(numbers) - 2)]);
}

static void expression_text(struct expression *e, unsigned depth)
{
    unsigned pick = expression_pick(e, depth > 0 ? 9 : 6);
    if (pick == 8) {
        expression_add(e, "coalesce(");
        expression_text(e, depth - 1);
        expression_add(e, ", ");
        expression_word(e);
        expression_add(e, ")");
    } else if (pick >= 6) {
        expression_add(e, pick == 6 ? "lower(" : "upper(");
        expression_text(e, depth - 1);
        expression_add(e, ")");
    } else if (pick == 0 || !EXPRESSION_COLUMN(e, texts)) {
        expression_word(e);
    }
}

static void expression_time(struct expression *e, unsigned depth)
{
    static const char *const literals[] = {"DATE '2026-11-01'",
                                           "DATE '2027-01-31'",
                                           "TIMESTAMP '2026-11-23 12:00:00'",
                                           "TIMESTAMP '2026-09-01 12:00:00.5'",
                                           "CURRENT_DATE",
                                           "CURRENT_TIMESTAMP",
                                           "NOW()",
                                           "TIMESTAMP '2026-12-01T10:00:00+02:00'",
                                           "TIMESTAMP '9999-12-31 12:00:00'",
                                           "DATE '0001-01-01'"};
    static const char *const intervals[] = {
        "'30 days'", "'1 month'",  "'1 year 2 months'",
        "'3 weeks'", "'36 hours'", "'90 minutes 30 seconds'",
        "'-7 days'"};
    unsigned pick = expression_pick(e, depth > 0 ? 8 : 6);
    if (pick >= 6) {
        expression_add(e, "(");
        expression_time(e, depth - 1);
        expression_add(e, pick == 6 ? " + INTERVAL " : " - INTERVAL ");
        expression_add(e, intervals[expression_pick(e, ARRAY_COUNT(intervals))]);
        expression_add(e, ")");
    } else if (pick <= 1 || !EXPRESSION_COLUMN(e, times)) {
        expression_add(
            e, literals[expression_pick(e, e->duckdb ? 6 : ARRAY_COUNT(literals))]);
    }
}

/* expression_from: `FROM list WHERE …)` and the part before it, which names the list's
 * columns. */
static void expression_subquery(struct expression *e, unsigned depth, const char *select,
                                void (*selected)(struct expression *, unsigned))
{
    struct expression inner = *e;
    inner.nested++;
    inner.table =
        &expression_tables[1 + expression_pick(e, ARRAY_COUNT(expression_tables) - 1)];
    if (selected == expression_number && !inner.table->numbers[0])
        inner.table = &expression_tables[1];
    if (selected == expression_text && !inner.table->texts[0])
        inner.table = &expression_tables[1];
    expression_add(&inner, select);
    if (selected)
        selected(&inner, 0);
    if (select[strlen(select) - 1] == '(')
        expression_add(&inner, ")");
    expression_add(&inner, " FROM ");
    expression_add(&inner, inner.table->name);
    if (expression_pick(e, 4)) {
        expression_add(&inner, " WHERE ");
        expression_condition(&inner, depth);
    }
    expression_add(&inner, ")");
}

static void expression_aggregate(struct expression *e, unsigned depth)
{
    static const char *const selects[] = {"(SELECT min(", "(SELECT max(", "(SELECT sum(",
                                          "(SELECT avg(", "(SELECT count("};
    if (expression_pick(e, 2))
        expression_subquery(e, depth, "(SELECT count(*)", NULL);
    else
        expression_subquery(e, depth, selects[expression_pick(e, 5)], expression_number);
}

static void expression_number(struct expression *e, unsigned depth)
{
    static const char *const operators[] = {" + ", " - ", " * ", " / ", " % "};
    unsigned pick = expression_pick(e, depth > 0 ? 12 : 6);
    if (pick == 11 && e->nested < 2) {
        expression_aggregate(e, depth - 1);
    } else if (pick == 10) {
        expression_add(e, "length(");
        expression_text(e, depth - 1);
        expression_add(e, ")");
    } else if (pick == 9 && e->table->integers[0]) {
        expression_add(e, "coalesce(");
        expression_add(e, e->table->integers[0]);
        expression_add(e, ", 4)");
    } else if (pick == 8 && !e->duckdb) { /* there - of an unsigned number wraps */
        expression_add(e, "(- ");
        expression_number(e, depth - 1);
        expression_add(e, ")");
    } else if (pick >= 6 && !e->duckdb) {
        expression_add(e, "(");
        expression_number(e, depth - 1);
        expression_add(e, operators[expression_pick(e, 5)]);
        expression_number(e, depth - 1);
        expression_add(e, ")");
    } else if (pick == 0 || !EXPRESSION_COLUMN(e, numbers)) {
        expression_literal(e, false);
    }
}

static void expression_operator(struct expression *e)
{
    static const char *const operators[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    unsigned pick = expression_pick(e, 8);
    if (pick == 7)
        expression_add(e, expression_pick(e, 2) ? " IS DISTINCT FROM "
                                                : " IS NOT DISTINCT FROM ");
    else
        expression_add(e, operators[pick % 6]);
}

/* expression_pair: two or more values of one kind in a condition. */
static void expression_pair(struct expression *e, unsigned depth,
                            void (*value)(struct expression *, unsigned),
                            void (*literal)(struct expression *, unsigned))
{
    unsigned pick = expression_pick(e, 8);
    value(e, depth);
    if (pick == 0) {
        expression_add(e, expression_pick(e, 2) ? " BETWEEN " : " NOT BETWEEN ");
        literal(e, 0);
        expression_add(e, " AND ");
        literal(e, 0);
    } else if (pick == 1) {
        unsigned count = 1 + expression_pick(e, 8);
        expression_add(e, expression_pick(e, 2) ? " IN (" : " NOT IN (");
        for (unsigned i = 0; i < count; i++) {
            expression_add(e, i ? ", " : "");
            if (expression_pick(e, 12) == 0)
                expression_add(e, "NULL");
            else
                literal(e, 0);
        }
        expression_add(e, ")");
    } else if (pick == 2) {
        expression_add(e, expression_pick(e, 2) ? " IS NULL" : " IS NOT NULL");
    } else {
        expression_operator(e);
        value(e, depth);
    }
}

static void expression_only_literal(struct expression *e, unsigned depth)
{
    (void)depth;
    expression_literal(e, true);
}

static void expression_only_word(struct expression *e, unsigned depth)
{
    (void)depth;
    expression_word(e);
}

static void expression_like(struct expression *e, unsigned depth)
{
    static const char *const patterns[] = {"'a%'",   "'%d'",
                                           "'%o%'",  "'_oga'",
                                           "'%'",    "'a!_b' ESCAPE '!'",
                                           "'G_l%'", "'%!%' ESCAPE '!'",
                                           "''",     "'%ï%'",
                                           "'____'", "'%e%e%'",
                                           "'ο%'",   "'_'",
                                           "'VIP'",  "'%a%b%'"};
    expression_text(e, depth);
    expression_add(e, expression_pick(e, 3) ? " " : " NOT ");
    expression_add(e, expression_pick(e, 2) ? "LIKE " : "ILIKE ");
    if (expression_pick(e, 6) == 0 && !e->duckdb)
        expression_text(e, depth);
    else
        expression_add(e, patterns[expression_pick(e, ARRAY_COUNT(patterns))]);
}

static void expression_any(struct expression *e, unsigned depth)
{
    static const char *const operators[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    bool words = expression_pick(e, 2);
    if (words)
        expression_text(e, depth);
    else
        expression_number(e, depth);
    expression_add(e, operators[expression_pick(e, 6)]);
    expression_add(e, expression_pick(e, 3) ? "ANY" : "ALL");
    if (words && e->nested == 1 && text_is(text_of(e->table->name), "visits") &&
        !e->duckdb && expression_pick(e, 2))
        expression_add(e, " (labels)");
    else if (expression_pick(e, 3) && e->nested == 0)
        expression_add(e, words                   ? " (tags)"
                          : expression_pick(e, 2) ? " (numbers)"
                                                  : " (ranks)");
    else
        expression_subquery(e, depth, " (SELECT ",
                            words ? expression_text : expression_number);
}

static void expression_truth(struct expression *e)
{
    static const char *const tests[] = {"",          " IS TRUE",    " IS NOT TRUE",
                                        " IS FALSE", " IS UNKNOWN", " IS NOT NULL",
                                        " = TRUE",   " <> FALSE"};
    if (!EXPRESSION_COLUMN(e, truths))
        expression_add(e, expression_pick(e, 2) ? "TRUE" : "NULL");
    else
        expression_add(e, tests[expression_pick(e, ARRAY_COUNT(tests))]);
}

static void expression_joined(struct expression *e, unsigned depth)
{
    unsigned count = 2 + expression_pick(e, 3);
    const char *word = expression_pick(e, 2) ? " AND " : " OR ";
    expression_add(e, expression_pick(e, 4) ? "(" : "NOT (");
    for (unsigned i = 0; i < count; i++) {
        expression_add(e, i ? word : "");
        expression_condition(e, depth - 1);
    }
    expression_add(e, ")");
    if (expression_pick(e, 8) == 0)
        expression_add(e, " IS NOT FALSE");
}

static void expression_condition(struct expression *e, unsigned depth)
{
    unsigned pick = expression_pick(e, depth > 0 ? 14 : 7);
    unsigned less = depth > 0 ? depth - 1 : 0;
    switch (pick) {
    case 0:
    case 1:
        expression_pair(e, less, expression_number, expression_only_literal);
        break;
    case 2:
    case 3:
        expression_pair(e, less, expression_text, expression_only_word);
        break;
    case 4:
        expression_pair(e, less, expression_time, expression_time);
        break;
    case 5:
        expression_like(e, less);
        break;
    case 6:
        expression_truth(e);
        break;
    case 7:
    case 8:
        if (e->nested < 2) {
            expression_subquery(e, less,
                                expression_pick(e, 2) ? "EXISTS (SELECT 1"
                                                      : "NOT EXISTS (SELECT *",
                                NULL);
            break;
        } /* fall through */
    case 9:
        if (e->nested < 2) {
            expression_any(e, less);
            break;
        } /* fall through */
    default:
        expression_joined(e, depth > 0 ? depth : 1);
        break;
    }
}

/* expression_random: one expression into out, NUL-terminated. */
TEST_HELPER void expression_random(struct table *random, struct buffer *out, bool duckdb)
{
    struct expression e = {
        .random = random, .out = out, .table = &expression_tables[0], .duckdb = duckdb};
    buffer_clear(out);
    expression_condition(&e, 1 + expression_pick(&e, 3));
}

#endif
