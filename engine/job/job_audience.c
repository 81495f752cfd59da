/* job_audience: whom a job reaches: its filter, the recipients it names, and who is left out. */
#include "base/log.h"
#include "engine/job/job_private.h"

#include <stdlib.h>

static struct text saved_expression(void *arg, struct text name)
{
    struct job_open *o = arg;
    struct text expression;
    int found =
        store_audience_get(o->env->store, name, &o->job->arena, &expression, NULL);
    return found == 1 ? expression : TEXT_NONE;
}

/* choose_where: the expression of the job, of a saved audience, or the one frozen at the
 * start. */
static void choose_where(struct job_open *o)
{
    struct job *job = o->job;
    job->where = job->file.audience.where;
    if (o->frozen) {
        job->where = arena_text(&job->arena, o->frozen->where);
    } else if (job->file.audience.saved.data) {
        job->where = saved_expression(o, job->file.audience.saved);
        if (!job->where.data)
            job_problem(o, 0,
                        "audience \"%.*s\" is not saved (see `volley audience list`)",
                        TEXT_ARGS(job->file.audience.saved));
    }
}

void job_open_audience(struct job_open *o)
{
    struct job *job = o->job;
    choose_where(o);
    if (!job->snapshot)
        return;
    size_t count = job->file.audience.param_count;
    struct audience_param *params = arena_alloc(&job->arena, count * sizeof(*params) + 1);
    CHECK(params != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct job_pair *pair = &job->file.audience.params[i];
        static const int kinds[] = {[JOB_TEXT] = AUDIENCE_TEXT,
                                    [JOB_INTEGER] = AUDIENCE_INTEGER,
                                    [JOB_REAL] = AUDIENCE_REAL,
                                    [JOB_BOOL] = AUDIENCE_BOOL,
                                    [JOB_NULL] = AUDIENCE_NULL};
        params[i].name = pair->name;
        params[i].value = pair->value;
        params[i].kind = kinds[pair->kind];
    }
    struct audience_env env = {.now_ns = job->now_ns,
                               .zone = job->zone,
                               .params = params,
                               .param_count = count,
                               .saved = saved_expression,
                               .arg = o};
    size_t columns;
    const struct column *schema = snapshot_schema(job->snapshot, &columns);
    struct error err;
    if (audience_compile(job->where, schema, columns, &env, &job->audience, &err))
        job_adopt(o, &err, job->file.audience.where_line);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void job_open_recipients(struct job_open *o)
{
    struct job *job = o->job;
    size_t count = job->file.audience.recipient_count;
    job->single = job->file.category == CATEGORY_MANUAL && count == 1;
    if (!job->file.audience.recipients)
        return;
    job->recipients = arena_alloc(&job->arena, count * sizeof(*job->recipients) + 1);
    CHECK(job->recipients != NULL);
    for (size_t i = 0; i < count; i++)
        job->recipients[i] =
            optout_hash(OPTOUT_CUSTOMER, job->file.audience.recipients[i]);
    qsort(job->recipients, count, sizeof(*job->recipients), compare_hashes);
    job->recipient_count = count;
}

void job_open_optouts(struct job_open *o)
{
    struct error err;
    if (optout_set_load(o->env->store, o->job->file.account, &o->job->optouts,
                        &o->job->optout_serial, &err))
        job_adopt(o, &err, 0);
    if (dead_set_load(o->env->store, o->job->file.account, &o->job->dead, &err))
        job_adopt(o, &err, 0);
}

static void warn_recent(void *arg, const char *sentence)
{
    struct job_open *o = arg;
    if (o->env->warning_fn)
        job_warning(o, "%s", sentence);
    else
        log_warn("engine", sentence, "job=%.*s", TEXT_ARGS(o->job->file.id));
}

void job_open_recent(struct job_open *o)
{
    struct job *job = o->job;
    struct error err;
    struct recent_asks asks = {.account = job->file.account,
                               .job = job->file.id,
                               .resend = job->resend,
                               .resent = job->resent,
                               .resent_count = job->resent_count,
                               .warn = warn_recent,
                               .arg = o};
    if (job_is_capped(job->config, &job->file) &&
        recent_load(o->env->store, job->config, &asks, job->now_ns, &job->recent, &err))
        job_adopt(o, &err, 0);
}
