/* verb_send: a job in the foreground. */
#include "base/file.h"
#include "cli/foreground.h"

#include "ingest/job_file.h"

static const struct option_spec options[] = {VERB_COMMON};

struct sending {
    const char *path;
    struct buffer content;
};

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    struct sending *sending = arg;
    return start_content(io, env, buffer_view(&sending->content), sending->path, NULL,
                         NULL, run_out, err);
}

static int run(struct verb_context *context)
{
    struct sending sending = {.path = context->options.arguments[0]};
    struct job_file file;
    struct error err;
    int rc = file_read(sending.path, (size_t)64 << 20, &sending.content, &err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&sending.content), sending.path, NULL, NULL,
                            &file, &err);
    int status;
    if (rc) {
        status = verb_fail(context, &err);
    } else {
        status = foreground_run(context, "send", file.id, start, &sending, false);
        job_file_fini(&file);
    }
    buffer_fini(&sending.content);
    return status;
}

const struct verb verb_send = {
    .name = "send",
    .arguments = "JOB",
    .summary =
        "send a job in the foreground; sent again after an interruption it goes on",
    .example = "volley send job.json\nvolley send job.json --json > books.json",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
