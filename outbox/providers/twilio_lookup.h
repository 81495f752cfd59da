/* twilio_lookup: a message whose reply was lost, looked for in Twilio's list of the messages to its
 * number. Pure. */
#ifndef OUTBOX_TWILIO_LOOKUP_H
#define OUTBOX_TWILIO_LOOKUP_H

#include "outbox/dispatch/delivery.h"

#include "base/buffer.h"

struct twilio_wanted {
    struct text from; /* a number, a sender id, or a messaging service (MG…) */
    struct text to;
    struct text body;
    int64_t since_ns; /* calendar: what is older is another message */
};

enum twilio_find {
    TWILIO_FOUND,     /* result says what became of it */
    TWILIO_NOT_FOUND, /* it is not there, and there are no further pages to look at */
    TWILIO_NEXT_PAGE, /* scratch has the path of the next page, NUL-terminated */
    TWILIO_NO_LIST,   /* the text is no list of messages */
};

/* twilio_find: look through one page (GET Messages.json).
 * Owns: result's texts lie in scratch */
enum twilio_find twilio_find(struct text page, const struct twilio_wanted *wanted,
                             struct buffer *scratch, struct delivery_result *result);

#endif
