/* verb_pause, verb_cancel: wishes to whoever runs a job. */
#include "cli/foreground.h"
#include "engine/results/status.h"

#include <stdio.h>
#include <time.h>

static const struct option_spec options[] = {VERB_COMMON};

/* How long to wait for the process that runs the job to do it. */
#define PATIENCE_MS 10000

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
              NULL);
}

static int look(struct store *store, struct text id, struct arena *arena,
                struct store_job *job, struct error *err)
{
    arena_reset(arena);
    int found = store_job_get(store, id, arena, job, err);
    if (found == 0)
        return error_set(err, ERROR_INPUT,
                         "job \"%.*s\" is not known (see `volley jobs`)", TEXT_ARGS(id));
    return found < 0 ? found : 0;
}

/* ask: record the wish and wait until the job has left the running state. Returns 1 when
 * nobody runs the job. */
static int ask(struct store *store, struct text id, enum job_control control,
               struct error *err)
{
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = look(store, id, &arena, &job, err);
    if (rc == 0 && (job.state == JOB_FINISHED || job.state == JOB_CANCELLED))
        rc = error_set(err, ERROR_INPUT, "job \"%.*s\" is already %s", TEXT_ARGS(id),
                       job_state_name(job.state));
    bool running = rc == 0 && status_running(&job);
    if (running)
        rc = store_job_control(store, id, control, err);
    for (int waited = 0; rc == 0 && running && waited < PATIENCE_MS; waited += 20) {
        sleep_ms(20);
        rc = look(store, id, &arena, &job, err);
        if (rc == 0 && job.state != JOB_RUNNING)
            break;
    }
    if (rc == 0 && running && job.state == JOB_RUNNING)
        rc = error_set(err, ERROR_AGAIN, "job \"%.*s\" has not reacted yet; it will",
                       TEXT_ARGS(id));
    arena_fini(&arena);
    return rc ? rc : !running;
}

static int tell(struct verb_context *context, const char *id, const char *state)
{
    if (context->json)
        verb_print_json(json_pack("{s:s, s:s}", "job", id, "state", state));
    else
        printf("job %s is %s\n", id, state);
    return 0;
}

static int run_pause_verb(struct verb_context *context)
{
    const char *id = context->options.arguments[0];
    struct store *store = NULL;
    struct error err;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = ask(store, text_of(id), JOB_CONTROL_PAUSE, &err);
    if (rc == 1) /* nobody runs it: it must not be taken up on its own either */
        rc = store_job_state(store, text_of(id), JOB_PAUSED, TEXT(""), &err);
    if (store)
        store_close(&store);
    return rc ? verb_fail(context, &err) : tell(context, id, "paused");
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
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = arena_init(&arena, (size_t)1 << 20, &err);
    if (rc == 0) {
        rc = look(store, text_of(id), &arena, &job, &err);
        if (rc == 0 && job.state == JOB_WAITING)
            rc = store_job_state(store, text_of(id), JOB_CANCELLED, TEXT(""), &err);
        arena_fini(&arena);
    }
    if (store)
        store_close(&store);
    if (rc)
        return verb_fail(context, &err);
    if (job.state == JOB_WAITING)
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
        rc = ask(store, text_of(id), JOB_CONTROL_CANCEL, &err);
    if (store)
        store_close(&store);
    if (rc == 1)
        return close_unrun(context, id);
    return rc ? verb_fail(context, &err) : tell(context, id, "cancelled");
}

const struct verb verb_pause = {
    .name = "pause",
    .arguments = "ID",
    .summary = "stop a running job at a safe point; `resume` goes on",
    .example = "volley pause 2026-11-21-waiver",
    .options = options,
    .arguments_min = 1,
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
