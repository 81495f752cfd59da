/* mime_header: header fields: folded, with encoded-words (RFC 2047) where a value is not
 * plain ASCII.
 *
 * All write to out and return the end of what they wrote. A field begins at a line's
 * start and ends with CRLF. Values are data: line breaks and controls become blanks, what
 * an address cannot hold becomes `?`. */
#ifndef RENDER_MIME_HEADER_H
#define RENDER_MIME_HEADER_H

#include "base/text.h"

/* Room that a field with values of so many bytes in all can need. */
static inline size_t mime_header_room(size_t value_bytes)
{
    return 16 * value_bytes + 128;
}

/* mime_header_text: `Name: value`, an unstructured field. name is ASCII, at most 20
 * bytes. */
char *mime_header_text(char *out, const char *name, struct text value);

/* mime_header_mailbox: `Name: display name <address>`; display may be TEXT_NONE or empty.
 */
char *mime_header_mailbox(char *out, const char *name, struct text display,
                          struct text address);

/* mime_header_brackets: `Name: <token>`: a message id, or an URI whose strange bytes are
 * percent-encoded. */
char *mime_header_brackets(char *out, const char *name, struct text token, bool is_uri);

/* mime_header_date: `Date:` in UTC (RFC 5322, 3.3). */
char *mime_header_date(char *out, int64_t date_ns);

#endif
