/* relay_reply: what an SMTP server's answer means for a message. Pure. */
#ifndef OUTBOX_RELAY_REPLY_H
#define OUTBOX_RELAY_REPLY_H

#include "outbox/dispatch/delivery.h"
#include "outbox/wire/smtp.h"

/* relay_reply: by its code, enhanced status (RFC 3463) and the command it answers.
 * Owns: detail and provider_id are parts of the answer's words. */
struct delivery_result relay_reply(const struct smtp_answer *answer);

#endif
