/* compose: see compose.h. */
#include "engine/pipeline/compose.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/job/opening.h"
#include "render/mail/mime.h"
#include "render/sms.h"
#include "render/template/format.h"

#include <stdlib.h>

/* Twilio refuses longer bodies with 21617 (FACTS section 2). */
#define SMS_CHARACTERS_MAX 1600

/* Room for the largest From field, sixteen times its values (mime_header_room). */
#define FIELDS_BYTES (64u << 10)

struct compose {
    const struct job *job;
    struct opening *opening;     /* NULL: messages may go at any time */
    const struct spread *spread; /* NULL: they need not wait for a slot */
    struct text *values;         /* of one row, one per template variable */
    bool *uses;      /* [language][channel][variable]: some part of it has the variable */
    bool needs_mime; /* some provider of the email route takes ready messages */
    bool needs_parts;     /* some provider may take what these are made of */
    struct arena scratch; /* else that is made here, where it stays in the cache */
    struct arena fields;
    struct text from_field, date_field; /* of a mail; in fields */
    struct unsubscribe_signer signer;
};

static bool *uses_of(const struct compose *c, size_t language, enum channel channel)
{
    return c->uses + (language * CHANNEL_COUNT + channel) * c->job->binding_count;
}

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
        bool *uses = uses_of(c, language, parts[i].channel);
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

static struct text unsubscribe_url(const struct compose *c, struct text customer,
                                   struct arena *arena)
{
    const struct job *job = c->job;
    struct text token = unsubscribe_token(&c->signer, job->file.category, job->account.id,
                                          customer, arena);
    return arena_join(arena, text_of(job->config->public_url), TEXT("/u/"), token);
}

/* One row being composed. */
struct row {
    struct batch *batch;
    struct arena *arena; /* of its texts: the batch's, where a message has them */
    int64_t at;          /* within the record batch */
    uint32_t number;     /* within the chunk */
    struct text customer;
    struct text unsubscribe; /* made when first needed */
};

static struct row row_open(const struct compose *c, struct batch *batch, uint32_t number)
{
    return (struct row){.batch = batch,
                        .arena = &batch->arena,
                        .at = batch->chunk.first + number,
                        .number = number,
                        .customer =
                            job_customer(c->job, &batch->chunk, number, &batch->arena)};
}

static struct text case_value(const struct compose *c, struct row *row, size_t v,
                              size_t language)
{
    struct text chosen_by =
        format_value(&row->batch->chunk.columns[c->job->bindings[v].column], row->at,
                     c->job->zone, row->arena);
    return template_set_case(c->job->templates, v, language, chosen_by);
}

static struct text value_of(const struct compose *c, struct row *row, size_t v,
                            size_t language)
{
    const struct job_binding *binding = &c->job->bindings[v];
    struct arena *arena = row->arena;
    switch (binding->kind) {
    case JOB_BIND_VAR:
    case JOB_BIND_ACCOUNT:
        return binding->value;
    case JOB_BIND_UNSUBSCRIBE:
        if (!row->unsubscribe.data)
            row->unsubscribe = unsubscribe_url(c, row->customer, arena);
        return row->unsubscribe;
    case JOB_BIND_CASE:
        return case_value(c, row, v, language);
    case JOB_BIND_COLUMN:
        return format_value(&row->batch->chunk.columns[binding->column], row->at,
                            c->job->zone, arena);
    default:
        return TEXT_NONE;
    }
}

/* gather_values: those that the channel's parts use; a signed link costs more than an SMS. */
static void gather_values(struct compose *c, struct row *row, size_t language,
                          enum channel channel)
{
    const bool *uses = uses_of(c, language, channel);
    for (size_t v = 0; v < c->job->binding_count; v++) {
        if (uses[v])
            c->values[v] = value_of(c, row, v, language);
    }
}

static struct text column_value(const struct compose *c, const struct row *row,
                                enum snapshot_role role)
{
    const struct column *column = job_column(c->job, &row->batch->chunk, role);
    return column ? column_text(column, row->at) : TEXT_NONE;
}

