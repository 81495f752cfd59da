/* verb_resend: what a job did not send, once more. */
#include "base/near.h"
#include "cli/foreground.h"
#include "cli/submission.h"
#include "engine/job/frozen.h"
#include "engine/job/resend.h"
#include "engine/jobs/retention.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {
    {"only", "WHAT",
     "failed: surely not sent; unknown: perhaps sent; unsent: cancelled or expired; "
     "quota: "
     "got nothing, because the SMS allowance was used up"},
    {"new-text", NULL, "with the template as it is now, e.g. after a correction"},
    {"submit", NULL, "hand it to the daemon through the spool"},
    VERB_COMMON};

struct resending {
    struct text id; /* of the new job */
    struct buffer content;
};

static int start(void *arg, struct io_thread *io, const struct job_env *env,
                 struct run **run_out, struct error *err)
{
    struct resending *r = arg;
    return start_content(io, env, buffer_view(&r->content), "resend", NULL, NULL, run_out,
                         err);
}

static int read_only(const struct verb_context *context, struct error *err)
{
    const char *given = options_value(&context->options, "only");
    int only = given ? resend_only_parse(text_of(given)) : -1;
    if (only >= 0)
        return only;
    struct near near = {.wanted = text_of(given ? given : "")};
    char hint[64] = "";
    for (int i = RESEND_FAILED; i < RESEND_ONLY_COUNT; i++)
        near_offer(&near, text_of(resend_only_name((enum resend_only)i)));
    return error_set(err, ERROR_USAGE,
                     "resend: --only takes failed, unknown, unsent or quota%s",
                     given ? near_hint(&near, hint, sizeof(hint)) : "");
}

/* prepare: the job file. Returns how many messages it is about, or negative. */
static int64_t prepare(struct verb_context *context, int only, struct resending *r,
                       struct error *err)
{
    struct text id = text_of(context->options.arguments[0]);
    char dir[PATH_BYTES];
    int rc = frozen_dir(context->home, id, dir, err);
    if (rc == 0 &&
        (!frozen_exists(context->home, id) || retention_pruned(context->home, id)))
        rc = error_set(err, ERROR_INPUT,
                       "job \"%.*s\" was never started, or is pruned (see "
                       "`volley jobs`)",
                       TEXT_ARGS(id));
    return rc ? rc
              : resend_job(dir, id, (enum resend_only)only,
                           options_flag(&context->options, "new-text"), &r->content, err);
}

static int run(struct verb_context *context)
{
    struct error err;
    struct resending r = {0};
    char id[PATH_BYTES];
    int only = read_only(context, &err);
    int64_t count = only < 0 ? only : prepare(context, only, &r, &err);
    int status = 0;
    if (count < 0) {
        status = verb_fail(context, &err);
    } else if (count == 0) {
        static const char *const nothing[] = {
            [RESEND_FAILED] = "none of its messages is failed",
            [RESEND_UNKNOWN] = "none of its messages is unknown",
            [RESEND_UNSENT] = "none of its messages is cancelled or expired",
            [RESEND_QUOTA] = "nobody got nothing because the SMS allowance was used up"};
        fprintf(stderr, "%s: %s; nothing to resend\n", context->options.arguments[0],
                nothing[only]);
    } else {
        snprintf(id, sizeof(id), "%s.resend-%s", context->options.arguments[0],
                 resend_only_name((enum resend_only)only));
        r.id = text_of(id);
        fprintf(stderr, "%s: %" PRId64 " messages%s, %s %s%s\n", id, count,
                only == RESEND_QUOTA ? "" : " once more",
                options_flag(&context->options, "new-text") ? "with the new text, of"
                                                            : "as they were in",
                context->options.arguments[0],
                only == RESEND_UNKNOWN ? "; who has got one may get a second where the "
                                         "provider cannot tell"
                                       : "");
        if (options_flag(&context->options, "submit"))
            status = submission_make(context, r.id, buffer_view(&r.content), &err)
                         ? verb_fail(context, &err)
                         : 0;
        else
            status = foreground_run(context, "resend", r.id, start, &r, false);
    }
    buffer_fini(&r.content);
    return status;
}

const struct verb verb_resend = {
    .name = "resend",
    .arguments = "ID",
    .summary = "send what a job that is over did not (failed, unknown, unsent or "
               "quota), with the same texts",
    .example = "volley resend 2026-11-21-waiver --only failed\n"
               "volley resend 2026-11-21-waiver --only unsent --submit",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
