/* pipeline: one worker and several make the same messages; a plan counts what a run makes. */
#include "engine/pipeline/pipeline.h"
#include "tests/engine/studio.h"

#include <criterion/criterion.h>
#include <pthread.h>

enum { CUSTOMERS = 13000 };

/* What came out: per row and channel a hash of the message's texts. */
struct taken {
    struct pipeline *pipeline;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t messages[CHANNEL_COUNT][CUSTOMERS];
    size_t count, batches, chunks;
    uint64_t left; /* segments */
};

static struct taken *taken_create(uint64_t segments)
{
    struct taken *taken = calloc(1, sizeof(*taken));
    CHECK(taken != NULL);
    pthread_mutex_init(&taken->lock, NULL);
    pthread_cond_init(&taken->changed, NULL);
    taken->left = segments;
    return taken;
}

static int begin(void *arg, uint64_t *left_out, struct error *err)
{
    struct taken *taken = arg;
    (void)err;
    *left_out = taken->left;
    return 0;
}

static int end(void *arg, uint64_t segments, struct error *err)
{
    struct taken *taken = arg;
    (void)err;
    taken->left -= segments;
    return 0;
}

static uint64_t digest(const struct delivery *d)
{
    uint64_t hash = hash64(&d->id, sizeof(d->id));
    const struct text parts[] = {d->from, d->to, d->body};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        hash = hash * 31 + hash64(parts[i].data, parts[i].bytes);
    cr_assert_eq(d->mail != NULL, d->channel == CHANNEL_EMAIL);
    if (d->mail) {
        cr_assert(d->mail->subject.bytes > 4 && d->mail->text.bytes > 12);
        hash = hash * 31 + hash64(d->mail->subject.data, d->mail->subject.bytes);
        hash = hash * 31 + hash64(d->mail->text.data, d->mail->text.bytes);
    }
    return hash;
}

static void take(void *arg, struct batch *batch)
{
    struct taken *taken = arg;
    pthread_mutex_lock(&taken->lock);
    for (size_t i = 0; i < batch->outgoing_count; i++) {
        const struct delivery *d = &batch->outgoing[i].delivery;
        uint64_t *message = &taken->messages[d->channel][d->row];
        /* A message made again is the same message. */
        cr_assert(*message == 0 || (batch->is_redo && *message == digest(d)), "row %u",
                  d->row);
        *message = digest(d);
        taken->count++;
    }
    cr_assert(batch->is_redo || batch->frame.bytes > 0);
    taken->batches++;
    taken->chunks += !batch->is_redo;
    pthread_cond_broadcast(&taken->changed);
    pthread_mutex_unlock(&taken->lock);
    pipeline_return(taken->pipeline, batch);
}

static void wait_chunks(struct taken *taken, size_t chunks)
{
    pthread_mutex_lock(&taken->lock);
    while (taken->chunks < chunks)
        pthread_cond_wait(&taken->changed, &taken->lock);
    pthread_mutex_unlock(&taken->lock);
}

static struct taken *run(const struct job *job, unsigned workers, uint64_t segments,
                         struct books *books)
{
    struct error err = {0};
    struct taken *taken = taken_create(segments);
    struct pipeline_config config = {.job = job,
                                     .workers = workers,
                                     .account = {begin, end, taken},
                                     .take = take,
                                     .arg = taken};
    /* take may run before pipeline_start returns: it waits for the pipeline's name. */
    pthread_mutex_lock(&taken->lock);
    cr_assert_eq(pipeline_start(&config, &taken->pipeline, &err), 0, "%s", err.text);
    pthread_mutex_unlock(&taken->lock);
    wait_chunks(taken, snapshot_chunks(job->snapshot));
    pipeline_finish(taken->pipeline);
    cr_assert_eq(pipeline_wait(taken->pipeline, &err), 0, "%s", err.text);
    pipeline_books(taken->pipeline, books);
    pipeline_destroy(&taken->pipeline);
    return taken;
}

static struct studio studio;

static void setup(void)
{
    studio_open(&studio, CUSTOMERS);
}

static void teardown(void)
{
    studio_close(&studio);
}

TestSuite(pipeline, .init = setup, .fini = teardown);

static const char *const jobs[] = {
    ", \"channels\": [\"sms\"], \"sms_fallback\": \"email\"}",
    ", \"channels\": [\"sms\", \"email\"]}",
    ", \"channels\": [\"sms\", \"email\"], \"delivery\": \"first\", \"dedupe\": "
    "\"address\",\n"
    " \"sms_fallback\": \"email\", \"limits\": {\"max_recipients\": 9000}}",
};

