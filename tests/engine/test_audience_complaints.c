/* What the language says about a wrong expression, and what is too much for it. */
#include "base/buffer.h"
#include "tests/engine/audience_customers.h"

Test(audience, complaints)
{
    static const struct expected cases[] = {
        {"frist_name = 'Ada'",
         "where, line 1: unknown column \"frist_name\" (did you mean "
         "\"first_name\"?)\nfrist_name = 'Ada'\n^"},
        {"age > 18\n  AND statsu = 'active'",
         "where, line 2: unknown column \"statsu\" (did you mean "
         "\"status\"?)\n  AND statsu = 'active'\n      ^"},
        {"'é' = first_name AND x",
         "where, line 1: unknown column \"x\"\n'é' = first_name AND x\n"
         "                     ^"},
        {"status = 5",
         "where, line 1: cannot compare text with a number\nstatus = 5\n       ^"},
        {"age = 'young'",
         "where, line 1: 'young' is not a number\nage = 'young'\n      ^"},
        {"joined > '2026-13-01'",
         "where, line 1: '2026-13-01' is not a date (write it like "
         "'2026-11-21')\njoined > '2026-13-01'\n         ^"},
        {"joined > DATE '2026-02-30'",
         "where, line 1: invalid date '2026-02-30' (write it like "
         "'2026-11-21')\njoined > DATE '2026-02-30'\n              ^"},
        {"joined > CURRENT_DATE - INTERVAL '3 fortnights'",
         "where, line 1: invalid interval '3 fortnights' (write it like '30 days' or '1 "
         "year 2 "
         "months')\njoined > CURRENT_DATE - INTERVAL '3 fortnights'\n"
         "                                 ^"},
        {"age", "where, line 1: a condition belongs here, not a number\nage\n^"},
        {"verified AND status",
         "where, line 1: a condition belongs here, not text\nverified AND "
         "status\n             ^"},
        {"status = 'active",
         "where, line 1: the text has no end (close it with ')\nstatus = "
         "'active\n         ^"},
        {"status = 'a' AND",
         "where, line 1: the expression ends too early: a column, a value or a "
         "condition belongs here\nstatus = 'a' AND\n                ^"},
        {"(age > 1",
         "where, line 1: the expression ends too early: a closing ) belongs here\n(age > "
         "1\n        ^"},
        {"status LKIE 'a%'",
         "where, line 1: unexpected \"LKIE\" (did you mean \"LIKE\"?): conditions "
         "are joined by AND or OR\nstatus LKIE 'a%'\n       ^"},
        {"age > :limti",
         "where, line 1: unknown parameter :limti (did you mean \"limit\"?)\nage > "
         ":limti\n      ^"},
        {"lowr(status) = 'a'", "where, line 1: unknown function \"lowr\" (did you mean "
                               "\"lower\"?)\nlowr(status) = 'a'\n^"},
        {"count(*) > 3",
         "where, line 1: count() needs a subquery: (SELECT count(…) FROM visits WHERE "
         "…)\ncount(*) > 3\n^"},
        {"EXISTS (SELECT 1 FROM vists)",
         "where, line 1: unknown list column \"vists\" (did you mean "
         "\"visits\"?)\nEXISTS (SELECT 1 FROM vists)\n"
         "                      ^"},
        {"EXISTS (SELECT 1 FROM status)",
         "where, line 1: \"status\" is no list but text\nEXISTS "
         "(SELECT 1 FROM status)\n                      ^"},
        {"EXISTS (SELECT 1 FROM visits WHERE clas_type = 'a')",
         "where, line 1: unknown column \"clas_type\" in visits (did you mean "
         "\"class_type\"?)\nEXISTS "
         "(SELECT 1 FROM visits WHERE clas_type = 'a')\n"
         "                                   ^"},
        {"EXISTS (SELECT 1 FROM visits WHERE verified)",
         "where, line 1: unknown column \"verified\" in visits (the customer's is "
         "customers.verified)\nEXISTS (SELECT 1 FROM visits WHERE verified)\n"
         "                                   ^"},
        {"audience('advlts')",
         "where, line 1: unknown saved audience 'advlts' (volley audience list "
         "shows them)\naudience('advlts')\n^"},
        {"audience('loop')",
         "audience \"loop two\", line 1: audience('loop') contains itself\nNOT "
         "audience('loop')\n    ^"},
        {"audience('broken')",
         "audience \"broken\", line 2: unknown column \"statsu\" (did you mean "
         "\"status\"?)\nstatsu = 'active'\n^"},
        {"blob = 'x'",
         "where, line 1: column \"blob\" has the type binary, which filters cannot "
         "use\nblob = 'x'\n^"},
        {"tags = 'vip'",
         "where, line 1: a list cannot be compared: use = ANY(tags) or EXISTS\ntags = "
         "'vip'\n     ^"},
        {"'a' IN tags",
         "where, line 1: unexpected \"tags\": IN needs a list in parentheses (for a list "
         "column: = ANY(tags))\n'a' IN tags\n       ^"},
        {"'x' = ANY(visits)",
         "where, line 1: ANY needs a list of plain values: use EXISTS here\n'x' = "
         "ANY(visits)\n          ^"},
        {"(SELECT price FROM visits) = 1",
         "where, line 1: this subquery may have many rows: use "
         "EXISTS, IN, count, min, max, sum or avg\n(SELECT price "
         "FROM visits) = 1\n                   ^"},
        {"age ; 5",
         "where, line 1: unexpected character \";\" (one expression, without a "
         "semicolon)\nage ; 5\n    ^"},
        {"seen_at - joined > 5",
         "where, line 1: two timestamps cannot be subtracted: compare with … + "
         "INTERVAL '…'\nseen_at - joined > 5\n        ^"},
        {"first_name LIKE 'a!' ESCAPE '!'",
         "where, line 1: the pattern ends with its escape "
         "character\nfirst_name LIKE 'a!' ESCAPE '!'\n"
         "                ^"},
        {"status LIKE 'a' ESCAPE status", "where, line 1: ESCAPE takes one character, "
                                          "like ESCAPE '!'\nstatus LIKE 'a' ESCAPE "
                                          "status\n                       ^"},
        {"status LIKE 'a' ESCAPE 'ab'", "where, line 1: ESCAPE takes one character, like "
                                        "ESCAPE '!'\nstatus LIKE 'a' ESCAPE "
                                        "'ab'\n                       ^"},
        {"age LIKE '3%'",
         "where, line 1: LIKE needs text, not a number\nage LIKE '3%'\n^"},
        {"verified = 'maybe'",
         "where, line 1: 'maybe' is not true or false\nverified = 'maybe'\n"
         "           ^"},
        {"age = 12x",
         "where, line 1: a number cannot go on with a letter\nage = 12x\n        ^"},
        {"address.town = 'x'",
         "where, line 1: unknown column \"town\"\naddress.town = 'x'\n^"},
        {"status.x = 'x'", "where, line 1: \"status\" has no fields\nstatus.x = 'x'\n^"},
        {"coalesce(age, status) = 1",
         "where, line 1: coalesce() cannot mix a number with "
         "text\ncoalesce(age, status) = 1\n              ^"},
    };
    CHECK_CASES(cases, "UTC");
}

