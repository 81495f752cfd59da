/* compose: see compose.h. */
#include "engine/pipeline/compose.h"

#include "base/clock.h"
#include "engine/pipeline/compose_private.h"
#include "render/sms.h"

#include <stdlib.h>

/* Room for the largest From field, sixteen times its values (mime_header_room). */
#define FIELDS_BYTES (64u << 10)

static void note_uses(struct compose *c, size_t language)
{
    static const struct {
        enum template_part part;
        enum channel channel;
    } parts[] = {{PART_SMS, CHANNEL_SMS},          {PART_EMAIL_SUBJECT, CHANNEL_EMAIL},
                 {PART_EMAIL_HTML, CHANNEL_EMAIL}, {PART_EMAIL_TEXT, CHANNEL_EMAIL},
                 {PART_PUSH, CHANNEL_PUSH},        {PART_INAPP, CHANNEL_INAPP}};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        const struct template *template =
            template_set_part(c->job->templates, language, parts[i].part);
        bool *uses = compose_row_uses(c, language, parts[i].channel);
        for (size_t v = 0; template && v < c->job->binding_count; v++)
            uses[v] |= template_uses(template, v);
    }
}

static bool needs_mime(const struct config *config)
{
    for (size_t i = 0; i < config->route_counts[CHANNEL_EMAIL]; i++) {
        uint8_t provider = config->routes[CHANNEL_EMAIL][i].provider;
        const struct provider_type *type =
            provider_type_find(text_of(config->providers[provider].type));
        if (!type || !type->wants_parts)
            return true;
    }
    return false;
}

static bool needs_parts(const struct config *config)
{
    return dispatch_needs_parts(config->providers, config->provider_count,
                                config->routes[CHANNEL_EMAIL],
                                config->route_counts[CHANNEL_EMAIL]);
}

static void make_fields(struct compose *c)
{
    const struct job *job = c->job;
    struct error err;
    if (arena_init(&c->fields, FIELDS_BYTES, &err) != 0)
        return; /* then each mail makes its own */
    c->from_field = mime_from_field(job->email_from_name, job->email_from, &c->fields);
    c->date_field = mime_date_field(job->now_ns, &c->fields);
}

struct compose *compose_create(const struct job *job)
{
    struct compose *compose = calloc(1, sizeof(*compose));
    CHECK(compose != NULL);
    compose->job = job;
    compose->opening = opening_create(job);
    compose->needs_mime = needs_mime(job->config);
    compose->needs_parts = needs_parts(job->config);
    struct error err;
    if (arena_init(&compose->scratch, BATCH_ARENA_BYTES, &err) != 0)
        compose->needs_parts = true; /* then they lie in the batch */
    make_fields(compose);
    unsubscribe_signer_init(&compose->signer, job->secret);
    compose->values = calloc(job->binding_count + 1, sizeof(*compose->values));
    size_t languages = template_set_languages(job->templates);
    compose->uses =
        calloc(languages * CHANNEL_COUNT * job->binding_count + 1, sizeof(bool));
    CHECK(compose->values != NULL && compose->uses != NULL);
    for (size_t language = 0; language < languages; language++)
        note_uses(compose, language);
    return compose;
}

void compose_destroy(struct compose **compose)
{
    if (!*compose)
        return;
    opening_destroy(&(*compose)->opening);
    free((*compose)->values);
    free((*compose)->uses);
    arena_fini(&(*compose)->scratch);
    arena_fini(&(*compose)->fields);
    free(*compose);
    *compose = NULL;
}

static void fill_app(struct compose *c, struct compose_row *row, struct delivery *d)
{
    bool push = d->channel == CHANNEL_PUSH;
    size_t language = compose_row_language(c, row, d->channel);
    compose_row_gather(c, row, language, d->channel);
    d->from = c->job->account.id;
    d->to = arena_text(&row->batch->arena,
                       push ? compose_row_column(c, row, SNAPSHOT_PUSH_TOKEN)
                            : row->customer);
    d->title = c->job->account.name;
    d->body = compose_row_part(c, row, language, push ? PART_PUSH : PART_INAPP);
}

