/* mime: see mime.h.
 *
 * Room for the largest possible message is reserved once; what has to be made first (a
 * text part from the HTML, a body without ill-formed UTF-8) is put behind that room and
 * is gone afterwards. */
#include "render/mail/mime.h"

#include "base/hash.h"
#include "render/mail/html_text.h"
#include "render/mail/mime_body.h"
#include "render/mail/mime_header.h"
#include "render/template/escape.h"

#define LOCAL_BYTES_MAX  64
#define DOMAIN_BYTES_MAX 255
#define FIXED_BYTES      1024 /* what does not depend on values: field names, boundaries */

struct composer {
    struct text text, html;
    bool has_text, has_html;
    struct arena scratch;
    char boundary[40];
};

/* --- bodies ------------------------------------------------------------------------- */

static struct text well_formed(struct text t, struct arena *scratch)
{
    if (t.bytes == 0)
        return TEXT("");
    if (utf8_valid(t))
        return t;
    char *start = arena_reserve(scratch, t.bytes * ESCAPE_TEXT_GROWTH);
    if (!start)
        return TEXT_NONE;
    size_t bytes = (size_t)(escape_text(start, t) - start);
    arena_commit(scratch, bytes);
    return (struct text){start, bytes};
}

static struct text text_from_html(struct text html, struct arena *scratch)
{
    char *start = arena_reserve(scratch, html.bytes + HTML_TEXT_ROOM);
    if (!start)
        return TEXT_NONE;
    size_t bytes = (size_t)(html_text(start, html) - start);
    arena_commit(scratch, bytes);
    return (struct text){start, bytes};
}

static void find_bodies(struct composer *c, const struct mime_mail *mail)
{
    c->html = mail->html;
    c->text = mail->text.data ? mail->text : TEXT("");
    c->has_html = mail->html.data != NULL;
    c->has_text = mail->text.data != NULL || !c->has_html;
    if (!c->has_text) {
        c->html = well_formed(c->html, &c->scratch);
        c->text = text_from_html(c->html, &c->scratch);
        c->has_text = c->text.bytes > 0;
    }
}

/* --- the message -------------------------------------------------------------------- */

/* make_boundary: from the message id. `=_` occurs in no body we write: quoted-printable
 * escapes every equals sign, base64 has no underscore, and 7bit lines never begin with
 * `--`. */
