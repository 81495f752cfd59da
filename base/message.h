/* message: the words for what a message is and what became of it, shared by every room.
 *
 * A message is one job × one customer × one channel. Its *disposition* is what the engine
 * decided before sending; its *outcome* is what happened at the provider. Both are
 * columns of a job, stored in its journal as the numbers below, which therefore never
 * change. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "base/hash.h"

enum channel { CHANNEL_SMS, CHANNEL_EMAIL, CHANNEL_PUSH, CHANNEL_INAPP, CHANNEL_COUNT };

enum category {
    CATEGORY_MARKETING,
    CATEGORY_TRANSACTIONAL,
    CATEGORY_MANUAL,
    CATEGORY_COUNT
};

/* How urgent a job is: whose turn it is to start, and at a provider. */
enum priority { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITY_COUNT };

enum disposition {
    DISPOSITION_NONE = 0,           /* the row is not in the audience */
    DISPOSITION_SEND = 1,           /* planned on this channel */
    DISPOSITION_FALLBACK_EMAIL = 2, /* SMS quota used up: planned as email instead */
    DISPOSITION_FROM_FALLBACK = 3,  /* the email that replaces it */
    DISPOSITION_OPTED_OUT = 4,      /* suppressed from here on */
    DISPOSITION_NOT_ENROLLED = 5,
    DISPOSITION_NO_ADDRESS = 6,      /* no email, phone or push token */
    DISPOSITION_INVALID_ADDRESS = 7, /* not a mobile number, not an email address */
    DISPOSITION_NOT_VERIFIED = 8,    /* email not verified */
    DISPOSITION_NOTIFICATIONS_OFF = 9,
    DISPOSITION_DUPLICATE = 10, /* another row has the same address */
    DISPOSITION_OTHER_CHANNEL =
        11, /* delivery "first": an earlier channel reaches the customer */
    DISPOSITION_OVER_LIMIT = 12,   /* the job's max_recipients or max_segments */
    DISPOSITION_DEAD_ADDRESS = 13, /* a provider said before that it does not exist */
    DISPOSITION_EMPTY_TEXT = 14,   /* the template renders to nothing for this customer */
    DISPOSITION_TOO_LONG = 15,     /* the text is over the channel's limit */
    DISPOSITION_QUOTA = 16,        /* SMS quota used up and the job has no fallback */
    /* SMS quota used up and the email cannot go out either: quota_then_<reason> */
    DISPOSITION_QUOTA_THEN_OPTED_OUT = 17,
    DISPOSITION_QUOTA_THEN_NO_ADDRESS = 18,
    DISPOSITION_QUOTA_THEN_INVALID_ADDRESS = 19,
    DISPOSITION_QUOTA_THEN_NOT_VERIFIED = 20,
    DISPOSITION_QUOTA_THEN_NOTIFICATIONS_OFF = 21,
    DISPOSITION_QUOTA_THEN_DUPLICATE = 22,
    DISPOSITION_QUOTA_THEN_DEAD_ADDRESS = 23,
    DISPOSITION_QUOTA_THEN_EMPTY_TEXT = 24,
    DISPOSITION_SETTLED_BEFORE = 25, /* a resend wants this customer on other channels */
    DISPOSITION_FREQUENCY_CAP = 26,  /* too many marketing messages lately */
    DISPOSITION_COUNT
};

enum outcome {
    OUTCOME_PENDING = 0, /* planned, not yet decided */
    OUTCOME_SENT = 1,    /* a provider took it */
    OUTCOME_FAILED = 2,  /* it surely did not go out and will not be tried again */
    OUTCOME_UNKNOWN = 3, /* the provider may or may not have taken it */
    OUTCOME_CANCELLED = 4,
    OUTCOME_EXPIRED = 5,
    OUTCOME_COUNT
};

/* Names as they stand in jobs, plans, reports and results; NULL-free, ASCII. */
const char *channel_name(enum channel channel);
const char *category_name(enum category category);
const char *priority_name(enum priority priority);
const char *disposition_name(enum disposition disposition);
const char *outcome_name(enum outcome outcome);

/* channel_parse, category_parse, priority_parse: the value, or -1 for a name that is none. */
int channel_parse(struct text name);
int category_parse(struct text name);
int priority_parse(struct text name);

/* disposition_sends: SEND and FROM_FALLBACK make a message; everything else does not. */
static inline bool disposition_sends(enum disposition d)
{
    return d == DISPOSITION_SEND || d == DISPOSITION_FROM_FALLBACK;
}

/* disposition_suppressed: neither sent nor moved to another channel. */
static inline bool disposition_suppressed(enum disposition d)
{
    return d >= DISPOSITION_OPTED_OUT;
}

/* disposition_after_quota: the quota_then_… twin of a reason why email cannot go out. */
enum disposition disposition_after_quota(enum disposition email_reason);

/* message_id: XXH3-128 of account, job, customer and channel, each followed by a NUL
 * byte. It is the idempotency key, the Message-ID's left part and the journal's key: the
 * same on every run. */
#define MESSAGE_ID_HEX_BYTES 32
struct hash128 message_id(struct text account, struct text job, struct text customer,
                          enum channel channel);
void message_id_hex(struct hash128 id, char out[MESSAGE_ID_HEX_BYTES + 1]);

#endif
