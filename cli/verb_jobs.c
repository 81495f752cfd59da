/* verb_jobs: all jobs, newest first. */
#include "base/clock.h"
#include "cli/verb.h"
#include "cli/why_waits.h"
#include "engine/jobs/daemon.h"
#include "engine/results/status.h"

#include <stdio.h>

static const struct option_spec options[] = {VERB_COMMON};

static const char *state_of(const char *home, const struct store_job *job)
{
    /* A job whose process is gone goes on with `resume`, or when `serve` starts. */
    return job->state == JOB_RUNNING && !status_running(home, job)
               ? "interrupted"
               : job_state_name(job->state);
}

static json_t *to_json(const char *home, const struct store_job *job, struct text reason)
{
    char created[CLOCK_FORMAT_BYTES];
    clock_format(job->created_ns, false, created);
    json_t *out = json_pack("{s:s, s:s, s:s}", "state", state_of(home, job), "created",
                            created, "priority", priority_name(job->priority));
    const struct {
        const char *key;
        struct text value;
    } texts[] = {{"job", job->id},
                 {"account", job->account},
                 {"category", job->category},
                 {"source", job->source},
                 {"template", job->template_name},
                 {"reason", reason}};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i].value.bytes > 0)
            json_object_set_new(out, texts[i].key,
                                json_stringn(texts[i].value.data, texts[i].value.bytes));
    }
    return out;
}

static int list(struct verb_context *context, struct store *store, struct arena *arena,
                struct error *err)
{
    struct store_job *jobs = NULL;
    size_t count = 0;
    int rc = store_jobs(store, arena, &jobs, &count, err);
    json_t *array = json_array();
    bool served = daemon_serves(context->home);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char created[CLOCK_FORMAT_BYTES], why[WHY_WAITS_BYTES];
        struct text reason = why_waits(context->home, store, &jobs[i], served, why);
        clock_format(jobs[i].created_ns, false, created);
        if (context->json)
            json_array_append_new(array, to_json(context->home, &jobs[i], reason));
        else
            printf("%-11s  %-6s  %s  %-20.*s  %.*s%s%.*s\n",
                   state_of(context->home, &jobs[i]), priority_name(jobs[i].priority),
                   created, TEXT_ARGS(jobs[i].account), TEXT_ARGS(jobs[i].id),
                   reason.bytes ? "  " : "", TEXT_ARGS(reason));
    }
    if (rc == 0 && context->json)
        verb_print_json(json_incref(array));
    json_decref(array);
    return rc;
}

static int run(struct verb_context *context)
{
    return verb_with_store(context, list);
}

const struct verb verb_jobs = {
    .name = "jobs",
    .arguments = "",
    .summary = "list all jobs, newest first",
    .example = "volley jobs\nvolley jobs --json",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
