/* meter: see meter.h. */
#include "engine/pipeline/meter.h"

#include "base/bitmap.h"

void meter_init(struct meter *meter, const struct job *job)
{
    *meter = (struct meter){.job = job};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        meter->books.channels[c].named = job_names(job, (enum channel)c);
}

void meter_fini(struct meter *meter)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        dedupe_fini(&meter->addresses[c]);
}

/* Where one row stands: a pointer to each channel's disposition. */
struct row {
    uint8_t *d[CHANNEL_COUNT];
    size_t number;
};

static bool has_message(const struct meter *meter, const struct batch *batch,
                        enum channel channel, size_t row)
{
    uint64_t key = batch->address_hashes[channel][row];
    return meter->job->file.dedupe_address && key != 0 &&
           dedupe_has(&meter->addresses[channel], key);
}

/* settle_fallback: the quota is used up for this row; what becomes of its SMS. A customer
 * whose email is planned anyway (the job names both channels) does not get it twice. */
static void settle_fallback(struct meter *meter, struct batch *batch, struct row *row)
{
    uint8_t *sms = row->d[CHANNEL_SMS], *email = row->d[CHANNEL_EMAIL];
    bool named = !meter->job->fallback;
    if (!meter->job->file.sms_fallback_email || (named && *email == DISPOSITION_SEND)) {
        *sms = DISPOSITION_QUOTA;
        return;
    }
    bool possible = *email == (named ? DISPOSITION_OTHER_CHANNEL : DISPOSITION_SEND);
    if (possible && has_message(meter, batch, CHANNEL_EMAIL, row->number)) {
        *email = DISPOSITION_DUPLICATE;
        possible = false;
    }
    *sms = (uint8_t)(possible ? DISPOSITION_FALLBACK_EMAIL
                              : disposition_after_quota((enum disposition) * email));
    if (possible)
        *email = DISPOSITION_FROM_FALLBACK;
}

/* take: 1 the segments are the account's, 0 they do not fit, and from then on nothing does (R17). */
static int take(struct meter *meter, uint64_t segments, struct error *err)
{
    if (meter->exhausted)
        return 0;
    if (!meter->begun) {
        int rc = meter->account.begin(meter->account.arg, &meter->left, err);
        if (rc)
            return rc;
        meter->begun = true;
        meter->taken = 0;
    }
    meter->exhausted = segments > meter->left - meter->taken;
    meter->taken += meter->exhausted ? 0 : segments;
    return !meter->exhausted;
}

static int settle_sms(struct meter *meter, struct batch *batch, struct row *row,
                      struct error *err)
{
    uint64_t segments = batch->sms_segments[row->number];
    uint64_t limit = meter->job->file.max_segments;
    if (meter->free_of_charge) {
        batch->sms_segments[row->number] = 0;
        return 0;
    }
    if (limit && meter->segments + segments > limit) {
        *row->d[CHANNEL_SMS] = DISPOSITION_OVER_LIMIT;
        return 0;
    }
    int taken = take(meter, segments, err);
    if (taken == 1)
        meter->segments += segments;
    else if (taken == 0)
        settle_fallback(meter, batch, row);
    return taken < 0 ? taken : 0;
}

/* settle_duplicates: an address that already has a message on a channel gets no second
 * one. */
static void settle_duplicates(struct meter *meter, struct batch *batch, struct row *row)
{
    for (size_t i = 0; i < meter->job->file.channel_count; i++) {
        enum channel channel = meter->job->file.channels[i];
        if (*row->d[channel] == DISPOSITION_SEND &&
            has_message(meter, batch, channel, row->number))
            *row->d[channel] = DISPOSITION_DUPLICATE;
    }
}

static void settle_first(struct meter *meter, struct row *row)
{
    bool reached = false;
    for (size_t i = 0; i < meter->job->file.channel_count; i++) {
        uint8_t *d = row->d[meter->job->file.channels[i]];
        if (reached && *d == DISPOSITION_SEND)
            *d = DISPOSITION_OTHER_CHANNEL;
        reached |= *d == DISPOSITION_SEND;
    }
}

/* note_messages: remember who has a message now, and at which addresses. Only messages
 * count, so that a run that takes the job up again (meter_settled) decides the same. */
static void note_messages(struct meter *meter, const struct batch *batch, size_t row)
{
    bool message = false;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (!disposition_sends((enum disposition)batch->dispositions[c][row]))
            continue;
        message = true;
        if (meter->job->file.dedupe_address && batch->address_hashes[c][row])
            dedupe_add(&meter->addresses[c], batch->address_hashes[c][row]);
    }
    meter->recipients += message;
}

static int settle_row(struct meter *meter, struct batch *batch, struct row *row,
                      struct error *err)
{
    const struct job_file *file = &meter->job->file;
    if (file->max_recipients && meter->recipients >= file->max_recipients) {
        for (size_t i = 0; i < file->channel_count; i++) {
            if (*row->d[file->channels[i]] == DISPOSITION_SEND)
                *row->d[file->channels[i]] = DISPOSITION_OVER_LIMIT;
        }
        return 0;
    }
    if (file->delivery == JOB_DELIVER_FIRST)
        settle_first(meter, row);
    settle_duplicates(meter, batch, row);
    if (*row->d[CHANNEL_SMS] == DISPOSITION_SEND)
        return settle_sms(meter, batch, row, err);
    return 0;
}

static void count_row(struct meter *meter, const struct batch *batch,
                      const struct row *row)
{
    meter->books.matched++;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (*row->d[c] != DISPOSITION_NONE)
            meter->books.channels[c].dispositions[*row->d[c]]++;
    }
    if (*row->d[CHANNEL_SMS] == DISPOSITION_SEND)
        meter->books.channels[CHANNEL_SMS].segments += batch->sms_segments[row->number];
}

static struct row row_of(struct batch *batch, size_t number)
{
    struct row row = {.number = number};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        row.d[c] = &batch->dispositions[c][number];
    return row;
}

int meter_chunk(struct meter *meter, struct batch *batch, struct error *err)
{
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        struct row row = row_of(batch, r);
        int rc = settle_row(meter, batch, &row, err);
        if (rc)
            return rc;
        /* Email that was only asked for in case of need is no decision of this job. */
        if (meter->job->fallback && *row.d[CHANNEL_EMAIL] != DISPOSITION_FROM_FALLBACK)
            *row.d[CHANNEL_EMAIL] = DISPOSITION_NONE;
        note_messages(meter, batch, r);
        count_row(meter, batch, &row);
    }
    if (!meter->begun)
        return 0;
    meter->begun = false;
    return meter->account.end(meter->account.arg, meter->taken, err);
}

void meter_settled(struct meter *meter, const struct batch *batch)
{
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        for (int c = 0; c < CHANNEL_COUNT; c++) {
            enum disposition d = (enum disposition)batch->dispositions[c][r];
            if (d == DISPOSITION_FALLBACK_EMAIL || d == DISPOSITION_QUOTA ||
                d >= DISPOSITION_QUOTA_THEN_OPTED_OUT)
                meter->exhausted = true;
        }
        note_messages(meter, batch, r);
    }
}
