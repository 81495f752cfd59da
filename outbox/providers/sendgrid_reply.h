/* sendgrid_reply: what SendGrid's answers mean. Pure. */
#ifndef OUTBOX_SENDGRID_REPLY_H
#define OUTBOX_SENDGRID_REPLY_H

#include "outbox/api/api.h"

/* The headers that matter; TEXT_NONE where there is none. */
struct sendgrid_headers {
    struct text message_id;  /* X-Message-Id */
    struct text limit_reset; /* X-RateLimit-Reset, seconds since 1970 */
};

/* sendgrid_judge: fills results[call->count].
 * Units: now_s are seconds since 1970. */
struct api_verdict sendgrid_judge(struct api_call *call, const struct http_reply *reply,
                                  struct sendgrid_headers headers, int64_t now_s,
                                  struct delivery_result *results);

#endif
