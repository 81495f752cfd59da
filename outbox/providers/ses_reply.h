/* ses_reply: what SES's answers mean. Pure. */
#ifndef OUTBOX_SES_REPLY_H
#define OUTBOX_SES_REPLY_H

#include "outbox/api/api.h"

/* ses_judge: fills results[call->count]. error_type is the header x-amzn-ErrorType, or TEXT_NONE. bulk:
 * the call was SendBulkEmail, not SendEmail. */
struct api_verdict ses_judge(struct api_call *call, const struct http_reply *reply,
                             struct text error_type, bool bulk,
                             struct delivery_result *results);

#endif
