/* foreground: see foreground.h. */
#include "cli/foreground.h"

#include "cli/books_table.h"
#include "cli/progress.h"
#include "base/file.h"
#include "engine/results/status.h"
#include "engine/process/process.h"
#include "ingest/spool.h"

#include <stdio.h>
#include <stdlib.h>

/* tell_expired: what did not go out, because it was too late for it. */
static void tell_expired(json_int_t expired)
{
    if (expired > 0)
        fprintf(stderr,
                "%" JSON_INTEGER_FORMAT
                " messages were not sent: the job's expires_at came "
                "before they could go out\n",
                expired);
}

static int print_books(struct verb_context *context, struct store *store, struct text id)
{
    struct error err;
    json_t *report;
    if (status_read(context->home, store, id, &report, &err))
        return verb_fail(context, &err);
    const char *name;
    json_t *channel;
    json_int_t expired = 0;
    bool some_failed = false;
    json_object_foreach(json_object_get(report, "channels"), name, channel)
    {
        some_failed |= json_integer_value(json_object_get(channel, "failed")) > 0 ||
                       json_integer_value(json_object_get(channel, "unknown")) > 0;
        expired += json_integer_value(json_object_get(channel, "expired"));
    }
    if (context->json) {
        verb_print_json(report);
    } else {
        books_table_report(report);
        json_decref(report);
    }
    tell_expired(expired);
    return some_failed || expired > 0 ? 1 : 0;
}

/* tidy_spool: a job that came through the spool and was paused there is over now. */
static void tidy_spool(struct verb_context *context, struct store *store, struct text id)
{
    struct arena arena;
    struct store_job job;
    struct spool *spool = NULL;
    if (arena_init(&arena, (size_t)1 << 20, NULL))
        return;
    bool spooled =
        store_job_get(store, id, &arena, &job, NULL) == 1 && name_is_safe(job.spool_name);
    if (spooled && spool_open(context->home, &spool, NULL) == 0) {
        char *name = text_copy(job.spool_name);
        (void)!spool_move(spool, name, SPOOL_HOLD, SPOOL_DONE, NULL);
        free(name);
        spool_close(&spool);
    }
    arena_fini(&arena);
}

static int drive(struct verb_context *context, struct process *process,
                 struct store *store, struct run *run, bool cancel)
{
    struct progress progress;
    struct error err;
    char id[160];
    char held[256] = "";
    enum run_state state;
    snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(run_job(run)->file.id));
    progress_init(&progress, context->terminal);
    if (cancel)
        run_cancel(run);
    while ((state = run_poll(run, 100)) == RUN_GOING) {
        if (verb_stop)
            run_pause(run);
        progress_draw(&progress, run);
        process_tick(process, &run, 1);
    }
    progress_end(&progress, run);
    if (run_held(run) || run_blocked(run))
        snprintf(held, sizeof(held), "%s; ",
                 run_held(run) ? run_held(run) : run_blocked(run));
    if (run_end(&run, &err))
        return verb_fail(context, &err);
    if (state != RUN_PAUSED)
        tidy_spool(context, store, text_of(id));
    int status = print_books(context, store, text_of(id));
    if (state == RUN_PAUSED) {
        fprintf(stderr, "%s`volley resume %s` goes on\n", held[0] ? held : "paused; ",
                id);
        return error_exit_status(ERROR_AGAIN);
    }
    return status;
}

static int answer(struct verb_context *context, struct process *process,
                  struct store *store, struct text id, int answer, struct run *run,
                  bool cancel, const struct error *err)
{
    switch (answer) {
    case START_RUNNING:
        return drive(context, process, store, run, cancel);
    case START_DONE:
        fprintf(stderr, "job %.*s is done (already sent); nothing was sent\n",
                TEXT_ARGS(id));
        print_books(context, store, id);
        return 0;
    case START_PAUSED:
        fprintf(stderr, "job %.*s is paused; `volley resume %.*s` goes on\n",
                TEXT_ARGS(id), TEXT_ARGS(id));
        return error_exit_status(ERROR_AGAIN);
    case START_WAITING:
        fprintf(stderr,
                "job %.*s is not due yet; leave it to `volley serve` (`volley submit`) "
                "or send it "
                "again at its send_at\n",
                TEXT_ARGS(id));
        return error_exit_status(ERROR_AGAIN);
    default:
        return verb_fail(context, err);
    }
}

int foreground_run(struct verb_context *context, const char *verb, struct text id,
                   int (*start_fn)(void *arg, struct io_thread *io,
                                   const struct job_env *env, struct run **run_out,
                                   struct error *err),
                   void *arg, bool cancel)
{
    struct process *process = NULL;
    struct store *store = NULL;
    struct io_thread *io = NULL;
    struct run *run = NULL;
    struct error err = {0};
    int status;
    verb_catch_signals();
    int rc = process_open(context->home, verb, &process, &err);
    if (rc == 0)
        rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = io_thread_start(process_config(process), &io, &err);
    if (rc) {
        status = verb_fail(context, &err);
    } else {
        struct job_env env = {.home = context->home,
                              .config = process_config(process),
                              .store = store,
                              .closing = cancel,
                              .stop = &verb_stop,
                              .warning_fn = verb_warning};
        process_attach(process, io);
        rc = start_fn(arg, io, &env, &run, &err);
        status = answer(context, process, store, id, rc, run, cancel, &err);
    }
    if (process)
        process_attach(process, NULL);
    io_thread_stop(&io);
    if (store)
        store_close(&store);
    process_close(&process);
    return status;
}
