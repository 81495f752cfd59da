/* mime_body: one body part's content in a transfer encoding (RFC 2045, 6): as it stands
 * where every system takes it, else quoted-printable, or base64 where that is clearly
 * shorter.
 *
 * Line ends of any kind become CRLF and the content ends with one. No encoded line is
 * longer than 76, or begins with a dot or with `--`, so that neither dot-stuffing nor a
 * boundary can meet it. */
#ifndef RENDER_MIME_BODY_H
#define RENDER_MIME_BODY_H

#include "base/text.h"

enum mime_encoding { MIME_7BIT, MIME_QUOTED_PRINTABLE, MIME_BASE64 };

struct mime_body {
    struct text content; /* well-formed UTF-8 */
    enum mime_encoding encoding;
};

/* mime_body_plan: look at the content and choose. */
void mime_body_plan(struct text content, struct mime_body *body);

/* Room that a body can need, counted in bytes of its content before that was made
 * well-formed: U+FFFD for one bad byte is nine columns of quoted-printable, soft breaks
 * and line ends add a little. */
static inline size_t mime_body_room(size_t content_bytes)
{
    return 10 * content_bytes + 256;
}

/* mime_body_write: returns the end of what was written. */
char *mime_body_write(const struct mime_body *body, char *out);

/* mime_body_write_once: plan and write in one pass over content, which need not be well-formed.
 * Returns the end of what was written; NULL, and what stands in out is worthless, where only
 * base64 will do, or the content is ill-formed. */
char *mime_body_write_once(struct text content, enum mime_encoding *encoding_out,
                           char *out);

/* mime_encoding_name: as it stands in Content-Transfer-Encoding. */
const char *mime_encoding_name(enum mime_encoding encoding);

#endif
