/* select: see select.h. The audience is evaluated as bitmaps; reachability then runs over
 * the selected rows, one pass a channel. */
#include "engine/pipeline/select.h"

#include "base/bitmap.h"
#include "render/mail/mime.h"

#include <stdlib.h>

struct select {
    const struct job *job;
    struct audience_scratch *scratch;
    uint64_t hashes[CHUNK_ROWS_MAX];
    uint8_t masks[CHUNK_ROWS_MAX];   /* of one kind of key */
    uint8_t optouts[CHUNK_ROWS_MAX]; /* all switches set for the row */
};

struct select *select_create(const struct job *job)
{
    struct select *select = calloc(1, sizeof(*select));
    CHECK(select != NULL);
    select->job = job;
    select->scratch = audience_scratch_create(job->audience);
    return select;
}

void select_destroy(struct select **select)
{
    if (!*select)
        return;
    audience_scratch_destroy(&(*select)->scratch);
    free(*select);
    *select = NULL;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void keep_recipients(const struct job *job, struct batch *batch)
{
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        uint64_t key =
            optout_hash(OPTOUT_CUSTOMER,
                        job_customer(job, &batch->chunk, (uint32_t)r, &batch->arena));
        if (!bsearch(&key, job->recipients, job->recipient_count, sizeof(key),
                     compare_hashes))
            bitmap_clear(batch->selected, r);
    }
}

/* key_text: what the opt-out list knows a customer by. */
static struct text key_text(const struct job *job, struct batch *batch,
                            enum optout_key key, uint32_t row)
{
    static const enum snapshot_role roles[] = {[OPTOUT_CUSTOMER] = SNAPSHOT_ID,
                                               [OPTOUT_EMAIL] = SNAPSHOT_EMAIL,
                                               [OPTOUT_PHONE] = SNAPSHOT_PHONE};
    if (key == OPTOUT_CUSTOMER)
        return job_customer(job, &batch->chunk, row, &batch->arena);
    const struct column *column = job_column(job, &batch->chunk, roles[key]);
    return column ? column_text(column, batch->chunk.first + row) : TEXT_NONE;
}

static void optouts_from_list(struct select *s, struct batch *batch)
{
    uint32_t rows = batch->chunk.rows;
    for (int key = 0; key < OPTOUT_KEY_COUNT; key++) {
        memset(s->hashes, 0, rows * sizeof(s->hashes[0]));
        for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
             r = bitmap_next(batch->selected, r + 1, rows)) {
            struct text value =
                key_text(s->job, batch, (enum optout_key)key, (uint32_t)r);
            if (value.bytes > 0)
                s->hashes[r] = optout_hash((enum optout_key)key, value);
        }
        optout_set_masks(s->job->optouts, s->hashes, rows, s->masks);
        for (uint32_t r = 0; r < rows; r++)
            s->optouts[r] |= s->hashes[r] ? s->masks[r] : 0;
    }
}

static void optouts_from_columns(struct select *s, const struct batch *batch)
{
    static const struct {
        enum snapshot_role role;
        uint8_t mask;
    } columns[] = {{SNAPSHOT_OPTOUT_MARKETING_EMAIL, OPTOUT_MARKETING_EMAIL},
                   {SNAPSHOT_OPTOUT_TRANSACTIONAL_EMAIL, OPTOUT_TRANSACTIONAL_EMAIL},
                   {SNAPSHOT_OPTOUT_MARKETING_SMS, OPTOUT_MARKETING_SMS},
                   {SNAPSHOT_OPTOUT_SMS, OPTOUT_SMS}};
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        const struct column *column = job_column(s->job, &batch->chunk, columns[i].role);
        for (uint32_t r = 0; column && r < batch->chunk.rows; r++) {
            bool out;
            column_bool(column, batch->chunk.first + r, &out);
            s->optouts[r] |= out ? columns[i].mask : 0;
        }
    }
}

/* A flag column's value; what a missing column or a null means is the caller's. */
static bool flag(const struct column *column, int64_t row, bool no_column, bool null)
{
    bool value;
    if (!column)
        return no_column;
    return column_bool(column, row, &value) ? value : null;
}

/* e164: a plus, no leading zero, 8 to 15 digits (ITU-T E.164). Whether it is a mobile
 * number was settled at import. */
