/* verb_reload: volley.yaml, read again by everything that sends. */
#include "base/clock.h"
#include "cli/verb.h"
#include "engine/config_check.h"
#include "engine/process/process.h"

#include <stdio.h>

/* A process looks ten times a second, but for a moment when it opens or ends a job. */
#define WAIT_NS (30 * NS_PER_S)

static const struct option_spec options[] = {VERB_COMMON};

static const char *string_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_change(const char *who, const json_t *change)
{
    const char *was = string_of(change, "was"), *is = string_of(change, "is");
    printf("%s: %s %s%s%s%s\n", who, string_of(change, "key"), *was ? was : "(not there)",
           " → ", *is ? is : "(gone)",
           strcmp(string_of(change, "when"), "now") == 0 ? ""
                                                         : " (for jobs that start now)");
}

/* print_answer: false when it did not take the new configuration. */
static bool print_answer(const json_t *answer)
{
    char who[64];
    const json_t *changes = json_object_get(answer, "changes");
    size_t index;
    json_t *change;
    snprintf(who, sizeof(who), "%s (pid %lld)", string_of(answer, "verb"),
             (long long)json_integer_value(json_object_get(answer, "pid")));
    if (!json_is_true(json_object_get(answer, "ok"))) {
        fprintf(stderr, "volley: %s goes on as before: %s\n", who,
                string_of(answer, "reason"));
        return false;
    }
    json_array_foreach(changes, index, change) print_change(who, change);
    if (json_array_size(changes) == 0)
        printf("%s: nothing changed\n", who);
    return true;
}

/* check: what `check` would say of volley.yaml. */
static int check(struct verb_context *context, struct error *err)
{
    struct config *config = NULL;
    bool printed = false;
    int rc = verb_open(context, &config, NULL, err);
    if (rc == 0)
        rc = config_check(config, verb_problem, &printed, err);
    config_destroy(&config);
    return rc;
}

static int run(struct verb_context *context)
{
    struct error err;
    json_t *answers = NULL;
    int rc = check(context, &err);
    if (rc == 0)
        rc = process_reload(context->home, WAIT_NS, &answers, &err);
    if (rc)
        return verb_fail(context, &err);
    size_t index;
    json_t *answer;
    bool all = true;
    json_array_foreach(answers, index, answer)
    {
        if (context->json)
            all &= json_is_true(json_object_get(answer, "ok"));
        else
            all &= print_answer(answer);
    }
    if (context->json)
        verb_print_json(json_pack("{s:b, s:O}", "ok", all, "processes", answers));
    else if (json_array_size(answers) == 0)
        printf("volley.yaml is fine; nothing is running that would have to read it\n");
    json_decref(answers);
    return all ? 0 : error_exit_status(ERROR_CONFIG);
}

const struct verb verb_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "let everything that sends go on with the limits of a changed volley.yaml",
    .example = "volley reload\nvolley reload --home /srv/studio --json",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
