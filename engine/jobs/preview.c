/* preview: see preview.h. */
#include "engine/jobs/preview.h"

#include "base/bitmap.h"
#include "engine/pipeline/select.h"

/* find: the chunk and row of a customer; false when no row has the id. */
static int find(const struct job *job, struct snapshot_cursor *cursor,
                struct text customer, struct batch *batch, uint32_t *row_out,
                struct error *err)
{
    for (size_t c = 0; c < snapshot_chunks(job->snapshot); c++) {
        int rc = snapshot_cursor_chunk(cursor, c, &batch->chunk, err);
        if (rc)
            return rc;
        for (uint32_t r = 0; r < batch->chunk.rows; r++) {
            batch_reset(batch);
            if (text_equal(job_customer(job, &batch->chunk, r, &batch->arena),
                           customer)) {
                *row_out = r;
                return 0;
            }
        }
    }
    return error_set(err, ERROR_INPUT, "the snapshot has no customer \"%.*s\"",
                     TEXT_ARGS(customer));
}

static void fill(const struct job *job, struct compose *compose, struct batch *batch,
                 uint32_t row, struct preview *out)
{
    out->matched = bitmap_get(batch->selected, row);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        struct preview_channel *channel = &out->channels[c];
        channel->used = job_uses(job, (enum channel)c);
        if (!channel->used)
            continue;
        channel->disposition = (enum disposition)batch->dispositions[c][row];
        compose_preview(compose, batch, row, (enum channel)c, &channel->texts);
        if (c == CHANNEL_SMS)
            sms_measure(channel->texts.text, &channel->size);
    }
}

int preview_make(const struct job *job, struct text customer,
                 void (*fn)(void *arg, const struct preview *preview), void *arg,
                 struct error *err)
{
    struct snapshot_cursor *cursor = snapshot_cursor_create(job->snapshot, job->needed);
    struct select *select = select_create(job);
    struct compose *compose = compose_create(job);
    struct batch *batch = NULL;
    struct preview preview = {0};
    uint32_t row = 0;
    int rc = batch_create(&batch, err);
    if (rc == 0)
        rc = find(job, cursor, customer, batch, &row, err);
    if (rc == 0) {
        select_chunk(select, batch);
        fill(job, compose, batch, row, &preview);
        fn(arg, &preview);
    }
    batch_destroy(&batch);
    compose_destroy(&compose);
    select_destroy(&select);
    snapshot_cursor_destroy(&cursor);
    return rc;
}
