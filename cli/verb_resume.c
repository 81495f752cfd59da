/* verb_resume: go on with an interrupted or paused job. */
#include "cli/foreground.h"
#include "cli/wish.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"spool", NULL, "let `volley serve` go on with a job that came through the spool"},
    VERB_COMMON};

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    return start_resume(io, env, text_of(arg), run_out, err);
}

/* hand_back: to the daemon. Without one the wish waits in the store for the next. */
static int hand_back(struct verb_context *context, struct store *store, struct text id,
                     struct error *err)
{
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = wish_look(store, id, &arena, &job, err);
    if (rc == 0 && (job.state != JOB_PAUSED || job.spool_name.bytes == 0))
        rc = error_set(err, ERROR_INPUT,
                       "job \"%.*s\" is %s; only a paused one of the spool can be handed "
                       "to `volley serve`",
                       TEXT_ARGS(id), job_state_name(job.state));
    arena_fini(&arena);
    if (rc)
        return rc;
    rc = wish_ask(context->home, store, id, JOB_CONTROL_RESUME, err);
    return rc == 1 ? store_job_control(store, id, JOB_CONTROL_RESUME, err) : rc;
}

static int run_spool(struct verb_context *context, const char *id)
{
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = hand_back(context, store, text_of(id), &err);
    if (store)
        store_close(&store);
    if (rc)
        return verb_fail(context, &err);
    if (context->json)
        verb_print_json(json_pack("{s:s, s:s}", "job", id, "state", "waiting"));
    else
        printf("job %s goes on in `volley serve`\n", id);
    return 0;
}

static int run(struct verb_context *context)
{
    const char *id = context->options.arguments[0];
    if (options_flag(&context->options, "spool"))
        return run_spool(context, id);
    return foreground_run(context, "resume", text_of(id), start, (void *)(uintptr_t)id,
                          false);
}

const struct verb verb_resume = {
    .name = "resume",
    .arguments = "ID",
    .summary = "go on with an interrupted or paused job, here or in the daemon",
    .example = "volley resume 2026-11-21-waiver\nvolley resume 2026-11-21-waiver --spool",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
