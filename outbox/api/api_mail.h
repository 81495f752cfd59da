/* api_mail: what providers that compose mails from parts share. */
#ifndef OUTBOX_API_MAIL_H
#define OUTBOX_API_MAIL_H

#include "base/buffer.h"
#include "outbox/dispatch/delivery.h"

/* api_mailbox: a From value (RFC 5322, 3.4): `"Name" <address>`, a name outside ASCII as encoded-words
 * (RFC 2047), or the address alone. */
void api_mailbox(struct buffer *out, struct text name, struct text address);

/* api_message_id: "<hex@domain of the sender>", as in the MIME message. */
void api_message_id(struct buffer *out, const struct delivery *delivery);

/* api_same_kind: from one sender and with the same parts, so that one call can describe both. */
bool api_same_kind(const struct delivery *a, const struct delivery *b);

bool api_is_ascii(struct text t);

#endif
