/* mime: one email as the bytes that go behind DATA (RFC 5322, 2045–2047, 8058), without
 * the final dot and not dot-stuffed, CRLF line ends, no bare CR or LF, lines of at most
 * 78 columns in headers and 76 in encoded bodies. */
#ifndef RENDER_MIME_H
#define RENDER_MIME_H

#include "base/arena.h"

struct mime_mail {
    struct text from_name; /* may be TEXT_NONE */
    struct text from;
    struct text to_name; /* may be TEXT_NONE */
    struct text to;
    struct text subject;
    struct text text;        /* text/plain body, or TEXT_NONE: made from html */
    struct text html;        /* text/html body, or TEXT_NONE */
    struct text message_id;  /* without brackets */
    struct text unsubscribe; /* HTTPS URI for List-Unsubscribe, or TEXT_NONE */
    int64_t date_ns;
    /* The fields From and Date as mime_from_field and mime_date_field made them, which are the same
     * in all mails of a job; TEXT_NONE: made from the values above. */
    struct text from_field;
    struct text date_field;
};

/* mime_from_field, mime_date_field: a field in the arena, for mime_mail; TEXT_NONE on overflow. */
struct text mime_from_field(struct text name, struct text address, struct arena *arena);
struct text mime_date_field(int64_t date_ns, struct arena *arena);

/* mime_compose: append the message to the arena. Values are data: line breaks in header
 * values become spaces, ill-formed UTF-8 becomes U+FFFD. No line begins with a dot.
 * Returns whether it surely is all ASCII, as it is unless an address or the id is not.
 * Errors: none; on overflow the arena latches and out is TEXT_NONE.
 * Threads: any. */
bool mime_compose(const struct mime_mail *mail, struct arena *arena, struct text *out);

/* mime_address_ok: an addr-spec that can stand in an SMTP command: one @, no blanks,
 * controls, brackets or quotes, local part ≤ 64, domain ≤ 255 bytes with a letter or
 * digit (RFC 5321 4.5.3.1). Well-formed UTF-8 passes: whether it can be delivered is the relay's
 * to say (RFC 6531). */
bool mime_address_ok(struct text address);

#endif
