/* verb_resume: go on with an interrupted or paused job. */
#include "cli/foreground.h"

static const struct option_spec options[] = {VERB_COMMON};

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    return start_resume(io, env, text_of(arg), run_out, err);
}

static int run(struct verb_context *context)
{
    const char *id = context->options.arguments[0];
    return foreground_run(context, "resume", text_of(id), start, (void *)(uintptr_t)id,
                          false);
}

const struct verb verb_resume = {
    .name = "resume",
    .arguments = "ID",
    .summary = "go on with an interrupted or paused job in the foreground",
    .example = "volley resume 2026-11-21-waiver",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
