/* plan: see plan.h. */
#include "engine/jobs/plan.h"

#include "engine/pipeline/pipeline.h"

static int grant(void *arg, uint64_t segments, struct error *err)
{
    uint64_t *left = arg;
    (void)err;
    if (segments > *left)
        return 0;
    *left -= segments;
    return 1;
}

static double channel_eta_s(const struct job *job, const struct books *books,
                            enum channel channel)
{
    const struct config *config = job->config;
    uint64_t messages = books_pending(books, channel);
    double rate = job->file.max_message_rate_per_s;
    if (config->route_counts[channel] > 0) {
        double own =
            config->providers[config->routes[channel][0].provider].max_message_rate_per_s;
        rate = rate > 0 && (own <= 0 || rate < own) ? rate : own;
    }
    return rate > 0 ? (double)messages / rate : 0;
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
                                     .plan_ns = job->file.send_at_ns > job->now_ns
                                                    ? job->file.send_at_ns
                                                    : job->now_ns,
                                     .grant = grant,
                                     .arg = &left};
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
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        double eta_s = channel_eta_s(job, &out->books, (enum channel)c);
        out->eta_s = eta_s > out->eta_s ? eta_s : out->eta_s;
    }
    return rc;
}
