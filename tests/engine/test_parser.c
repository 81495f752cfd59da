/* Words to trees: who binds tighter, and what belongs where. */
#include "engine/audience/parser.h"
#include "tests/engine/audience_dump.h"

#include <criterion/criterion.h>

static const struct {
    const char *expression, *tree;
} cases[] = {
    {"a", "a"},
    {"((a))", "a"},
    {"a OR b AND c", "(or a (and b c))"},
    {"a AND b OR c AND d OR e", "(or (and a b) (and c d) e)"},
    {"a AND (b OR c)", "(and a (or b c))"},
    {"a AND (b AND c)", "(and a (and b c))"},
    {"NOT a AND b", "(and (not a) b)"},
    {"NOT a = b", "(not (= a b))"},
    {"NOT NOT a", "(not (not a))"},
    {"a = b IS NULL", "(null? (= a b))"},
    {"a IS NULL IS NOT TRUE", "(not-true? (null? a))"},
    {"a IS NOT DISTINCT FROM b + 1", "(not-distinct a (+ b 1))"},
    {"a IS UNKNOWN OR a IS FALSE", "(or (unknown? a) (false? a))"},
    {"a < b + c * d", "(< a (+ b (* c d)))"},
    {"a - b - c", "(- (- a b) c)"},
    {"a / b % c", "(% (/ a b) c)"},
    {"-a * b", "(* (neg a) b)"},
    {"- - 5", "(neg (neg 5))"},
    {"+5 - -5", "(- 5 (neg 5))"},
    {"a <> 1 AND b != 2", "(and (<> a 1) (<> b 2))"},
    {"a BETWEEN 1 AND 2 AND b", "(and (between a 1 2) b)"},
    {"a NOT BETWEEN 1 + 1 AND 5", "(not-between a (+ 1 1) 5)"},
    {"a IN (1, 2 + 3, 'x')", "(in a 1 (+ 2 3) 'x')"},
    {"a NOT IN (1)", "(not-in a 1)"},
    {"a IN (1) = b", "(= (in a 1) b)"},
    {"a LIKE 'x%'", "(like a 'x%')"},
    {"a NOT ILIKE b ESCAPE '!'", "(not-ilike a b '!')"},
    {"'x' = ANY(tags)", "(=any 'x' tags)"},
    {"'x' <> ALL (tags) AND b", "(and (<>all 'x' tags) b)"},
    {"a >= SOME (SELECT b FROM t WHERE c)", "(>=any a (from t b where c))"},
    {"a IN (SELECT b FROM t)", "(=any a (from t b))"},
    {"a NOT IN (SELECT b FROM t)", "(not-=any a (from t b))"},
    {"EXISTS (SELECT 1 FROM t WHERE a = 1)", "(exists (from t 1 where (= a 1)))"},
    {"NOT EXISTS (SELECT * FROM t)", "(not (exists (from t)))"},
    {"EXISTS (SELECT a FROM t AS x WHERE x.a)", "(exists (from t a where x.a))"},
    {"(SELECT count(*) FROM t) > 5", "(> (from t count(*)) 5)"},
    {"(SELECT max(a + 1) FROM t WHERE b) < c", "(< (from t max (+ a 1) where b) c)"},
    {"5 <= (SELECT avg(a) FROM t)", "(<= 5 (from t avg a))"},
    {"count", "count"},
    {"min = 1", "(= min 1)"},
    {"lower(a) = upper('x')", "(= (lower a) (upper 'x'))"},
    {"coalesce(a, b, 1) = length(c)", "(= (coalesce a b 1) (length c))"},
    {"audience('x y')", "(audience x y)"},
    {"audience = 1", "(= audience 1)"},
    {"a = :p", "(= a :p)"},
    {"a = TRUE OR NULL", "(or (= a true) null)"},
    {"a.b.c = \"A b\".\"c\"\"d\"", "(= a.b.c A b.c\"d)"},
    {"a = 'it''s'", "(= a 'it's')"},
    {"date = DATE '1970-01-02'", "(= date date:1)"},
    {"timestamp > TIMESTAMP '1970-01-01 00:01'", "(> timestamp wall:60)"},
    {"a > TIMESTAMP '1970-01-01T01:00:00+01:00'", "(> a instant:0)"},
    {"a > NOW() - INTERVAL '1 year 2 months 3 days 4 hours'",
     "(> a (- (now) interval:14m3d14400s))"},
    {"a > CURRENT_DATE + INTERVAL '2' WEEKS", "(> a (+ (today) interval:0m14d0s))"},
    {"interval = INTERVAL '-1.5 days'", "(= interval interval:0m-1d-43200s)"},
    {"a > current_timestamp", "(> a (now))"},
};

