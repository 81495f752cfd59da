/* Random expressions over random customers: the engine and the one-row-at-a-time oracle
 * agree on every row, whatever the chunks. */
#include "engine/audience/audience.h"
#include "engine/audience/parser.h"
#include "tests/engine/audience_expressions.h"
#include "tests/engine/audience_naive.h"

#include <criterion/criterion.h>

#define ROWS 1100

static int64_t now_ns(void)
{
    int64_t ns;
    bool has_offset;
    cr_assert(clock_parse(TEXT("2026-11-23T09:30:00Z"), &ns, &has_offset) == 0);
    return ns;
}

/* select_rows: the whole table in chunks of up to chunk_rows, as one bitmap. */
static void select_rows(const struct audience *audience, const struct table *t,
                        uint32_t chunk_rows, uint64_t *out)
{
    struct audience_scratch *scratch = audience_scratch_create(audience);
    for (int64_t first = 0; first < t->rows; first += chunk_rows) {
        int64_t left = t->rows - first;
        struct chunk chunk = {.columns = t->columns,
                              .column_count = t->count,
                              .first = first,
                              .rows = left < chunk_rows ? (uint32_t)left : chunk_rows,
                              .first_row = (uint64_t)first};
        audience_select(audience, scratch, &chunk, out + first / 64);
    }
    audience_scratch_destroy(&scratch);
}

static void check_expression(const struct table *t, struct naive *naive,
                             struct text expression)
{
    struct audience_env env = {.now_ns = naive->now_ns, .zone = naive->zone};
    struct audience *audience;
    struct error err = {0};
    cr_assert_eq(
        audience_compile(expression, t->columns, t->count, &env, &audience, &err), 0,
        "%.*s\n%s", TEXT_ARGS(expression), err.text);
    struct arena arena;
    cr_assert(arena_init(&arena, 16 << 20, NULL) == 0);
    struct source source = {.text = expression};
    struct node *root;
    size_t nodes = 0;
    cr_assert(parser_parse(&source, &arena, &nodes, &root, NULL) == 0);
    uint64_t whole[(ROWS + 63) / 64], pieces[(ROWS + 63) / 64];
    select_rows(audience, t, 4096, whole);
    select_rows(audience, t, 64 * (1 + (uint32_t)(expression.bytes % 5)), pieces);
    for (int64_t r = 0; r < t->rows; r++) {
        bool wanted = naive_selects(naive, root, t->columns, t->count, r);
        cr_assert_eq(bitmap_get(whole, (size_t)r), wanted, "row %d, wanted %d: %.*s",
                     (int)r, wanted, TEXT_ARGS(expression));
        cr_assert_eq(bitmap_get(pieces, (size_t)r), wanted, "row %d in pieces: %.*s",
                     (int)r, TEXT_ARGS(expression));
    }
    arena_fini(&arena);
    audience_destroy(&audience);
}

static void run_seed(uint64_t seed, int expressions, const char *zone_name)
{
    struct table t;
    table_random_customers(&t, ROWS - (int64_t)(seed % 70), seed);
    struct tzif *zone;
    cr_assert(tzif_open(text_of(zone_name), &zone, NULL) == 0);
    struct naive naive = {.zone = zone, .now_ns = now_ns()};
    cr_assert(arena_init(&naive.arena, 1 << 20, NULL) == 0);
    struct buffer expression = {0};
    for (int i = 0; i < expressions; i++) {
        expression_random(&t, &expression, false);
        check_expression(&t, &naive, buffer_view(&expression));
    }
    buffer_fini(&expression);
    arena_fini(&naive.arena);
    tzif_close(&zone);
    table_free(&t);
}

/* AUDIENCE_SEEDS=N tries N times as many. */
static int seeds(void)
{
    const char *wanted = getenv("AUDIENCE_SEEDS");
    return wanted ? atoi(wanted) : 1;
}

Test(audience_random, agrees_with_the_oracle)
{
    for (int i = 0; i < 6 * seeds(); i++)
        run_seed(1000 + (uint64_t)i, 60, i % 2 ? "Europe/Rome" : "UTC");
}