static bool e164(struct text phone)
{
    if (phone.bytes < 9 || phone.bytes > 16 || phone.data[0] != '+' ||
        phone.data[1] == '0')
        return false;
    for (size_t i = 1; i < phone.bytes; i++) {
        if (phone.data[i] < '0' || phone.data[i] > '9')
            return false;
    }
    return true;
}

/* The columns that reachability looks at, looked up once a chunk. */
struct reach {
    const struct column *enrolled, *email, *verified, *phone, *token, *notifications;
};

static struct text text_at(const struct column *column, int64_t row)
{
    return column ? column_text(column, row) : TEXT_NONE;
}

/* judge_email, for email and push alike: R2 asks for a verified email and notifications
 * not off. */
static enum disposition judge_email(const struct reach *reach, int64_t row)
{
    if (!flag(reach->verified, row, true, false))
        return DISPOSITION_NOT_VERIFIED;
    if (!flag(reach->notifications, row, true, true))
        return DISPOSITION_NOTIFICATIONS_OFF;
    return DISPOSITION_SEND;
}

static enum disposition judge(const struct reach *reach, enum channel channel,
                              int64_t row, struct text *address_out)
{
    struct text email = text_at(reach->email, row);
    *address_out = TEXT_NONE;
    if (!flag(reach->enrolled, row, true, true))
        return DISPOSITION_NOT_ENROLLED;
    switch (channel) {
    case CHANNEL_SMS:
        *address_out = text_at(reach->phone, row);
        if (address_out->bytes == 0)
            return DISPOSITION_NO_ADDRESS;
        return e164(*address_out) ? DISPOSITION_SEND : DISPOSITION_INVALID_ADDRESS;
    case CHANNEL_EMAIL:
        *address_out = email;
        if (email.bytes == 0)
            return DISPOSITION_NO_ADDRESS;
        if (!mime_address_ok(email))
            return DISPOSITION_INVALID_ADDRESS;
        return judge_email(reach, row);
    case CHANNEL_PUSH:
        *address_out = text_at(reach->token, row);
        if (address_out->bytes == 0)
            return DISPOSITION_NO_ADDRESS;
        return judge_email(reach, row);
    default:
        return DISPOSITION_SEND;
    }
}

static void judge_channel(struct select *s, struct batch *batch,
                          const struct reach *reach, enum channel channel)
{
    const struct job *job = s->job;
    unsigned stopped_by = optout_mask_for(channel, job->file.category, job->single);
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        struct text address;
        enum disposition d =
            judge(reach, channel, batch->chunk.first + (int64_t)r, &address);
        if (d == DISPOSITION_SEND && (s->optouts[r] & stopped_by))
            d = DISPOSITION_OPTED_OUT;
        batch->dispositions[channel][r] = (uint8_t)d;
        batch->address_hashes[channel][r] =
            d == DISPOSITION_SEND && address.bytes > 0 ? dead_hash(channel, address) : 0;
    }
}

/* drop_dead: like a customer without an address on this channel; the others may still reach them. */
static void drop_dead(struct select *s, struct batch *batch, enum channel channel)
{
    uint32_t rows = batch->chunk.rows;
    uint64_t *hashes = batch->address_hashes[channel];
    optout_set_masks(s->job->dead, hashes, rows, s->masks);
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        if (hashes[r] == 0 || !(s->masks[r] & 1u << channel))
            continue;
        batch->dispositions[channel][r] = DISPOSITION_DEAD_ADDRESS;
        hashes[r] = 0;
    }
}

static struct reach reach_of(const struct job *job, const struct chunk *chunk)
{
    return (struct reach){
        .enrolled = job_column(job, chunk, SNAPSHOT_ENROLLED),
        .email = job_column(job, chunk, SNAPSHOT_EMAIL),
        .verified = job_column(job, chunk, SNAPSHOT_EMAIL_VERIFIED),
        .phone = job_column(job, chunk, SNAPSHOT_PHONE),
        .token = job_column(job, chunk, SNAPSHOT_PUSH_TOKEN),
        .notifications = job_column(job, chunk, SNAPSHOT_NOTIFICATIONS_ENABLED),
    };
}