Test(parser, trees)
{
    struct arena arena;
    cr_assert(arena_init(&arena, 16 << 20, NULL) == 0);
    struct buffer found = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct source source = {.text = text_of(cases[i].expression)};
        struct error err = {0};
        struct node *root;
        size_t nodes = 0;
        arena_reset(&arena);
        buffer_clear(&found);
        if (parser_parse(&source, &arena, &nodes, &root, &err))
            buffer_text(&found, text_of(err.text));
        else
            dump(root, &found);
        cr_expect(text_is(buffer_view(&found), cases[i].tree),
                  "%s\n  wanted %s\n  found  %.*s", cases[i].expression, cases[i].tree,
                  TEXT_ARGS(buffer_view(&found)));
    }
    buffer_fini(&found);
    arena_fini(&arena);
}

/* Every prefix of an expression either parses or is told where it broke off. */
Test(parser, prefixes)
{
    struct arena arena;
    cr_assert(arena_init(&arena, 16 << 20, NULL) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text whole = text_of(cases[i].expression);
        for (size_t bytes = 0; bytes < whole.bytes; bytes++) {
            struct source source = {.text = {whole.data, bytes}};
            struct error err = {0};
            struct node *root;
            size_t nodes = 0;
            arena_reset(&arena);
            int code = parser_parse(&source, &arena, &nodes, &root, &err);
            cr_assert(code == 0 ? err.text[0] == '\0'
                                : err.kind == ERROR_INPUT &&
                                      strstr(err.text, "where, line 1: "));
        }
    }
    arena_fini(&arena);
}

Test(parser, refusals)
{
    static const struct {
        const char *expression, *says;
    } refused[] = {
        {"", "the expression ends too early"},
        {"a b", "unexpected \"b\""},
        {"a AND", "ends too early"},
        {"a IS 5", "IS takes NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM"},
        {"a IS DISTINCT b", "IS DISTINCT FROM needs its FROM"},
        {"a BETWEEN 1 OR 2", "BETWEEN … AND … needs its AND"},
        {"a IN ()", "IN () needs at least one value"},
        {"a NOT = b", "unexpected \"NOT\""},
        {"lower()", "lower() takes one argument, not 0"},
        {"lower(a, b)", "lower() takes one argument, not 2"},
        {"now(1)", "now() takes no argument, not 1"},
        {"audience(x)", "audience('name') needs a name in single quotes"},
        {"EXISTS (a)", "EXISTS (SELECT 1 FROM list WHERE …) belongs here"},
        {"EXISTS (SELECT count(*) FROM t)", "an aggregate makes one value"},
        {"(SELECT a FROM t) = 1", "this subquery may have many rows"},
        {"(SELECT count(DISTINCT a) FROM t) = 1",
         "DISTINCT inside an aggregate is not supported"},
        {"(SELECT count(*) FROM t LIMIT 1) = 1", "unexpected \"LIMIT\""},
        {"(SELECT count(*)) = 1", "FROM and the name of a list column belong here"},
        {"SELECT 1", "unexpected \"SELECT\""},
        {"a.b.c.d.e = 1", "a name has at most four parts"},
        {"INTERVAL '3'", "invalid interval '3'"},
        {"INTERVAL '1.5 months'", "invalid interval"},
        {"DATE '2026-02-29'", "invalid date"},
        {"TIMESTAMP '2026-02-28 25:00'", "invalid timestamp"},
        {"\xff", "not valid UTF-8"},
    };
    struct arena arena;
    cr_assert(arena_init(&arena, 16 << 20, NULL) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct source source = {.text = text_of(refused[i].expression)};
        struct error err = {0};
        struct node *root;
        size_t nodes = 0;
        cr_expect_eq(parser_parse(&source, &arena, &nodes, &root, &err), -ERROR_INPUT);
        cr_expect(strstr(err.text, refused[i].says), "%s: %s", refused[i].expression,
                  err.text);
    }
    arena_fini(&arena);
}
