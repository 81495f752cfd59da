/* verb_submit: a job file into the spool. */
#include "base/file.h"
#include "cli/submission.h"
#include "ingest/job_file.h"

static const struct option_spec options[] = {VERB_COMMON};

static int submit(struct verb_context *context, struct error *err)
{
    const char *path = context->options.arguments[0];
    struct buffer content = {0};
    struct job_file file;
    int rc = file_read(path, (size_t)64 << 20, &content, err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&content), path, verb_problem, NULL, &file, err);
    if (rc == 0) {
        rc = submission_make(context, file.id, buffer_view(&content), err);
        job_file_fini(&file);
    }
    buffer_fini(&content);
    return rc;
}

static int run(struct verb_context *context)
{
    struct error err;
    return submit(context, &err) ? verb_fail(context, &err) : 0;
}

const struct verb verb_submit = {
    .name = "submit",
    .arguments = "JOB",
    .summary = "hand a job file to the daemon through the spool",
    .example = "volley submit job.json",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
