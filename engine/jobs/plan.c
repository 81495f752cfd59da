/* plan: see plan.h. */
#include "engine/jobs/plan.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/pipeline/pipeline.h"
#include "engine/state/optout.h"

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

struct collecting {
    const struct job *job;
    struct reached *reached;
};

static void collect(void *arg, struct batch *batch)
{
    const struct collecting *c = arg;
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        unsigned messages = 0;
        for (int channel = 0; channel < CHANNEL_COUNT; channel++)
            messages +=
                disposition_sends((enum disposition)batch->dispositions[channel][r]);
        if (messages)
            reached_add(
                c->reached,
                optout_hash(OPTOUT_CUSTOMER, job_customer(c->job, &batch->chunk,
                                                          (uint32_t)r, &batch->arena)),
                messages);
    }
}

/* dry_run: reached may be NULL. */
static int dry_run(struct store *store, const struct job *job, unsigned workers,
                   struct reached *reached, struct plan *out, struct error *err)
{
    *out = (struct plan){0};
    int rc = 0;
    if (job_uses(job, CHANNEL_SMS))
        rc = quota_read(store, job->config, &job->account, job->now_ns, &out->quota, err);
    if (rc)
        return rc;
    uint64_t left =
        out->quota.limit > out->quota.used ? out->quota.limit - out->quota.used : 0;
    struct collecting collecting = {job, reached};
    struct pipeline_config config = {.job = job,
                                     .workers = workers,
                                     .plan_only = true,
                                     .planned = reached ? collect : NULL,
                                     .plan_ns = spread_start_ns(job),
                                     .account = {begin, end, &left},
                                     .arg = &collecting};
    struct pipeline *pipeline;
    rc = pipeline_start(&config, &pipeline, err);
    if (rc)
        return rc;
    rc = pipeline_wait(pipeline, err);
    pipeline_books(pipeline, &out->books);
    out->ucs2_texts = pipeline_ucs2(pipeline, out->culprit);
    pipeline_waits(pipeline, &out->waits);
    pipeline_destroy(&pipeline);
    return rc;
}

int plan_make(struct store *store, const struct job *job, struct plan *out,
              struct error *err)
{
    int rc = dry_run(store, job, job->config->workers, NULL, out, err);
    if (rc)
        return rc;
    out->used_after = out->quota.used + out->books.channels[CHANNEL_SMS].segments;
    forecast_make(job, &out->books, &out->waits, &out->forecast);
    out->eta_s =
        (double)(out->forecast.ends_ns - out->forecast.start_ns) / (double)NS_PER_S;
    return 0;
}

int plan_reached(struct store *store, const struct job *job, struct reached *out,
                 struct error *err)
{
    struct plan plan;
    *out = (struct reached){0};
    return dry_run(store, job, job->workers, out, &plan, err);
}