static size_t language_of(const struct compose *c, const struct row *row,
                          enum channel channel)
{
    int own =
        template_set_language(c->job->templates, column_value(c, row, SNAPSHOT_LOCALE));
    return own >= 0 && template_set_serves(c->job->templates, (size_t)own, channel)
               ? (size_t)own
               : c->job->language;
}

static struct text render_part(struct compose *c, struct row *row, size_t language,
                               enum template_part part)
{
    const struct template *template =
        template_set_part(c->job->templates, language, part);
    struct text out = TEXT_NONE;
    if (template)
        template_render(template, c->values, row->arena, &out);
    return out;
}

static size_t characters(struct text t)
{
    size_t count = 0;
    for (const char *at = t.data, *end = t.data + t.bytes; at < end; count++)
        utf8_next(&at, end);
    return count;
}

static struct text render_sms(struct compose *c, struct row *row)
{
    size_t language = language_of(c, row, CHANNEL_SMS);
    gather_values(c, row, language, CHANNEL_SMS);
    return render_part(c, row, language, PART_SMS);
}

static void note_ucs2(struct batch *batch, struct text t)
{
    struct text culprit = sms_culprit(t);
    batch->ucs2_texts++;
    if (!batch->ucs2_culprit[0] && culprit.bytes < sizeof(batch->ucs2_culprit) &&
        culprit.data)
        memcpy(batch->ucs2_culprit, culprit.data, culprit.bytes);
}

void compose_sms(struct compose *c, struct batch *batch)
{
    uint8_t *dispositions = batch->dispositions[CHANNEL_SMS];
    if (!job_uses(c->job, CHANNEL_SMS))
        return;
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        if (dispositions[r] != DISPOSITION_SEND)
            continue;
        struct row row = row_open(c, batch, (uint32_t)r);
        struct text t = render_sms(c, &row);
        struct sms_size size;
        sms_measure(t, &size);
        batch->sms_texts[r] = t;
        batch->sms_segments[r] = (uint16_t)size.segments;
        if (size.encoding == SMS_UCS2)
            note_ucs2(batch, t);
        if (text_trim(t).bytes == 0)
            dispositions[r] = DISPOSITION_EMPTY_TEXT;
        else if (t.bytes > SMS_CHARACTERS_MAX && characters(t) > SMS_CHARACTERS_MAX)
            dispositions[r] = DISPOSITION_TOO_LONG;
    }
}

static struct text full_name(const struct compose *c, const struct row *row)
{
    struct text first = column_value(c, row, SNAPSHOT_FIRST_NAME);
    struct text last = column_value(c, row, SNAPSHOT_LAST_NAME);
    if (first.bytes == 0 || last.bytes == 0)
        return first.bytes ? first : last;
    return arena_join(row->arena, first, TEXT(" "), last);
}

