/* compose_mail: an email's fields and parts, as MIME or for providers that compose it themselves. */
#include "engine/pipeline/compose_private.h"

static struct text full_name(const struct compose *c, const struct compose_row *row)
{
    struct text first = compose_row_column(c, row, SNAPSHOT_FIRST_NAME);
    struct text last = compose_row_column(c, row, SNAPSHOT_LAST_NAME);
    if (first.bytes == 0 || last.bytes == 0)
        return first.bytes ? first : last;
    return arena_join(row->arena, first, TEXT(" "), last);
}

void compose_mail(struct compose *c, struct compose_row *row, struct hash128 id,
                  struct mime_mail *mail)
{
    const struct job *job = c->job;
    struct arena *arena = row->arena;
    size_t language = compose_row_language(c, row, CHANNEL_EMAIL);
    char hex[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(id, hex);
    struct text from = job->email_from;
    const char *at = memchr(from.data, '@', from.bytes);
    struct text domain = {at, from.bytes - (size_t)(at - from.data)}; /* with the @ */
    compose_row_gather(c, row, language, CHANNEL_EMAIL);
    *mail = (struct mime_mail){
        .from_name = job->email_from_name,
        .from = from,
        .to_name = full_name(c, row),
        .to = compose_row_column(c, row, SNAPSHOT_EMAIL),
        .subject = compose_row_part(c, row, language, PART_EMAIL_SUBJECT),
        .text = compose_row_part(c, row, language, PART_EMAIL_TEXT),
        .html = compose_row_part(c, row, language, PART_EMAIL_HTML),
        .message_id = arena_join(arena, text_of(hex), domain, TEXT("")),
        .date_ns = job->now_ns,
        .from_field = c->from_field,
        .date_field = c->date_field,
    };
    if (job->file.category == CATEGORY_MARKETING)
        mail->unsubscribe = row->unsubscribe.data
                                ? row->unsubscribe
                                : compose_row_unsubscribe(c, row->customer, arena);
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
