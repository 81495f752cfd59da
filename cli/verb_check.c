/* verb_check: every problem of a job before anything is sent. */
#include "cli/verb.h"
#include "engine/config_check.h"
#include "engine/job/job.h"
#include "engine/jobs/plan.h"

#include <stdio.h>

static const struct option_spec options[] = {VERB_COMMON};

struct findings {
    json_t *problems, *warnings;
};

static void add(json_t *list, unsigned line, const char *sentence)
{
    json_array_append_new(
        list, json_pack("{s:i, s:s}", "line", (int)line, "message", sentence));
}

static void on_problem(void *arg, unsigned line, const char *sentence)
{
    add(((struct findings *)arg)->problems, line, sentence);
}

static void on_warning(void *arg, unsigned line, const char *sentence)
{
    add(((struct findings *)arg)->warnings, line, sentence);
}

static void print_list(const json_t *list, const char *kind)
{
    size_t index;
    json_t *one;
    json_array_foreach(list, index, one) fprintf(
        stderr, "%s: %s\n", kind, json_string_value(json_object_get(one, "message")));
}

/* check_finish: can the job be over in time? Only that needs the count of its messages. */
static int check_finish(struct store *store, const struct job *job,
                        struct findings *findings, struct error *err)
{
    struct plan plan;
    char line[FORECAST_WARNING_BYTES];
    int rc = plan_make(store, job, &plan, err);
    if (rc == 0 && forecast_warning(job, &plan.forecast, line))
        on_warning(findings, 0, line);
    return rc;
}

static int run(struct verb_context *context)
{
    struct findings findings = {json_array(), json_array()};
    struct config *config = NULL;
    struct store *store = NULL;
    struct job *job = NULL;
    struct error err;
    const char *path = context->options.arguments[0];
    int rc = verb_open(context, &config, &store, &err);
    if (rc == 0) {
        struct job_env env = {.home = context->home,
                              .config = config,
                              .store = store,
                              .warning_fn = on_warning,
                              .problem_fn = on_problem,
                              .arg = &findings};
        struct error first;
        (void)!config_check(config, on_problem, &findings, &first);
        if (!config->public_url_given)
            on_warning(
                &findings, 0,
                "public_url is not set: unsubscribe links point to https://localhost");
        rc = job_load(&env, path, NULL, &job, &err);
        if (rc == 0 && job->file.finish_by_ns)
            rc = check_finish(store, job, &findings, &err);
    }
    size_t problems = json_array_size(findings.problems);
    if (rc && problems == 0)
        add(findings.problems, 0, err.text);
    int status = rc         ? error_exit_status(err.kind)
                 : problems ? error_exit_status(ERROR_CONFIG)
                            : 0;
    print_list(findings.problems, "problem");
    print_list(findings.warnings, "warning");
    if (context->json)
        verb_print_json(json_pack("{s:b, s:O, s:O}", "ok", status == 0, "problems",
                                  findings.problems, "warnings", findings.warnings));
    else if (status == 0)
        printf("%s: ok\n", path);
    json_decref(findings.problems);
    json_decref(findings.warnings);
    job_close(&job);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return status;
}

const struct verb verb_check = {
    .name = "check",
    .arguments = "JOB",
    .summary = "validate a job, its template, audience and providers; send nothing",
    .example = "volley check job.json",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
