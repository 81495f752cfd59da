/* verb_show: how one job stands. */
#include "cli/books_table.h"
#include "cli/verb.h"
#include "engine/results/status.h"

static const struct option_spec options[] = {VERB_COMMON};

static int run(struct verb_context *context)
{
    struct store *store = NULL;
    json_t *report;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = status_read(context->home, store, text_of(context->options.arguments[0]),
                         &report, &err);
    if (rc == 0 && context->json) {
        verb_print_json(report);
    } else if (rc == 0) {
        books_table_report(report);
        json_decref(report);
    }
    if (store)
        store_close(&store);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_show = {
    .name = "show",
    .arguments = "ID",
    .summary = "the books of a job, running or ended",
    .example = "volley show 2026-11-21-waiver\nvolley show 2026-11-21-waiver --json",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
