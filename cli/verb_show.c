/* verb_show: how one job stands. */
#include "cli/books_table.h"
#include "cli/verb.h"
#include "cli/why_waits.h"
#include "engine/job/frozen.h"
#include "engine/jobs/daemon.h"
#include "engine/results/report.h"
#include "engine/results/status.h"

#include <stdio.h>
#include <sys/stat.h>

static const struct option_spec options[] = {
    {"html", NULL, "print where the report is that can be looked at and forwarded"},
    VERB_COMMON};

/* print_page: where report.html is; it is made here when the run of an ended job left none. */
static int print_page(const struct verb_context *context, const json_t *report,
                      struct error *err)
{
    struct text id = text_of(context->options.arguments[0]);
    const char *state = json_string_value(json_object_get(report, "state"));
    bool ended = strcmp(state, "finished") == 0 || strcmp(state, "cancelled") == 0;
    char dir[PATH_BYTES], path[PATH_BYTES] = "";
    struct stat page;
    int rc = frozen_dir(context->home, id, dir, err);
    if (rc == 0)
        rc = path_join(path, dir, TEXT("report.html"), err);
    bool there = rc == 0 && stat(path, &page) == 0 && page.st_size > 0;
    if (rc == 0 && ended && !there)
        rc = report_page(dir, report, path, err);
    else if (rc == 0 && (!there || json_object_get(report, "running")))
        rc = error_set(err, ERROR_INPUT,
                       "job \"%.*s\" is %s: its report.html is written when it ends "
                       "(`volley show %.*s` says how it stands)",
                       TEXT_ARGS(id), state, TEXT_ARGS(id));
    if (rc == 0)
        puts(path);
    return rc;
}

/* add_reason: why the job does not go on. */
static int add_reason(const struct verb_context *context, struct store *store,
                      json_t *report, struct error *err)
{
    struct arena arena;
    struct store_job job;
    char why[WHY_WAITS_BYTES];
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = store_job_get(store, text_of(context->options.arguments[0]), &arena, &job, err);
    if (rc == 1) {
        struct text reason =
            why_waits(context->home, store, &job, daemon_serves(context->home), why);
        if (reason.bytes > 0)
            json_object_set_new(report, "reason",
                                json_stringn(reason.data, reason.bytes));
    }
    arena_fini(&arena);
    return rc < 0 ? rc : 0;
}

static int run(struct verb_context *context)
{
    struct store *store = NULL;
    json_t *report;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = status_read(context->home, store, text_of(context->options.arguments[0]),
                         &report, &err);
    if (rc == 0 && (rc = add_reason(context, store, report, &err)))
        json_decref(report);
    if (rc == 0 && options_flag(&context->options, "html")) {
        rc = print_page(context, report, &err);
        json_decref(report);
    } else if (rc == 0 && context->json) {
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
    .example = "volley show 2026-11-21-waiver\nvolley show 2026-11-21-waiver --json\n"
               "xdg-open $(volley show 2026-11-21-waiver --html)",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
