/* pipeline: see pipeline.h. */
#include "engine/pipeline/pipeline.h"

#include "engine/pipeline/pipeline_private.h"

#include <stdlib.h>

static int make_batches(struct pipeline *p, size_t count, struct error *err)
{
    p->batches = calloc(count, sizeof(struct batch *));
    CHECK(p->batches != NULL);
    for (size_t i = 0; i < count; i++) {
        int rc = batch_create(&p->batches[i], err);
        if (rc)
            return rc;
        p->batch_count++;
        p->batches[i]->next = p->free;
        p->free = p->batches[i];
    }
    return 0;
}

int pipeline_start(const struct pipeline_config *config, struct pipeline **out,
                   struct error *err)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    p->config = *config;
    p->chunks = snapshot_chunks(config->job->snapshot);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->turn, NULL);
    meter_init(&p->meter, config->job);
    p->meter.account = config->account;
    if (config->books)
        p->meter.books = *config->books;
    p->books = p->meter.books;
    if (config->replay)
        p->meter.segments = config->replay->sms_segments;
    /* Each worker fills one while another is on its way out, and one is being filled
     * meanwhile; and one is for redos. A frugal job makes do without the one meanwhile. */
    size_t batches = config->plan_only
                         ? config->workers + 1
                         : 2 * (size_t)config->workers + (config->job->frugal ? 1 : 3);
    int rc = make_batches(p, batches, err);
    if (rc) {
        pipeline_destroy(&p);
        return rc;
    }
    p->stages = stages_create(config->workers);
    p->threads = calloc(config->workers, sizeof(*p->threads));
    CHECK(p->threads != NULL);
    *out = p; /* before there is a worker, whose first batch may be returned by *out */
    for (; p->thread_count < config->workers; p->thread_count++)
        CHECK(pthread_create(&p->threads[p->thread_count], NULL, pipeline_worker, p) ==
              0);
    return 0;
}

void pipeline_return(struct pipeline *p, struct batch *batch)
{
    pthread_mutex_lock(&p->lock);
    batch->next = p->free;
    p->free = batch;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void pipeline_redo(struct pipeline *p, const struct redo *entries, size_t count)
{
    pthread_mutex_lock(&p->lock);
    if (p->redo_count + count > p->redo_capacity) {
        p->redo_capacity = (p->redo_count + count) * 2;
        p->redos = realloc(p->redos, p->redo_capacity * sizeof(*p->redos));
        CHECK(p->redos != NULL);
    }
    memcpy(p->redos + p->redo_count, entries, count * sizeof(*entries));
    p->redo_count += count;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

static void set_flag(struct pipeline *p, bool *flag)
{
    pthread_mutex_lock(&p->lock);
    *flag = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void pipeline_cancel(struct pipeline *p)
{
    set_flag(p, &p->cancelled);
}

void pipeline_finish(struct pipeline *p)
{
    set_flag(p, &p->finishing);
}

void pipeline_stop(struct pipeline *p)
{
    set_flag(p, &p->stopping);
}

void pipeline_books(struct pipeline *p, struct books *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->books;
    pthread_mutex_unlock(&p->lock);
}

size_t pipeline_settled(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    size_t settled = p->settled;
    pthread_mutex_unlock(&p->lock);
    return settled;
}

bool pipeline_exhausted(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    bool exhausted = p->exhausted;
    pthread_mutex_unlock(&p->lock);
    return exhausted;
}

uint64_t pipeline_ucs2(struct pipeline *p, char culprit_out[8])
{
    pthread_mutex_lock(&p->lock);
    uint64_t texts = p->ucs2_texts;
    memcpy(culprit_out, p->ucs2_culprit, sizeof(p->ucs2_culprit));
    pthread_mutex_unlock(&p->lock);
    return texts;
}

void pipeline_waits(struct pipeline *p, struct waits *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->waits;
    pthread_mutex_unlock(&p->lock);
}

void pipeline_stages(struct pipeline *p, struct stage_times *out)
{
    stages_read(p->stages, out);
}

bool pipeline_failed(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    bool failed = p->rc != 0;
    pthread_mutex_unlock(&p->lock);
    return failed;
}

int pipeline_wait(struct pipeline *p, struct error *err)
{
    for (; p->thread_count > 0; p->thread_count--)
        pthread_join(p->threads[p->thread_count - 1], NULL);
    if (p->rc && err)
        *err = p->err;
    return p->rc;
}

void pipeline_destroy(struct pipeline **pipeline)
{
    struct pipeline *p = *pipeline;
    if (!p)
        return;
    CHECK(p->thread_count == 0);
    for (size_t i = 0; i < p->batch_count; i++)
        batch_destroy(&p->batches[i]);
    meter_fini(&p->meter);
    stages_destroy(&p->stages);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->turn);
    free(p->batches);
    free(p->threads);
    free(p->redos);
    free(p);
    *pipeline = NULL;
}
