/* verb_serve: the daemon. */
#include "base/log.h"
#include "cli/verb.h"
#include "engine/jobs/daemon.h"

#include <stdio.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"paused", NULL,
     "send nothing until `volley resume ID --spool` or `volley resume --all`"},
    VERB_COMMON};

static void ready(void *arg)
{
    const struct verb_context *context = arg;
    log_info("cli", "serving", "home=%s pid=%ld", context->home, (long)getpid());
}

static int run(struct verb_context *context)
{
    struct process *process = NULL;
    struct error err;
    log_set_level(LOG_INFO);
    verb_catch_signals();
    int rc = process_open(context->home, "serve", &process, &err);
    if (rc == 0)
        rc = daemon_run(context->home, process, options_flag(&context->options, "paused"),
                        ready, context, &verb_stop, &err);
    process_close(&process);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "the daemon: sends the jobs that are dropped into the spool",
    .example = "volley serve --home /srv/studio\nvolley serve --paused",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
