/* What the checker makes of a tree: literals take the kind of the other side, constants fold. */
#include "engine/audience/checker.h"
#include "engine/audience/parser.h"
#include "tests/engine/audience_dump.h"

#include <criterion/criterion.h>

static const struct column columns[] = {
    {.name = "n", .type = COLUMN_INT32},
    {.name = "x", .type = COLUMN_FLOAT64},
    {.name = "t", .type = COLUMN_UTF8},
    {.name = "b", .type = COLUMN_BOOL},
    {.name = "day", .type = COLUMN_DATE32},
    {.name = "wall", .type = COLUMN_TIMESTAMP, .unit = COLUMN_SECONDS},
    {.name = "zoned",
     .type = COLUMN_TIMESTAMP,
     .unit = COLUMN_SECONDS,
     .timezone = "UTC"},
};

static struct text saved(void *arg, struct text name)
{
    (void)arg;
    return text_is(name, "grown") ? TEXT("n >= 18") : TEXT_NONE;
}

/* 1970-01-02 00:30 UTC is 01:30 in Rome. */
Test(checker, constants_and_kinds)
{
    static const struct {
        const char *expression, *tree;
    } cases[] = {
        {"n = '5'", "(= n 5)"},
        {"'5' = n",
         "(= '5' n)"}, /* the left side may be shared: it turns when compiled */
        {"x = 'NaN'", "(= x real:nan)"},
        {"n < 2 * 3 + 4", "(< n 10)"},
        {"n < -(2 - 5)", "(< n 3)"},
        {"n = 7 / 2 AND x = 7 / 2.0", "(and (= n 3) (= x real:3.5))"},
        {"n = 1 / 0", "(= n null)"},
        {"n = NULL + 1", "(= n null)"},
        {"n = 9223372036854775807 + 1", "(= n null)"},
        {"b = 'yes'", "(= b true)"},
        {"day = '1970-01-03'", "(= day date:2)"},
        {"day > CURRENT_DATE", "(> day date:1)"},
        {"day > CURRENT_DATE + 5", "(> day date:6)"},
        {"day > CURRENT_DATE - INTERVAL '1 day'", "(> day wall:0)"},
        {"day > DATE '1970-01-31' - (INTERVAL '1 month' - INTERVAL '2 days')",
         "(> day wall:86400)"},
        {"day > INTERVAL '1 day' + INTERVAL '2 days' + DATE '1970-01-01'",
         "(> day wall:259200)"},
        {"day > - INTERVAL '1 day' + DATE '1970-01-02'", "(> day wall:0)"},
        {"day < NOW()", "(< day wall:91800)"},
        {"wall < NOW()", "(< wall wall:91800)"},
        {"wall > '1970-01-01'", "(> wall wall:0)"},
        {"wall > '1970-01-01T00:00:00Z'", "(> wall wall:3600)"},
        {"zoned < NOW()", "(< zoned instant:88200)"},
        {"zoned >= CURRENT_DATE", "(>= zoned instant:82800)"},
        {"zoned > '1970-01-01'", "(> zoned instant:-3600)"},
        {"zoned > TIMESTAMP '1970-01-01 12:00'", "(> zoned instant:39600)"},
        {"zoned > CURRENT_TIMESTAMP - INTERVAL '1 month'", "(> zoned instant:-2590200)"},
        {"wall < zoned", "(< wall (as a timestamp zoned))"},
        {"zoned < day", "(< zoned (as a timestamp day))"},
        {"coalesce(n, 5) = 5", "(= (coalesce n 5) 5)"},
        {"coalesce(n, x) = 5", "(= (coalesce (as a number n) x) 5)"},
        {"audience('grown')", "(audience grown (>= n 18))"},
        {"n = :five AND t = :five_text", "(and (= n 5) (= t '5'))"},
        {"n = :five_text", "(= n 5)"},
        {"b OR 'f'", "(or b false)"},
    };
    static const struct audience_param params[] = {
        {TEXT("five"), TEXT("5"), AUDIENCE_INTEGER},
        {TEXT("five_text"), TEXT("5"), AUDIENCE_TEXT}};
    struct tzif *rome;
    struct arena arena;
    cr_assert(tzif_open(TEXT("Europe/Rome"), &rome, NULL) == 0);
    cr_assert(arena_init(&arena, 16 << 20, NULL) == 0);
    struct audience_env env = {.now_ns = 88200000000000,
                               .zone = rome,
                               .params = params,
                               .param_count = 2,
                               .saved = saved};
    struct buffer found = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = {0};
        uint64_t needed = 0;
        struct checker checker = {.arena = &arena,
                                  .env = &env,
                                  .schema = columns,
                                  .column_count = ARRAY_COUNT(columns),
                                  .needed = &needed,
                                  .err = &err};
        struct source source = {.text = text_of(cases[i].expression)};
        struct node *root;
        arena_reset(&arena);
        buffer_clear(&found);
        int code = parser_parse(&source, &arena, &checker.nodes, &root, &err);
        if (code == 0)
            code = checker_check(&checker, root);
        if (code)
            buffer_text(&found, text_of(err.text));
        else
            dump(root, &found);
        cr_expect(text_is(buffer_view(&found), cases[i].tree),
                  "%s\n  wanted %s\n  found  %.*s", cases[i].expression, cases[i].tree,
                  TEXT_ARGS(buffer_view(&found)));
    }
    buffer_fini(&found);
    arena_fini(&arena);
    tzif_close(&rome);
}
