/* twilio_reply: what Twilio's answer to POST Messages.json means. Pure. */
#ifndef OUTBOX_TWILIO_REPLY_H
#define OUTBOX_TWILIO_REPLY_H

#include "outbox/api/api.h"

/* twilio_judge: by the code in the body, else by the HTTP status.
 * Owns: result's texts lie in scratch, or in the reply. */
struct api_verdict twilio_judge(const struct http_reply *reply, struct buffer *scratch,
                                struct delivery_result *result);

/* twilio_judge_failed: the code of a message that Twilio took and then could not deliver. */
void twilio_judge_failed(int64_t code, struct delivery_result *result);

#endif
