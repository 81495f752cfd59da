/* fcm_reply: what FCM's answer to messages:send means. Pure. */
#ifndef OUTBOX_FCM_REPLY_H
#define OUTBOX_FCM_REPLY_H

#include "outbox/api/api.h"

/* fcm_judge: by the FCM error code in the body, else by the HTTP status. attempt and seed (any
 * number of the message's own) decide on the wait where FCM does not say how long.
 * verdict.stop with status 401 means the access token.
 * Owns: result's texts lie in scratch */
struct api_verdict fcm_judge(const struct http_reply *reply, unsigned attempt,
                             uint64_t seed, struct buffer *scratch,
                             struct delivery_result *result);

#endif