/* compile: the error for an expression over eight customers, "" when it has none. */
static void compile_error(struct text expression, struct error *err)
{
    struct table t;
    customers_make(&t);
    struct audience_env env = {.saved = customers_saved};
    struct audience *audience;
    *err = (struct error){0};
    (void)!audience_compile(expression, t.columns, t.count, &env, &audience, err);
    audience_destroy(&audience);
    table_free(&t);
}

static struct text repeated(struct buffer *out, const char *before, const char *unit,
                            size_t times, const char *after)
{
    buffer_clear(out);
    buffer_text(out, text_of(before));
    for (size_t i = 0; i < times; i++)
        buffer_text(out, text_of(unit));
    buffer_text(out, text_of(after));
    return buffer_view(out);
}

Test(audience, limits)
{
    struct buffer b = {0};
    struct error err;
    static const struct {
        const char *before, *unit, *after;
        size_t fine, too_much;
        const char *sentence;
    } cases[] = {
        {"", "NOT ", "verified", 63, 64, "nested deeper than 64 levels"},
        {"age = ", "- ", "5", 60, 64, "nested deeper than 64 levels"},
        {"age = 1", " + 1", "", 60, 70, "nested deeper than 64 levels"},
        {"age = 1", " OR age = 1", "", 1300, 1400, "more than 4096 parts"},
        {"age IN (1", ", 2", ")", 4000, 4100, "more than 4096 parts"},
        {"verified", " ", "", 65000, 66000, "longer than 64 KiB"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        compile_error(
            repeated(&b, cases[i].before, cases[i].unit, cases[i].fine, cases[i].after),
            &err);
        cr_expect_str_eq(err.text, "");
        compile_error(repeated(&b, cases[i].before, cases[i].unit, cases[i].too_much,
                               cases[i].after),
                      &err);
        cr_expect(strstr(err.text, cases[i].sentence), "%s: %s", cases[i].sentence,
                  err.text);
    }
    struct buffer c = {0};
    for (size_t depth = 60; depth < 70; depth++) {
        repeated(&b, "", "(", depth, "verified");
        repeated(&c, buffer_view(&b).data, ")", depth, "");
        compile_error(buffer_view(&c), &err);
        cr_expect((err.text[0] == '\0') == (depth < 64), "depth %zu: %s", depth,
                  err.text);
    }
    buffer_fini(&b);
    buffer_fini(&c);
}

/* A long line is cut around the caret, within the error's bytes and between characters. */
Test(audience, long_lines)
{
    struct buffer b = {0};
    struct error err;
    static const char *const units[] = {"verified OR ", "first_name = 'é😀' OR ",
                                        "age = 1\t  AND "};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        for (size_t times = 0; times < 60; times++) {
            struct text e = repeated(&b, "", units[i], times,
                                     "frist_name = 'a' AND verified AND "
                                     "verified AND verified AND verified AND "
                                     "verified AND verified AND verified");
            compile_error(e, &err);
            struct text said = text_of(err.text);
            cr_assert(utf8_valid(said), "%s", err.text);
            cr_assert(said.bytes < 400 && said.data[said.bytes - 1] == '^', "%s",
                      err.text);
            const char *caret_line = strrchr(err.text, '\n') + 1;
            const char *line = strchr(err.text, '\n') + 1;
            size_t column = strlen(caret_line) - 1;
            const char *at = line;
            for (; column > 0; column--) { /* an emoji is two columns wide */
                uint32_t c = utf8_next(&at, line + strlen(line));
                column -= c > 0xFFFF;
            }
            cr_assert(strncmp(at, "frist_name", 10) == 0, "%s", err.text);
        }
    }
    buffer_fini(&b);
}