static void make_boundary(struct composer *c, struct text message_id)
{
    static const char digits[] = "0123456789abcdef";
    struct hash128 hash = hash128(message_id.data, message_id.bytes);
    uint64_t words[2] = {hash.high, hash.low};
    char *at = stpcpy(c->boundary, "=_");
    for (size_t i = 0; i < 32; i++)
        *at++ = digits[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    *at = '\0';
}

static char *put_encoding(char *out, enum mime_encoding encoding)
{
    out = stpcpy(out, "Content-Transfer-Encoding: ");
    out = stpcpy(out, mime_encoding_name(encoding));
    return stpcpy(out, "\r\n\r\n");
}

/* put_part: the content is written where it stands if it is quoted-printable, as most is: a link is
 * longer than a line. */
static char *put_part(struct composer *c, char *out, const char *type,
                      struct text content)
{
    out = stpcpy(out, "Content-Type: text/");
    out = stpcpy(out, type);
    out = stpcpy(out, "; charset=utf-8\r\n");
    char *guess = put_encoding(out, MIME_QUOTED_PRINTABLE);
    struct mime_body body;
    char *end = mime_body_write_once(content, &body.encoding, guess);
    if (!end) {
        mime_body_plan(well_formed(content, &c->scratch), &body);
        return mime_body_write(&body, put_encoding(out, body.encoding));
    }
    if (body.encoding == MIME_QUOTED_PRINTABLE)
        return end;
    char *start = put_encoding(out, body.encoding);
    memmove(start, guess, (size_t)(end - guess));
    return start + (end - guess);
}

/* put_boundary: the CRLF before it belongs to it, not to the part (RFC 2046, 5.1.1). */
static char *put_boundary(const struct composer *c, char *out, const char *behind)
{
    out = stpcpy(out, "\r\n--");
    out = stpcpy(out, c->boundary);
    return stpcpy(out, behind);
}

static char *put_bodies(struct composer *c, char *out)
{
    if (!c->has_html)
        return put_part(c, out, "plain", c->text);
    if (!c->has_text)
        return put_part(c, out, "html", c->html);
    out = stpcpy(out, "Content-Type: multipart/alternative;\r\n boundary=\"");
    out = stpcpy(out, c->boundary);
    out = stpcpy(out, "\"\r\n");
    out = put_boundary(c, out, "\r\n");
    out = put_part(c, out, "plain", c->text);
    out = put_boundary(c, out, "\r\n");
    out = put_part(c, out, "html", c->html);
    return put_boundary(c, out, "--\r\n");
}

static struct text keep(struct arena *arena, const char *start, const char *end)
{
    arena_commit(arena, (size_t)(end - start));
    return (struct text){start, (size_t)(end - start)};
}

struct text mime_from_field(struct text name, struct text address, struct arena *arena)
{
    size_t room = mime_header_room(name.bytes) + mime_header_room(address.bytes);
    char *start = arena_reserve(arena, room);
    return start ? keep(arena, start, mime_header_mailbox(start, "From", name, address))
                 : TEXT_NONE;
}

struct text mime_date_field(int64_t date_ns, struct arena *arena)
{
    char *start = arena_reserve(arena, mime_header_room(0));
    return start ? keep(arena, start, mime_header_date(start, date_ns)) : TEXT_NONE;
}

static char *put_headers(const struct mime_mail *mail, char *out)
{
    if (mail->from_field.data)
        out = mempcpy(out, mail->from_field.data, mail->from_field.bytes);
    else
        out = mime_header_mailbox(out, "From", mail->from_name, mail->from);
    out = mime_header_mailbox(out, "To", mail->to_name, mail->to);
    out = mime_header_text(out, "Subject", mail->subject);
    if (mail->date_field.data)
        out = mempcpy(out, mail->date_field.data, mail->date_field.bytes);
    else
        out = mime_header_date(out, mail->date_ns);
    out = mime_header_brackets(out, "Message-ID", mail->message_id, false);
    if (mail->unsubscribe.data) {
        out = mime_header_brackets(out, "List-Unsubscribe", mail->unsubscribe, true);
        out = stpcpy(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    }
    return stpcpy(out, "MIME-Version: 1.0\r\n");
}

static size_t header_room(const struct mime_mail *mail)
{
    const struct text values[] = {mail->from_name,  mail->from,    mail->to_name,
                                  mail->to,         mail->subject, mail->message_id,
                                  mail->unsubscribe};
    size_t room = 0;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        room += mime_header_room(values[i].bytes);
    return room;
}

static bool is_ascii(struct text t)
{
    uint64_t all = 0, word;
    size_t i = 0;
    for (; i + 8 <= t.bytes; i += 8) {
        memcpy(&word, t.data + i, 8);
        all |= word;
    }
    for (; i < t.bytes; i++)
        all |= (unsigned char)t.data[i];
    return (all & 0x8080808080808080u) == 0;
}

bool mime_compose(const struct mime_mail *mail, struct arena *arena, struct text *out)
{
    size_t text_bytes =
        mail->text.data ? mail->text.bytes : mail->html.bytes + HTML_TEXT_ROOM;
    size_t room = header_room(mail) + FIXED_BYTES + mime_body_room(mail->html.bytes) +
                  mime_body_room(text_bytes);
    *out = TEXT_NONE;
    char *start = arena_reserve(arena, room);
    if (!start)
        return false;
    struct composer c = {.scratch = *arena};
    c.scratch.used_bytes += room;
    find_bodies(&c, mail);
    if (c.has_text && c.has_html)
        make_boundary(&c, mail->message_id);
    char *end = put_bodies(&c, put_headers(mail, start));
    if (arena_overflowed(&c.scratch)) {
        arena->overflowed = true;
        return false;
    }
    out->data = start;
    out->bytes = (size_t)(end - start);
    CHECK(out->bytes <= room);
    arena_commit(arena, out->bytes);
    return is_ascii(mail->from) && is_ascii(mail->to) && is_ascii(mail->message_id);
}

/* --- addresses ---------------------------------------------------------------------- */

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* Controls and line ends there are beyond ASCII as well. */
static bool utf8_printable(struct text t)
{
    const char *at = t.data, *end = t.data + t.bytes;
    while (at < end) {
        uint32_t c = utf8_next(&at, end);
        if (c == UTF8_BAD || (c >= 0x80 && c < 0xA0) || c == 0x2028 || c == 0x2029)
            return false;
    }
    return true;
}

static bool domain_ok(struct text domain)
{
    bool alphanumeric = false;
    for (size_t i = 0; i < domain.bytes; i++) {
        char c = domain.data[i], before = i > 0 ? domain.data[i - 1] : '.';
        if (!is_alphanumeric(c) && c != '-' && c != '_' && (c != '.' || before == '.'))
            return false;
        alphanumeric |= is_alphanumeric(c);
    }
    return alphanumeric && domain.bytes <= DOMAIN_BYTES_MAX &&
           domain.data[domain.bytes - 1] != '.';
}

/* A table, as this looks at everybody's address. */
static const bool local_bad[256] = {
    [0 ... ' '] = true, ['<'] = true, ['>'] = true,  ['('] = true, [')'] = true,
    ['['] = true,       [']'] = true, ['\\'] = true, ['"'] = true, [','] = true,
    [';'] = true,       [':'] = true, [0x7F] = true,
};

bool mime_address_ok(struct text address)
{
    const char *at = address.bytes > 0 ? memchr(address.data, '@', address.bytes) : NULL;
    size_t local = at ? (size_t)(at - address.data) : 0;
    if (local < 1 || local > LOCAL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < local; i++) {
        char c = address.data[i];
        if (local_bad[(unsigned char)c])
            return false;
    }
    return domain_ok((struct text){at + 1, address.bytes - local - 1}) &&
           (is_ascii(address) || utf8_printable(address));
}