static void fill_mail(struct compose *c, struct row *row, struct hash128 id,
                      struct mime_mail *mail)
{
    const struct job *job = c->job;
    struct arena *arena = row->arena;
    size_t language = language_of(c, row, CHANNEL_EMAIL);
    char hex[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(id, hex);
    struct text from = job->email_from;
    const char *at = memchr(from.data, '@', from.bytes);
    struct text domain = {at, from.bytes - (size_t)(at - from.data)}; /* with the @ */
    gather_values(c, row, language, CHANNEL_EMAIL);
    *mail = (struct mime_mail){
        .from_name = job->email_from_name,
        .from = from,
        .to_name = full_name(c, row),
        .to = column_value(c, row, SNAPSHOT_EMAIL),
        .subject = render_part(c, row, language, PART_EMAIL_SUBJECT),
        .text = render_part(c, row, language, PART_EMAIL_TEXT),
        .html = render_part(c, row, language, PART_EMAIL_HTML),
        .message_id = arena_join(arena, text_of(hex), domain, TEXT("")),
        .date_ns = job->now_ns,
        .from_field = c->from_field,
        .date_field = c->date_field,
    };
    if (job->file.category == CATEGORY_MARKETING)
        mail->unsubscribe = row->unsubscribe.data
                                ? row->unsubscribe
                                : unsubscribe_url(c, row->customer, arena);
}

static bool is_break(char c)
{
    return c == '\r' || c == '\n';
}

/* one_line: t without line breaks, copied only where it has one. As in the header of a MIME message,
 * CRLF becomes one space. */
static struct text one_line(struct arena *arena, struct text t)
{
    size_t clean = 0;
    while (clean < t.bytes && !is_break(t.data[clean]))
        clean++;
    char *start = clean < t.bytes ? arena_reserve(arena, t.bytes) : NULL;
    if (!start)
        return t;
    char *out = start;
    for (size_t i = 0; i < t.bytes; i++) {
        bool second = i > 0 && t.data[i - 1] == '\r' && t.data[i] == '\n';
        if (!second)
            *out++ = is_break(t.data[i]) ? ' ' : t.data[i];
    }
    arena_commit(arena, (size_t)(out - start));
    return (struct text){start, (size_t)(out - start)};
}

void compose_parts(const struct mime_mail *mail, struct arena *arena, struct delivery *d)
{
    struct delivery_mail *parts = arena_alloc(arena, sizeof(*parts));
    if (parts)
        *parts = (struct delivery_mail){.from_name = one_line(arena, mail->from_name),
                                        .subject = one_line(arena, mail->subject),
                                        .text = mail->text,
                                        .html = mail->html,
                                        .unsubscribe = mail->unsubscribe};
    d->mail = parts;
}

static void fill_app(struct compose *c, struct row *row, struct delivery *d)
{
    bool push = d->channel == CHANNEL_PUSH;
    size_t language = language_of(c, row, d->channel);
    gather_values(c, row, language, d->channel);
    d->from = c->job->account.id;
    d->to = arena_text(&row->batch->arena,
                       push ? column_value(c, row, SNAPSHOT_PUSH_TOKEN) : row->customer);
    d->title = c->job->account.name;
    d->body = render_part(c, row, language, push ? PART_PUSH : PART_INAPP);
}

/* fill: the delivery's texts. Addresses are copied into the arena, because the chunk's
 * memory may go when the worker moves on. */
static void fill(struct compose *c, struct row *row, struct delivery *d)
{
    struct arena *arena = &row->batch->arena;
    struct mime_mail mail;
    switch (d->channel) {
    case CHANNEL_SMS:
        d->from = c->job->sms_from;
        d->to = arena_text(arena, column_value(c, row, SNAPSHOT_PHONE));
        d->body = row->batch->sms_texts[row->number];
        d->segments = row->batch->sms_segments[row->number];
        break;
    case CHANNEL_EMAIL:
        if (!c->needs_parts) {
            arena_reset(&c->scratch);
            row->arena = &c->scratch;
        }
        fill_mail(c, row, d->id, &mail);
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

static struct outgoing *add_outgoing(struct compose *c, struct row *row,
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
            struct row row = row_open(c, batch, r);
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
    struct row row = row_open(c, batch, redo->row - (uint32_t)batch->chunk.first_row);
    if (redo->channel == CHANNEL_SMS) {
        struct sms_size size;
        batch->sms_texts[row.number] = render_sms(c, &row);
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
    struct row row = row_open(c, batch, number);
    size_t language = language_of(c, &row, channel);
    *out = (struct compose_preview){
        .language = text_of(template_set_language_name(c->job->templates, language))};
    struct mime_mail mail;
    struct delivery d = {.channel = channel};
    switch (channel) {
    case CHANNEL_SMS:
        out->address = column_value(c, &row, SNAPSHOT_PHONE);
        out->text = render_sms(c, &row);
        break;
    case CHANNEL_EMAIL:
        fill_mail(
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
