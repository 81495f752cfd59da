/* job: see job.h. Opening goes on after a problem where it can, so that `check` shows
 * them all. */
#include "engine/job/job.h"

#include "base/file.h"
#include "engine/job/job_private.h"

#include <stdlib.h>

#define JOB_ARENA_BYTES ((size_t)64 << 20)

void job_problem(struct job_open *o, unsigned line, const char *format, ...)
{
    struct error problem;
    va_list args;
    va_start(args, format);
    error_set_v(&problem, ERROR_INPUT, format, args);
    va_end(args);
    if (o->env->problem_fn)
        o->env->problem_fn(o->env->arg, line, problem.text);
    if (o->rc == 0) {
        o->rc = -(int)problem.kind;
        if (o->err)
            *o->err = problem;
    }
}

void job_warning(struct job_open *o, const char *format, ...)
{
    if (!o->env->warning_fn)
        return;
    struct error warning;
    va_list args;
    va_start(args, format);
    error_set_v(&warning, ERROR_INPUT, format, args);
    va_end(args);
    o->env->warning_fn(o->env->arg, 0, warning.text);
}

void job_adopt(struct job_open *o, const struct error *err, unsigned line)
{
    if (err->kind == ERROR_INPUT) {
        job_problem(o, line, "%s", err->text);
    } else if (o->rc == 0) {
        o->rc = -(int)err->kind;
        if (o->err)
            *o->err = *err;
    }
}

static void open_account(struct job_open *o)
{
    struct job *job = o->job;
    struct error err;
    int found =
        account_get(o->env->store, job->file.account, &job->arena, &job->account, &err);
    if (found < 0) {
        job_adopt(o, &err, 0);
    } else if (found == 0) {
        job_problem(
            o, 0, "account \"%.*s\" is not known (add it with `volley account put FILE`)",
            TEXT_ARGS(job->file.account));
    } else {
        o->has_account = true;
        if (tzif_open(job->account.timezone, &job->zone, &err))
            job_adopt(o, &err, 0);
        if (job->account.blocked && !o->env->closing) {
            char sentence[ACCOUNT_BLOCKED_BYTES];
            account_blocked_sentence(&job->account, sentence);
            job_problem(o, 0, "%s", sentence);
        }
    }
}

static void check_routes(struct job_open *o)
{
    const struct job *job = o->job;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (job_uses(job, (enum channel)c) && job->config->route_counts[c] == 0)
            job_problem(
                o, 0,
                "channel %s has no route (name a provider under routes: in volley.yaml)",
                channel_name((enum channel)c));
    }
}

/* open_hours: the job's and, of marketing, everybody's, all kept on the customers' clocks. */
static void open_hours(struct job_open *o)
{
    struct job *job = o->job;
    bool marketing = job->file.category == CATEGORY_MARKETING;
    const struct hours_rule none = {0};
    const struct hours_rule *rules[] = {
        &job->file.quiet_hours, &job->file.delivery_window,
        marketing ? &job->config->marketing_quiet_hours : &none};
    job->zones = zones_create(job->zone);
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i]->days)
            hours_add(&job->hours, rules[i]);
    }
    if (!hours_ever(&job->hours))
        job_problem(o, 0,
                    "\"delivery_window\" and \"quiet_hours\" leave no time outside the "
                    "marketing_quiet_hours of volley.yaml");
    if (job->hours.count > 0 && job->snapshot &&
        snapshot_column(job->snapshot, SNAPSHOT_TIMEZONE) < 0)
        job_warning(
            o,
            "the snapshot has no column \"timezone\": the job's hours are kept in "
            "the account's (%.*s)",
            TEXT_ARGS(job->account.timezone));
}

static struct config_auto_hold auto_hold_of(const struct config *config,
                                            const struct job_file *file)
{
    struct config_auto_hold out = config->auto_hold;
    if (file->auto_hold.enabled >= 0)
        out.enabled = file->auto_hold.enabled;
    if (file->auto_hold.canary)
        out.canary = file->auto_hold.canary;
    if (file->auto_hold.canary_share >= 0)
        out.canary_share = file->auto_hold.canary_share;
    if (file->auto_hold.min_messages)
        out.min_messages = file->auto_hold.min_messages;
    if (file->auto_hold.failure_rate >= 0)
        out.failure_rate = file->auto_hold.failure_rate;
    if (file->auto_hold.window)
        out.window = file->auto_hold.window;
    if (file->auto_hold.wait_ns >= 0)
        out.wait_ns = file->auto_hold.wait_ns;
    return out;
}

int job_open(const struct job_env *env, struct job_file *file,
             const struct job_frozen *frozen, struct job **out, struct error *err)
{
    struct job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->config = env->config;
    job->frugal = env->frugal;
    job->workers = job->frugal ? 1 : job->config->workers;
    job->file = *file;
    *file = (struct job_file){0};
    job->auto_hold = auto_hold_of(job->config, &job->file);
    job->now_ns = frozen ? frozen->now_ns : clock_now_ns();
    job->fallback = job->file.sms_fallback_email && job_names(job, CHANNEL_SMS) &&
                    !job_names(job, CHANNEL_EMAIL);
    struct job_open o = {.env = env, .frozen = frozen, .job = job, .err = err};
    o.rc = arena_init(&job->arena, JOB_ARENA_BYTES, err);
    if (o.rc == 0)
        o.rc = store_secret(env->store, job->secret, err);
    if (o.rc == 0) {
        open_account(&o);
        job_open_resend(&o);
        job_open_snapshot(&o);
        job_open_audience(&o);
        job_open_recipients(&o);
        job_open_optouts(&o);
        job_open_recent(&o);
        open_hours(&o);
        job_open_templates(&o);
        check_routes(&o);
        job_check_ids(&o);
    }
    if (o.rc == 0)
        job_choose_needed(job);
    if (o.rc) {
        job_close(&job);
        return o.rc;
    }
    *out = job;
    return 0;
}

void job_close(struct job **job)
{
    struct job *j = *job;
    if (!j)
        return;
    audience_destroy(&j->audience);
    snapshot_close(&j->snapshot);
    template_set_close(&j->templates);
    recent_free(&j->recent);
    resend_free(&j->resend);
    optout_set_destroy(&j->optouts);
    optout_set_destroy(&j->dead);
    zones_destroy(&j->zones);
    tzif_close(&j->zone);
    job_file_fini(&j->file);
    arena_fini(&j->arena);
    free(j);
    *job = NULL;
}

int job_load(const struct job_env *env, const char *path, struct buffer *content_out,
             struct job **out, struct error *err)
{
    struct buffer content = {0};
    struct job_file file;
    int rc = file_read(path, JOB_FILE_BYTES_MAX, &content, err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&content), path, env->problem_fn, env->arg, &file,
                            err);
    if (rc == 0)
        rc = job_open(env, &file, NULL, out, err);
    if (rc == 0 && content_out)
        buffer_text(content_out, buffer_view(&content));
    buffer_fini(&content);
    return rc;
}

bool job_names(const struct job *job, enum channel channel)
{
    for (size_t i = 0; i < job->file.channel_count; i++) {
        if (job->file.channels[i] == channel)
            return true;
    }
    return false;
}

bool job_uses(const struct job *job, enum channel channel)
{
    return job_names(job, channel) || (channel == CHANNEL_EMAIL && job->fallback);
}

bool job_is_capped(const struct config *config, const struct job_file *file)
{
    return config->frequency_cap.messages > 0 && file->category == CATEGORY_MARKETING;
}
