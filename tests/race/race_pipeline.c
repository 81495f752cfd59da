/* Workers hand batches over, another thread gives them back and asks for some messages again, a
 * third looks at the books all the while. Run under ThreadSanitizer. */
#include "engine/pipeline/pipeline.h"
#include "tests/engine/studio.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CUSTOMERS = 20000, WORKERS = 4 };

/* The owner of the batches: as the I/O thread is in a run. */
struct owner {
    struct pipeline *pipeline;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct batch *taken;
    size_t messages, again, chunks;
    uint64_t left;
    atomic_bool over;
};

static int begin(void *arg, uint64_t *left_out, struct error *err)
{
    struct owner *owner = arg; /* no lock: the meter's turn is the only one that asks */
    (void)err;
    *left_out = owner->left;
    return 0;
}

static int end(void *arg, uint64_t segments, struct error *err)
{
    struct owner *owner = arg;
    (void)err;
    owner->left -= segments;
    return 0;
}

static void take(void *arg, struct batch *batch)
{
    struct owner *owner = arg;
    pthread_mutex_lock(&owner->lock);
    batch->next = owner->taken;
    owner->taken = batch;
    pthread_cond_signal(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
}

/* give_back: read the messages, as a provider would, and want every fiftieth again, once. */
static void give_back(struct owner *owner, struct batch *batch)
{
    struct redo redos[CHUNK_ROWS_MAX];
    size_t count = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < batch->outgoing_count; i++) {
        const struct delivery *d = &batch->outgoing[i].delivery;
        sum += hash64(d->body.data, d->body.bytes);
        if (!batch->is_redo && i % 50 == 0)
            redos[count++] = (struct redo){
                .row = d->row, .channel = (uint8_t)d->channel, .attempt = d->attempt};
    }
    CHECK(batch->outgoing_count == 0 || sum != 0);
    owner->messages += batch->is_redo ? 0 : batch->outgoing_count;
    owner->again += batch->is_redo ? batch->outgoing_count : 0;
    owner->again -= count;
    owner->chunks += !batch->is_redo;
    pipeline_return(owner->pipeline, batch);
    pipeline_redo(owner->pipeline, redos, count);
}

static void *own(void *arg)
{
    struct owner *owner = arg;
    while (!atomic_load(&owner->over)) {
        pthread_mutex_lock(&owner->lock);
        while (!owner->taken && !atomic_load(&owner->over))
            pthread_cond_wait(&owner->changed, &owner->lock);
        struct batch *batch = owner->taken;
        owner->taken = batch ? batch->next : NULL;
        pthread_mutex_unlock(&owner->lock);
        if (batch)
            give_back(owner, batch);
        if (owner->chunks * CHUNK_ROWS_MAX >= CUSTOMERS && owner->again == 0)
            break;
    }
    return NULL;
}

static void run(const struct job *job, bool stopped)
{
    struct error err;
    struct owner owner = {.left = 5000};
    struct books books;
    pthread_t thread;
    pthread_mutex_init(&owner.lock, NULL);
    pthread_cond_init(&owner.changed, NULL);
    struct pipeline_config config = {.job = job,
                                     .workers = WORKERS,
                                     .account = {begin, end, &owner},
                                     .take = take,
                                     .arg = &owner};
    studio_must(pipeline_start(&config, &owner.pipeline, &err), &err);
    CHECK(pthread_create(&thread, NULL, own, &owner) == 0);
    uint64_t matched = 0;
    while (pipeline_settled(owner.pipeline) <
           (stopped ? 1 : snapshot_chunks(job->snapshot))) {
        pipeline_books(owner.pipeline, &books);
        CHECK(books.matched >= matched && books_balanced(&books, NULL, 0));
        matched = books.matched;
    }
    if (stopped) {
        pipeline_cancel(owner.pipeline);
        pipeline_stop(owner.pipeline);
        studio_must(pipeline_wait(owner.pipeline, &err), &err);
        atomic_store(&owner.over, true);
        pthread_mutex_lock(&owner.lock);
        pthread_cond_signal(&owner.changed);
        pthread_mutex_unlock(&owner.lock);
        pthread_join(thread, NULL);
    } else {
        pthread_join(thread, NULL);
        pipeline_finish(owner.pipeline);
        studio_must(pipeline_wait(owner.pipeline, &err), &err);
        pipeline_books(owner.pipeline, &books);
        CHECK(books.matched == CUSTOMERS && pipeline_exhausted(owner.pipeline));
        CHECK(owner.messages ==
              books_pending(&books, CHANNEL_SMS) + books_pending(&books, CHANNEL_EMAIL));
    }
    pipeline_destroy(&owner.pipeline);
    pthread_mutex_destroy(&owner.lock);
    pthread_cond_destroy(&owner.changed);
}

int main(void)
{
    struct studio studio;
    studio_open(&studio, CUSTOMERS);
    struct job *job =
        studio_job(&studio, ", \"channels\": [\"sms\"], \"sms_fallback\": \"email\"}");
    run(job, false);
    run(job, true);
    job_close(&job);
    studio_close(&studio);
    return 0;
}
