/* verb_resume: go on with an interrupted or paused job, or with all of them. */
#include "cli/foreground.h"
#include "engine/jobs/recover.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"all", NULL, "without ID: also the jobs that were paused or held"}, VERB_COMMON};

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    return start_resume(io, env, text_of(arg), run_out, err);
}

static int resume(struct verb_context *context, const char *id)
{
    return foreground_run(context, "resume", text_of(id), start, (void *)(uintptr_t)id,
                          false);
}

static int find(struct verb_context *context, struct recover_jobs *out)
{
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    *out = (struct recover_jobs){0};
    if (rc == 0)
        rc = recover_find(context->home, store, out, &err);
    if (store)
        store_close(&store);
    return rc ? verb_fail(context, &err) : 0;
}

/* resume_all: one after the other. What a person has paused goes on only when that is said. The worst
 * exit status counts. */
static int resume_all(struct verb_context *context)
{
    struct recover_jobs jobs;
    bool paused = options_flag(&context->options, "all");
    int worst = find(context, &jobs);
    size_t resumed = 0;
    for (size_t i = 0; i < jobs.count && !verb_stop; i++) {
        if (jobs.list[i].paused && !paused) {
            fprintf(stderr, "job %s is paused; `volley resume %s` goes on\n",
                    jobs.list[i].id, jobs.list[i].id);
            continue;
        }
        resumed++;
        int status = resume(context, jobs.list[i].id);
        worst = status > worst ? status : worst;
    }
    if (resumed == 0 && worst == 0)
        fprintf(stderr, "no job was interrupted\n");
    recover_fini(&jobs);
    return worst;
}

static int run(struct verb_context *context)
{
    bool one = context->options.argument_count == 1;
    return one ? resume(context, context->options.arguments[0]) : resume_all(context);
}

const struct verb verb_resume = {
    .name = "resume",
    .arguments = "[ID]",
    .summary = "go on with an interrupted or paused job in the foreground; without ID "
               "with every "
               "interrupted one",
    .example = "volley resume 2026-11-21-waiver\nvolley resume",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