/* fill: the delivery's texts. Addresses are copied into the arena, because the chunk's
 * memory may go when the worker moves on. */
static void fill(struct compose *c, struct compose_row *row, struct delivery *d)
{
    struct arena *arena = &row->batch->arena;
    struct mime_mail mail;
    switch (d->channel) {
    case CHANNEL_SMS:
        d->from = c->job->sms_from;
        d->to = arena_text(arena, compose_row_column(c, row, SNAPSHOT_PHONE));
        d->body = row->batch->sms_texts[row->number];
        d->segments = row->batch->sms_segments[row->number];
        break;
    case CHANNEL_EMAIL:
        if (!c->needs_parts) {
            arena_reset(&c->scratch);
            row->arena = &c->scratch;
        }
        compose_mail(c, row, d->id, &mail);
        d->from = c->job->email_from;
        d->to = arena_text(arena, mail.to);
        if (c->needs_parts)
            compose_parts(&mail, arena, d);
        if (c->needs_mime)
            d->plain = mime_compose(&mail, arena, &d->body);
        arena->overflowed |= arena_overflowed(row->arena);
        break;
    default:
        fill_app(c, row, d);
    }
}

static struct outgoing *add_outgoing(struct compose *c, struct compose_row *row,
                                     enum channel channel)
{
    struct batch *batch = row->batch;
    struct outgoing *out = &batch->outgoing[batch->outgoing_count];
    *out = (struct outgoing){.batch = batch};
    out->customer = arena_text(&batch->arena, row->customer);
    out->delivery.channel = channel;
    out->delivery.row = (uint32_t)(batch->chunk.first_row + row->number);
    out->delivery.attempt = 1;
    out->delivery.id =
        message_id(c->job->account.id, c->job->message_job, row->customer, channel);
    out->delivery.owner = out;
    if (batch->outgoing_count > 0)
        batch->outgoing[batch->outgoing_count - 1].delivery.next = &out->delivery;
    batch->outgoing_count++;
    return out;
}

static int overflow(const struct batch *batch, struct error *err)
{
    return error_set(
        err, ERROR_INPUT,
        "the messages of %u customers need more than %zu MiB; make the template smaller",
        batch->chunk.rows, BATCH_ARENA_BYTES >> 20);
}

int compose_reserve(struct batch *batch, size_t count, struct error *err)
{
    batch->outgoing = arena_alloc(&batch->arena, (count + 1) * sizeof(*batch->outgoing));
    batch->outgoing_count = 0;
    batch->put_off = arena_alloc(&batch->arena, (count + 1) * sizeof(*batch->put_off));
    batch->put_off_count = 0;
    return batch->outgoing && batch->put_off ? 0 : overflow(batch, err);
}

void compose_spread(struct compose *compose, const struct spread *spread)
{
    compose->spread = spread;
}

/* slot_wait_ns: as opening_wait_ns, for the row's slot. */
static int64_t slot_wait_ns(const struct compose *c, const struct redo *redo,
                            int64_t now_ns)
{
    if (!c->spread || redo->attempt > 0 || redo->in_doubt)
        return 0;
    int64_t expires_ns = c->job->file.expires_at_ns;
    int64_t slot_ns = spread_slot_ns(c->spread, redo->row);
    if (slot_ns <= now_ns)
        return 0;
    return expires_ns && slot_ns >= expires_ns ? HOURS_NEVER : slot_ns;
}

/* put_off: a message that may not go out yet is not made. Its hours are asked at its slot. */
static bool put_off(struct compose *c, struct batch *batch, const struct redo *redo,
                    int64_t now_ns, uint16_t *zone_out)
{
    *zone_out = ZONES_NONE;
    int64_t until_ns = slot_wait_ns(c, redo, now_ns);
    if (until_ns == 0 && c->opening) {
        uint32_t row = redo->row - (uint32_t)batch->chunk.first_row;
        *zone_out = opening_zone(c->opening, &batch->chunk, row);
        until_ns = opening_wait_ns(c->opening, *zone_out, now_ns);
    }
    if (until_ns == 0)
        return false;
    batch->put_off[batch->put_off_count++] =
        (struct put_off){.redo = *redo, .until_ns = until_ns};
    return true;
}

