/* snapshot_share: see snapshot_share.h. */
#include "ingest/snapshot_share.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A batch nobody holds is kept when it takes no more than this beside the mapping, and
 * while all such batches together stay below the second figure. */
#define KEEP_BATCH_BYTES ((size_t)1 << 20)
#define KEEP_TOTAL_BYTES ((size_t)64 << 20)

struct shared_batch {
    struct shared_batch *next; /* others of the same number, with other columns */
    size_t number;
    struct arrow_batch *batch;
    unsigned holders;
    enum { LOADING, LOADED, FAILED } state;
    struct error why; /* when it failed: those who waited need the sentence too */
    uint64_t needed[];
};

struct snapshot_share {
    const struct arrow_file *file;
    size_t words;
    pthread_mutex_t mutex; /* for all that follows, taken when a cursor changes batches */
    pthread_cond_t changed;
    size_t kept_bytes;
    size_t batch_count;
    struct shared_batch *batches[]; /* by number */
};

struct snapshot_share *snapshot_share_create(const struct arrow_file *file, size_t words)
{
    size_t count = arrow_batch_count(file);
    struct snapshot_share *share =
        calloc(1, sizeof(*share) + count * sizeof(share->batches[0]));
    CHECK(share != NULL);
    share->file = file;
    share->words = words;
    share->batch_count = count;
    pthread_mutex_init(&share->mutex, NULL);
    pthread_cond_init(&share->changed, NULL);
    return share;
}

static void batch_free(struct shared_batch *batch)
{
    arrow_batch_destroy(&batch->batch);
    free(batch);
}

void snapshot_share_destroy(struct snapshot_share **share_at)
{
    struct snapshot_share *share = *share_at;
    if (!share)
        return;
    for (size_t i = 0; i < share->batch_count; i++) {
        while (share->batches[i]) {
            struct shared_batch *batch = share->batches[i];
            CHECK(batch->holders == 0);
            share->batches[i] = batch->next;
            batch_free(batch);
        }
    }
    pthread_cond_destroy(&share->changed);
    pthread_mutex_destroy(&share->mutex);
    free(share);
    *share_at = NULL;
}

static struct shared_batch *find(const struct snapshot_share *share, size_t number,
                                 const uint64_t *needed)
{
    for (struct shared_batch *batch = share->batches[number]; batch;
         batch = batch->next) {
        if (batch->state != FAILED &&
            memcmp(batch->needed, needed, share->words * sizeof(*needed)) == 0)
            return batch;
    }
    return NULL;
}

static struct shared_batch *add(struct snapshot_share *share, size_t number,
                                const uint64_t *needed)
{
    struct shared_batch *batch =
        calloc(1, sizeof(*batch) + share->words * sizeof(batch->needed[0]));
    CHECK(batch != NULL);
    memcpy(batch->needed, needed, share->words * sizeof(*needed));
    batch->number = number;
    batch->next = share->batches[number];
    share->batches[number] = batch;
    return batch;
}

int snapshot_share_hold(struct snapshot_share *share, size_t number,
                        const uint64_t *needed, struct shared_batch **out,
                        struct error *err)
{
    CHECK(number < share->batch_count);
    pthread_mutex_lock(&share->mutex);
    struct shared_batch *batch = find(share, number, needed);
    if (batch) {
        if (batch->holders++ == 0)
            share->kept_bytes -= arrow_batch_memory(batch->batch);
        while (batch->state == LOADING)
            pthread_cond_wait(&share->changed, &share->mutex);
    } else {
        batch = add(share, number, needed);
        batch->holders = 1;
        pthread_mutex_unlock(&share->mutex);
        int rc =
            arrow_batch_load(share->file, number, needed, &batch->batch, &batch->why);
        pthread_mutex_lock(&share->mutex);
        batch->state = rc ? FAILED : LOADED;
        pthread_cond_broadcast(&share->changed);
    }
    bool failed = batch->state == FAILED;
    pthread_mutex_unlock(&share->mutex);
    *out = batch;
    if (!failed)
        return 0;
    int rc = error_set(err, batch->why.kind, "%s", batch->why.text);
    snapshot_share_release(share, out);
    return rc;
}

/* Is it worth keeping, now that nobody holds it? */
static bool keep(struct snapshot_share *share, const struct shared_batch *batch)
{
    if (batch->state == FAILED)
        return false;
    size_t bytes = arrow_batch_memory(batch->batch);
    if (bytes > KEEP_BATCH_BYTES || share->kept_bytes + bytes > KEEP_TOTAL_BYTES)
        return false;
    share->kept_bytes += bytes;
    return true;
}

void snapshot_share_release(struct snapshot_share *share, struct shared_batch **batch_at)
{
    struct shared_batch *batch = *batch_at;
    *batch_at = NULL;
    if (!batch)
        return;
    pthread_mutex_lock(&share->mutex);
    bool drop = --batch->holders == 0 && !keep(share, batch);
    if (drop) {
        struct shared_batch **link = &share->batches[batch->number];
        while (*link != batch)
            link = &(*link)->next;
        *link = batch->next;
    }
    pthread_mutex_unlock(&share->mutex);
    if (drop)
        batch_free(
            batch); /* unmapping a large batch takes time that others need not wait */
}

size_t shared_batch_number(const struct shared_batch *batch)
{
    return batch->number;
}

const struct column *shared_batch_columns(const struct shared_batch *batch)
{
    return arrow_batch_columns(batch->batch);
}
