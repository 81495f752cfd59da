/* verb_audience: evaluate a filter, or keep one under a name. */
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/verb.h"
#include "engine/jobs/evaluate.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {
    {"where", "EXPR", "the filter: the WHERE clause of SQL over the snapshot"},
    {"param", "NAME=VALUE", "the value of :NAME; may be repeated"},
    {"count", NULL, "print how many match (default)"},
    {"ids", NULL, "print the ids of those that match, in snapshot order"},
    {"workers", "N", "threads (default: the number of processors)"},
    VERB_COMMON};

/* --- saved ones --- */

static int list(struct verb_context *context, struct store *store, struct arena *arena,
                struct error *err)
{
    struct store_audience *audiences;
    size_t count;
    int rc = store_audiences(store, arena, &audiences, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct store_audience *a = &audiences[i];
        if (context->json)
            verb_print_json(json_pack("{s:s%, s:s%}", "name", a->name.data, a->name.bytes,
                                      "where", a->expression.data, a->expression.bytes));
        else
            printf("%-24.*s  %.*s\n", TEXT_ARGS(a->name), TEXT_ARGS(a->expression));
    }
    return rc;
}

static int show(struct verb_context *context, struct store *store, struct arena *arena,
                struct text name, struct error *err)
{
    struct text expression;
    int found = store_audience_get(store, name, arena, &expression, err);
    if (found == 0)
        return error_set(err, ERROR_INPUT, "audience \"%.*s\" is not saved",
                         TEXT_ARGS(name));
    if (found < 0)
        return found;
    if (context->json)
        verb_print_json(json_pack("{s:s%, s:s%}", "name", name.data, name.bytes, "where",
                                  expression.data, expression.bytes));
    else
        printf("%.*s\n", TEXT_ARGS(expression));
    return 0;
}

static int manage(struct verb_context *context, struct store *store, struct arena *arena,
                  struct error *err)
{
    const struct options *given = &context->options;
    const char *action = given->arguments[0], *where = options_value(given, "where");
    if (strcmp(action, "list") == 0)
        return list(context, store, arena, err);
    if (given->argument_count < 2)
        return error_set(err, ERROR_USAGE, "audience %s needs a name", action);
    struct text name = text_of(given->arguments[1]);
    if (strcmp(action, "show") == 0)
        return show(context, store, arena, name, err);
    if (strcmp(action, "save") == 0) {
        if (!where)
            return error_set(err, ERROR_USAGE, "audience save needs --where EXPR");
        if (!name_is_safe(name))
            return error_set(err, ERROR_USAGE,
                             "\"%.*s\" is no name: letters, digits, . _ and - are",
                             TEXT_ARGS(name));
        return store_audience_save(store, name, text_of(where), err);
    }
    int removed = store_audience_remove(store, name, err);
    if (removed == 0)
        return error_set(err, ERROR_INPUT, "audience \"%.*s\" is not saved",
                         TEXT_ARGS(name));
    return removed < 0 ? removed : 0;
}

/* --- evaluate --- */

static int parse_params(const struct options *given, struct audience_param *params,
                        size_t *count_out, struct error *err)
{
    size_t at = 0;
    *count_out = 0;
    for (const char *pair; (pair = options_next(given, "param", &at));) {
        const char *equals = strchr(pair, '=');
        if (!equals || equals == pair)
            return error_set(err, ERROR_USAGE, "--param %s: write NAME=VALUE", pair);
        /* Text adapts to what it is compared with, so every parameter may be one. */
        params[(*count_out)++] =
            (struct audience_param){.name = {pair, (size_t)(equals - pair)},
                                    .value = text_of(equals + 1),
                                    .kind = AUDIENCE_TEXT};
    }
    return 0;
}

static void print_id(void *arg, struct text id)
{
    (void)arg;
    fwrite(id.data, 1, id.bytes, stdout);
    putchar('\n');
}

static int run_evaluate(struct verb_context *context)
{
    const struct options *given = &context->options;
    struct audience_param params[OPTIONS_VALUES_MAX];
    struct evaluate what = {.path = given->arguments[0],
                            .home = context->home,
                            .where = text_of(options_value(given, "where")),
                            .params = params,
                            .workers = 0,
                            .id_fn = options_flag(given, "ids") ? print_id : NULL};
    struct error err;
    uint64_t count = 0, rows = 0;
    const char *workers = options_value(given, "workers");
    int rc = parse_params(given, params, &what.param_count, &err);
    if (rc == 0 && workers) {
        uint64_t n = 0;
        if (units_count(text_of(workers), &n) || n < 1 || n > 256)
            rc = error_set(&err, ERROR_USAGE, "--workers %s: write 1 to 256", workers);
        what.workers = (unsigned)n;
    }
    int64_t start_ns = clock_steady_ns();
    if (rc == 0)
        rc = evaluate(&what, &count, &rows, &err);
    double elapsed_s = (double)(clock_steady_ns() - start_ns) / (double)NS_PER_S;
    if (rc)
        return verb_fail(context, &err);
    if (what.id_fn)
        return 0;
    if (context->json)
        verb_print_json(json_pack("{s:I, s:I, s:f}", "count", (json_int_t)count, "rows",
                                  (json_int_t)rows, "elapsed_s", elapsed_s));
    else
        printf("%" PRIu64 "\n", count);
    return 0;
}

static int run(struct verb_context *context)
{
    static const char *const actions[] = {"save", "list", "show", "remove"};
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        if (strcmp(context->options.arguments[0], actions[i]) == 0)
            return verb_with_store(context, manage);
    }
    return run_evaluate(context);
}

const struct verb verb_audience = {
    .name = "audience",
    .arguments =
        "FILE --where EXPR [--count|--ids] | save NAME --where EXPR | list | show NAME | "
        "remove NAME",
    .summary = "evaluate a filter over a snapshot, or keep it under a name",
    .example =
        "volley audience snapshots/studio.arrow --where \"'vip' = ANY(tags)\" --count\n"
        "volley audience save regulars --where \"(SELECT count(*) FROM visits) >= 5\"",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
