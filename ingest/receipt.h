/* receipt: what a provider or a mail server says of a message later: it arrived, it bounced, somebody
 * complained. Pure; whatever comes from outside is data, not an error. */
#ifndef INGEST_RECEIPT_H
#define INGEST_RECEIPT_H

#include "base/arena.h"
#include "base/error.h"

/* In the order of what counts more when there is nothing else to go by. */
enum receipt_status {
    RECEIPT_NONE,
    RECEIPT_DELIVERED,
    RECEIPT_UNDELIVERED, /* for now, or because of what it said */
    RECEIPT_BOUNCED,     /* the address does not exist */
    RECEIPT_READ,
    RECEIPT_COMPLAINED,
    RECEIPT_STATUS_COUNT
};
const char *receipt_status_name(enum receipt_status status);
/* receipt_status_parse: RECEIPT_NONE for a name that is none. */
enum receipt_status receipt_status_parse(struct text name);

#define RECEIPT_CODE_BYTES 31 /* more is cut off */

struct receipt {
    struct text message_id;  /* ours, 32 hexadecimal digits; TEXT_NONE: not said */
    struct text provider_id; /* the provider's; TEXT_NONE: not said */
    struct text address;     /* whom it is about; TEXT_NONE: not said */
    struct text code;        /* "5.1.1", "30005" … or "" */
    struct text detail;
    enum receipt_status status;
    int64_t at_s;   /* calendar; 0: not said */
    int64_t seen_s; /* calendar: when it was read first; 0: now */
};

/* Called for each receipt; its texts live as long as the arena. */
typedef void receipt_fn(void *arg, const struct receipt *receipt);

/* receipt_parse: one line: JSON of ours, Twilio, SES (also within an SNS notification), SendGrid (also
 * an array), or a form as Twilio posts it. Returns how many receipts it holds: 0 for events that tell
 * nothing final; or negative.
 * Errors: ERROR_INPUT says what is wrong, without a place */
int receipt_parse(struct text line, struct arena *arena, receipt_fn *fn, void *arg,
                  struct error *err) MUST_USE;

/* receipt_parse_mail: a delivery status notification (RFC 3464), or a complaint (RFC 5965). Returns 1,
 * or 0 when the mail is neither or tells nothing final. The address is the report's, or the one in a
 * return path of ours, bounce+ann=example.org@…, to which it came. */
int receipt_parse_mail(struct text mail, struct arena *arena, struct receipt *out);

/* --- for the parsers --- */

/* receipt_message_id: the 32 digits of a Message-ID of ours, or of the id alone. */
struct text receipt_message_id(struct text value);
/* receipt_code: plain and short enough to be kept. */
struct text receipt_code(struct text value, struct arena *arena);

#endif