/* cap_row: what a customer may still get goes to the channels in the job's order. */
static void cap_row(const struct job *job, struct batch *batch, uint32_t row)
{
    uint64_t hash = optout_hash(OPTOUT_CUSTOMER,
                                job_customer(job, &batch->chunk, row, &batch->arena));
    unsigned cap = (unsigned)job->config->frequency_cap.messages;
    unsigned had = recent_of(job->recent, hash);
    unsigned left = had < cap ? cap - had : 0;
    for (size_t i = 0; i < job->file.channel_count; i++) {
        enum channel channel = job->file.channels[i];
        uint8_t *disposition = &batch->dispositions[channel][row];
        if (*disposition != DISPOSITION_SEND)
            continue;
        if (left == 0) {
            *disposition = DISPOSITION_FREQUENCY_CAP;
            batch->address_hashes[channel][row] = 0;
        } else if (job->file.delivery == JOB_DELIVER_ALL) {
            left--;
        }
    }
}

static void cap_frequency(const struct job *job, struct batch *batch)
{
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows))
        cap_row(job, batch, (uint32_t)r);
}

/* keep_resent: the rows that a resend wants on any channel. */
static void keep_resent(const struct resend *resend, struct batch *batch)
{
    for (uint32_t r = 0; r < batch->chunk.rows; r++) {
        bool wanted = false;
        for (int c = 0; c < CHANNEL_COUNT; c++)
            wanted |= resend->wanted[c] &&
                      bitmap_get(resend->wanted[c], batch->chunk.first_row + r);
        if (!wanted)
            bitmap_clear(batch->selected, r);
    }
}

/* drop_settled: on this channel the row's message is not to be sent again. */
static void drop_settled(const struct resend *resend, struct batch *batch,
                         enum channel channel)
{
    const uint64_t *wanted = resend->wanted[channel];
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        if (wanted && bitmap_get(wanted, batch->chunk.first_row + r))
            continue;
        batch->dispositions[channel][r] = DISPOSITION_SETTLED_BEFORE;
        batch->address_hashes[channel][r] = 0;
    }
}

void select_audience(struct select *s, struct batch *batch)
{
    const struct job *job = s->job;
    audience_select(job->audience, s->scratch, &batch->chunk, batch->selected);
    if (job->recipients)
        keep_recipients(job, batch);
    if (job->resend)
        keep_resent(job->resend, batch);
}

void select_chunk(struct select *s, struct batch *batch)
{
    const struct job *job = s->job;
    uint32_t rows = batch->chunk.rows;
    select_audience(s, batch);
    memset(s->optouts, 0, rows);
    if (optout_set_count(job->optouts) > 0)
        optouts_from_list(s, batch);
    optouts_from_columns(s, batch);
    struct reach reach = reach_of(job, &batch->chunk);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        memset(batch->dispositions[c], DISPOSITION_NONE, rows);
        if (!job_uses(job, (enum channel)c))
            continue;
        judge_channel(s, batch, &reach, (enum channel)c);
        if (optout_set_count(job->dead) > 0 && dead_can((enum channel)c))
            drop_dead(s, batch, (enum channel)c);
        if (job->resend &&
            job_names(job, (enum channel)c)) /* not where SMS fall back to */
            drop_settled(job->resend, batch, (enum channel)c);
    }
    if (job->recent)
        cap_frequency(job, batch);
}

void select_settled(struct select *s, struct batch *batch, const struct replay *replay)
{
    uint32_t rows = batch->chunk.rows;
    struct reach reach = reach_of(s->job, &batch->chunk);
    bitmap_zero(batch->selected, rows);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        memset(batch->dispositions[c], DISPOSITION_NONE, rows);
        for (uint32_t r = 0; replay->states[c] && r < rows; r++) {
            uint8_t d = replay->states[c][batch->chunk.first_row + r].disposition;
            if (d == DISPOSITION_NONE)
                continue;
            struct text address = TEXT_NONE;
            bitmap_set(batch->selected, r);
            batch->dispositions[c][r] = d;
            if (disposition_sends((enum disposition)d))
                judge(&reach, (enum channel)c, batch->chunk.first + r, &address);
            batch->address_hashes[c][r] =
                address.bytes > 0 ? dead_hash((enum channel)c, address) : 0;
        }
    }
}
