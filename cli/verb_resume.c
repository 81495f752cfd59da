/* verb_resume: go on with an interrupted or paused job, or with all of them. */
#include "cli/foreground.h"
#include "cli/wish.h"
#include "engine/jobs/daemon.h"
#include "engine/jobs/halt.h"
#include "engine/jobs/recover.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {
    {"all", NULL,
     "without ID: also the jobs that were paused or held, in `volley serve` where one "
     "runs"},
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
    return rc == WISH_NOBODY ? store_job_control(store, id, JOB_CONTROL_RESUME, err) : rc;
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

/* end_halt: what a daemon can go on with is left to it: where one serves all of them, else those that
 * have not begun, to the next. Returns whether it is done with that, and the exit status. */
static bool end_halt(struct verb_context *context, int *status)
{
    struct store *store = NULL;
    struct error err;
    bool served = daemon_serves(context->home);
    int64_t count = 0;
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        count = halt_end(context->home, store, served, &err);
    if (store)
        store_close(&store);
    *status = rc || count < 0 ? verb_fail(context, &err) : 0;
    if (*status == 0 && served && context->json)
        verb_print_json(json_pack("{s:I}", "resumed", (json_int_t)count));
    else if (*status == 0 && served)
        printf("%" PRId64 " paused jobs go on in `volley serve`\n", count);
    return *status || served;
}

static int run(struct verb_context *context)
{
    int status;
    bool all = options_flag(&context->options, "all");
    if (context->options.argument_count == 0)
        return all && end_halt(context, &status) ? status : resume_all(context);
    const char *id = context->options.arguments[0];
    return options_flag(&context->options, "spool") ? run_spool(context, id)
                                                    : resume(context, id);
}

const struct verb verb_resume = {
    .name = "resume",
    .arguments = "[ID]",
    .summary =
        "go on with an interrupted or paused job, here or in the daemon; without ID with "
        "every interrupted one",
    .example = "volley resume\nvolley resume 2026-11-21-waiver\n"
               "volley resume 2026-11-21-waiver --spool\nvolley resume --all",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