Test(pipeline, makes_the_same_messages_with_any_number_of_workers)
{
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        struct job *job = studio_job(&studio, jobs[i]);
        struct books alone, together, planned;
        struct taken *one = run(job, 1, 5000, &alone);
        struct taken *four = run(job, 4, 5000, &together);
        cr_assert(one->count > 8000, "job %zu: %zu messages", i, one->count);
        cr_assert_eq(one->count, four->count);
        cr_assert_eq(memcmp(one->messages, four->messages, sizeof(one->messages)), 0,
                     "job %zu", i);
        cr_assert_eq(memcmp(&alone, &together, sizeof(alone)), 0, "job %zu", i);
        cr_assert(books_balanced(&alone, NULL, 0));
        cr_assert_eq(books_pending(&alone, CHANNEL_SMS) +
                         books_pending(&alone, CHANNEL_EMAIL),
                     one->count);

        struct taken *dry = taken_create(5000);
        struct pipeline_config config = {.job = job,
                                         .workers = 3,
                                         .plan_only = true,
                                         .account = {begin, end, dry},
                                         .arg = dry};
        struct error err = {0};
        cr_assert_eq(pipeline_start(&config, &dry->pipeline, &err), 0, "%s", err.text);
        cr_assert_eq(pipeline_wait(dry->pipeline, &err), 0, "%s", err.text);
        pipeline_books(dry->pipeline, &planned);
        cr_assert_eq(memcmp(&alone, &planned, sizeof(alone)), 0, "job %zu: plan", i);
        pipeline_destroy(&dry->pipeline);
        free(one);
        free(four);
        free(dry);
        job_close(&job);
    }
}

Test(pipeline, makes_messages_again_as_they_were)
{
    struct job *job = studio_job(&studio, jobs[1]);
    struct error err = {0};
    struct taken *taken = taken_create(UINT64_MAX);
    struct pipeline_config config = {.job = job,
                                     .workers = 2,
                                     .account = {begin, end, taken},
                                     .take = take,
                                     .arg = taken};
    pthread_mutex_lock(&taken->lock);
    cr_assert_eq(pipeline_start(&config, &taken->pipeline, &err), 0, "%s", err.text);
    pthread_mutex_unlock(&taken->lock);
    wait_chunks(taken, snapshot_chunks(job->snapshot));
    struct redo redos[900];
    size_t count = 0, before = taken->count;
    for (uint32_t row = 0; count < ARRAY_COUNT(redos); row += 14) {
        enum channel channel = count % 2 ? CHANNEL_EMAIL : CHANNEL_SMS;
        if (taken->messages[channel][row])
            redos[count++] =
                (struct redo){.row = row, .channel = (uint8_t)channel, .attempt = 1};
        else
            redos[count++] =
                (struct redo){.row = 1, .channel = CHANNEL_EMAIL, .attempt = 1};
    }
    pipeline_redo(taken->pipeline, redos, count);
    pipeline_finish(taken->pipeline);
    cr_assert_eq(pipeline_wait(taken->pipeline, &err), 0, "%s", err.text);
    cr_assert_eq(taken->count, before + count);
    pipeline_destroy(&taken->pipeline);
    free(taken);
    job_close(&job);
}

Test(pipeline, stops_and_cancels_when_told)
{
    struct job *job = studio_job(&studio, jobs[0]);
    struct error err = {0};
    struct taken *taken = taken_create(0);
    struct pipeline_config config = {.job = job,
                                     .workers = 2,
                                     .account = {begin, end, taken},
                                     .take = take,
                                     .arg = taken};
    pthread_mutex_lock(&taken->lock);
    cr_assert_eq(pipeline_start(&config, &taken->pipeline, &err), 0, "%s", err.text);
    pipeline_cancel(
        taken->pipeline); /* before any chunk is handed over, hence metered or not */
    pthread_mutex_unlock(&taken->lock);
    pipeline_stop(taken->pipeline);
    cr_assert_eq(pipeline_wait(taken->pipeline, &err), 0, "%s", err.text);
    struct books books;
    pipeline_books(taken->pipeline, &books);
    cr_assert(books_balanced(&books, NULL, 0));
    cr_assert_eq(pipeline_settled(taken->pipeline), taken->batches);
    cr_assert_eq(books_pending(&books, CHANNEL_SMS) +
                     books_pending(&books, CHANNEL_EMAIL),
                 taken->count);
    pipeline_destroy(&taken->pipeline);
    free(taken);
    job_close(&job);
}