int compose_batch(struct compose *c, struct batch *batch, struct error *err)
{
    uint32_t rows = batch->chunk.rows;
    size_t count = 0;
    for (int ch = 0; ch < CHANNEL_COUNT; ch++) {
        for (uint32_t r = 0; r < rows; r++)
            count += disposition_sends((enum disposition)batch->dispositions[ch][r]);
    }
    int rc = compose_reserve(batch, count, err);
    int64_t now_ns = clock_now_ns();
    for (int ch = 0; rc == 0 && ch < CHANNEL_COUNT; ch++) {
        for (uint32_t r = 0; r < rows && !arena_overflowed(&batch->arena); r++) {
            if (!disposition_sends((enum disposition)batch->dispositions[ch][r]))
                continue;
            struct redo first = {.row = (uint32_t)batch->chunk.first_row + r,
                                 .channel = (uint8_t)ch};
            uint16_t zone;
            if (put_off(c, batch, &first, now_ns, &zone))
                continue;
            struct compose_row row = compose_row_open(c, batch, r);
            struct outgoing *out = add_outgoing(c, &row, (enum channel)ch);
            out->zone = zone;
            fill(c, &row, &out->delivery);
        }
    }
    if (rc == 0 && arena_overflowed(&batch->arena))
        rc = overflow(batch, err);
    return rc;
}

int compose_one(struct compose *c, struct batch *batch, const struct redo *redo,
                struct error *err)
{
    uint16_t zone;
    if (put_off(c, batch, redo, clock_now_ns(), &zone))
        return 0;
    struct compose_row row =
        compose_row_open(c, batch, redo->row - (uint32_t)batch->chunk.first_row);
    if (redo->channel == CHANNEL_SMS) {
        struct sms_size size;
        batch->sms_texts[row.number] = compose_sms_text(c, &row);
        sms_measure(batch->sms_texts[row.number], &size);
        batch->sms_segments[row.number] = (uint16_t)size.segments;
    }
    struct outgoing *out = add_outgoing(c, &row, (enum channel)redo->channel);
    out->zone = zone;
    out->delivery.attempt =
        (uint8_t)(redo->attempt < UINT8_MAX ? redo->attempt + 1 : UINT8_MAX);
    out->delivery.in_doubt = redo->in_doubt;
    out->delivery.left_behind = redo->left_behind;
    out->delivery.provider = redo->provider;
    out->delivery.started_ns = redo->started_ns;
    fill(c, &row, &out->delivery);
    return arena_overflowed(&batch->arena) ? overflow(batch, err) : 0;
}

void compose_preview(struct compose *c, struct batch *batch, uint32_t number,
                     enum channel channel, struct compose_preview *out)
{
    struct compose_row row = compose_row_open(c, batch, number);
    size_t language = compose_row_language(c, &row, channel);
    *out = (struct compose_preview){
        .language = text_of(template_set_language_name(c->job->templates, language))};
    struct mime_mail mail;
    struct delivery d = {.channel = channel};
    switch (channel) {
    case CHANNEL_SMS:
        out->address = compose_row_column(c, &row, SNAPSHOT_PHONE);
        out->text = compose_sms_text(c, &row);
        break;
    case CHANNEL_EMAIL:
        compose_mail(
            c, &row,
            message_id(c->job->account.id, c->job->message_job, row.customer, channel),
            &mail);
        mime_compose(&mail, &batch->arena, &out->mail);
        out->address = mail.to;
        out->subject = mail.subject;
        out->text = mail.text;
        out->html = mail.html;
        break;
    default:
        fill_app(c, &row, &d);
        out->address = d.to;
        out->text = d.body;
    }
}
