/* verb_check: every problem of a job before anything is sent. */
#include "base/near.h"
#include "cli/verb.h"
#include "engine/jobs/job.h"
#include "outbox/dispatch/provider.h"

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

static void check_columns(const struct config *config, struct findings *findings)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        struct near near = {.wanted = text_of(config->aliases[i].known)};
        bool known = false;
        char line[300], hint[120];
        for (int role = 0; role < SNAPSHOT_ROLE_COUNT; role++) {
            struct text name = text_of(snapshot_role_name((enum snapshot_role)role));
            known |= text_equal(name, near.wanted);
            near_offer(&near, name);
        }
        snprintf(line, sizeof(line),
                 "volley.yaml: columns.%s: volley knows no such column%s",
                 config->aliases[i].known, near_hint(&near, hint, sizeof(hint)));
        if (!known)
            add(findings->problems, 0, line);
    }
}

static void check_providers(const struct config *config, struct findings *findings)
{
    struct error err;
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct provider_config *provider = &config->providers[i];
        const struct provider_type *type = provider_type_find(text_of(provider->type));
        char line[300];
        if (!type) {
            snprintf(line, sizeof(line), "volley.yaml: providers.%s: unknown type \"%s\"",
                     provider->name, provider->type);
            add(findings->problems, 0, line);
        } else if (type->check(provider, &err)) {
            add(findings->problems, 0, err.text);
        }
    }
    if (!config->public_url_given)
        add(findings->warnings, 0,
            "public_url is not set: unsubscribe links point to https://localhost");
}

static void print_list(const json_t *list, const char *kind)
{
    size_t index;
    json_t *one;
    json_array_foreach(list, index, one) fprintf(
        stderr, "%s: %s\n", kind, json_string_value(json_object_get(one, "message")));
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
        check_columns(config, &findings);
        check_providers(config, &findings);
        rc = job_load(&env, path, NULL, &job, &err);
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
