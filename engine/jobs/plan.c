/* plan: see plan.h. */
#include "engine/jobs/plan.h"

#include "base/clock.h"
#include "engine/pipeline/pipeline.h"

static int begin(void *arg, uint64_t *left_out, struct error *err)
{
    (void)err;
    *left_out = *(uint64_t *)arg;
    return 0;
}

static int end(void *arg, uint64_t taken, struct error *err)
{
    (void)err;
    *(uint64_t *)arg -= taken;
    return 0;
}

int plan_make(struct store *store, const struct job *job, struct plan *out,
              struct error *err)
{
    *out = (struct plan){0};
    int rc = 0;
    if (job_uses(job, CHANNEL_SMS))
        rc = quota_read(store, job->config, &job->account, job->now_ns, &out->quota, err);
    if (rc)
        return rc;
    uint64_t left =
        out->quota.limit > out->quota.used ? out->quota.limit - out->quota.used : 0;
    struct pipeline_config config = {.job = job,
                                     .workers = job->config->workers,
                                     .plan_only = true,
                                     .plan_ns = spread_start_ns(job),
                                     .account = {begin, end, &left}};
    struct pipeline *pipeline;
    rc = pipeline_start(&config, &pipeline, err);
    if (rc)
        return rc;
    rc = pipeline_wait(pipeline, err);
    pipeline_books(pipeline, &out->books);
    out->ucs2_texts = pipeline_ucs2(pipeline, out->culprit);
    pipeline_waits(pipeline, &out->waits);
    pipeline_destroy(&pipeline);
    out->used_after = out->quota.used + out->books.channels[CHANNEL_SMS].segments;
    forecast_make(job, &out->books, &out->waits, &out->forecast);
    out->eta_s =
        (double)(out->forecast.ends_ns - out->forecast.start_ns) / (double)NS_PER_S;
    return rc;
}
