/* verb_pause, verb_cancel: wishes to whoever runs a job. */
#include "cli/foreground.h"
#include "cli/wish.h"
#include "engine/job/frozen.h"
#include "engine/jobs/daemon.h"
#include "engine/jobs/halt.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec pause_options[] = {
    {"all", NULL, "without ID: every job, and those that come in until `volley resume`"},
    VERB_COMMON};
static const struct option_spec options[] = {VERB_COMMON};

/* tell: "paused" or "cancelled", or that it will be, once its books are closed. */
static int tell(struct verb_context *context, const char *id, const char *state)
{
    bool stopped = strcmp(state, "pausing") == 0 || strcmp(state, "cancelling") == 0;
    if (context->json)
        verb_print_json(json_pack("{s:s, s:s}", "job", id, "state", state));
    else
        printf("job %s is %s%s\n", id, state, stopped ? ": " RUN_STOPPED : "");
    return 0;
}

static int pause_one(struct verb_context *context)
{
    const char *id = context->options.arguments[0];
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = wish_ask(context->home, store, text_of(id), JOB_CONTROL_PAUSE, &err);
    if (rc == WISH_NOBODY) { /* it must not be taken up on its own either */
        rc = store_job_state(store, text_of(id), JOB_PAUSED, TEXT(""), &err);
        if (rc == 0)
            rc = store_job_control(store, text_of(id), JOB_CONTROL_NONE, &err);
    }
    if (store)
        store_close(&store);
    return rc < 0 ? verb_fail(context, &err)
                  : tell(context, id, rc == WISH_STOPPED ? "pausing" : "paused");
}

static int pause_all(struct verb_context *context)
{
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = halt_begin(context->home, store, daemon_serves(context->home), &err);
    if (store)
        store_close(&store);
    if (rc)
        return verb_fail(context, &err);
    if (context->json)
        verb_print_json(json_pack("{s:s}", "state", "paused"));
    else
        puts("every job is paused, and so is what comes in, until `volley resume --all`");
    return 0;
}

static int run_pause_verb(struct verb_context *context)
{
    bool all = options_flag(&context->options, "all");
    if (all != (context->options.argument_count == 0)) {
        struct error usage;
        error_set(&usage, ERROR_USAGE, "volley pause takes a job's ID, or --all");
        return verb_fail(context, &usage);
    }
    return all ? pause_all(context) : pause_one(context);
}

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    return start_resume(io, env, text_of(arg), run_out, err);
}

/* close_unrun: nobody runs the job: close its books here, or strike it off when it never
 * began. */
static int close_unrun(struct verb_context *context, const char *id)
{
    struct store *store = NULL;
    struct arena arena;
    struct store_job job = {0};
    struct error err;
    bool begun = false;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = arena_init(&arena, (size_t)1 << 20, &err);
    if (rc == 0) {
        rc = wish_look(store, text_of(id), &arena, &job, &err);
        begun = frozen_exists(context->home, text_of(id));
        if (rc == 0 && !begun)
            rc = store_job_state(store, text_of(id), JOB_CANCELLED, TEXT(""), &err);
        arena_fini(&arena);
    }
    if (store)
        store_close(&store);
    if (rc)
        return verb_fail(context, &err);
    if (!begun)
        return tell(context, id, "cancelled");
    return foreground_run(context, "cancel", text_of(id), start, (void *)(uintptr_t)id,
                          true);
}

static int run_cancel_verb(struct verb_context *context)
{
    const char *id = context->options.arguments[0];
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = wish_ask(context->home, store, text_of(id), JOB_CONTROL_CANCEL, &err);
    if (store)
        store_close(&store);
    if (rc == WISH_NOBODY)
        return close_unrun(context, id);
    return rc < 0 ? verb_fail(context, &err)
                  : tell(context, id, rc == WISH_STOPPED ? "cancelling" : "cancelled");
}

const struct verb verb_pause = {
    .name = "pause",
    .arguments = "ID | --all",
    .summary = "stop a job at a safe point, or keep one that waits; `resume` goes on",
    .example = "volley pause 2026-11-21-waiver\nvolley pause --all",
    .options = pause_options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run_pause_verb,
};

const struct verb verb_cancel = {
    .name = "cancel",
    .arguments = "ID",
    .summary = "send nothing more of a job and close its books",
    .example = "volley cancel 2026-11-21-waiver",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_cancel_verb,
};
