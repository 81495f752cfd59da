/* smtp_text: what may stand in SMTP commands, and message bodies as they go behind DATA.
 * Pure. */
#ifndef OUTBOX_SMTP_TEXT_H
#define OUTBOX_SMTP_TEXT_H

#include "base/buffer.h"

/* smtp_address_ok: it can stand in a command: one @ between a local part of at most 64
 * and a domain of at most 255 bytes (RFC 5321 4.5.3.1), no blanks, controls, quotes or
 * brackets. */
bool smtp_address_ok(struct text address);

/* smtp_text_eight_bit: some byte is not ASCII. */
bool smtp_text_eight_bit(struct text t);

/* smtp_verp: the return path "bounce+ann=example.org@domain" for a mail to ann@example.org, so that a
 * bounce tells whose it is. out: NUL-terminated.
 * Returns false where that is no address: its local part would be longer than 64 bytes. */
#define SMTP_VERP_BYTES (64 + 1 + 255 + 1)
bool smtp_verp(struct text to, struct text domain, char out[SMTP_VERP_BYTES]);

/* smtp_text_stuff: append body with its dots doubled, and the final dot. */
void smtp_text_stuff(struct buffer *out, struct text body);

#endif
