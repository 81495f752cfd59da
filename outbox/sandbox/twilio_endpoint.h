/* twilio_endpoint: /2010-04-01/Accounts/{sid}/Messages.json as Twilio answers it: POST
 * takes a message, GET lists. https://www.twilio.com/docs/messaging/api/message-resource
 */
#ifndef OUTBOX_SANDBOX_TWILIO_ENDPOINT_H
#define OUTBOX_SANDBOX_TWILIO_ENDPOINT_H

#include "outbox/sandbox/endpoint.h"

bool twilio_serves(struct text path);
bool twilio_answer(struct endpoint *endpoint, const struct http_request *request,
                   struct buffer *out);

/* twilio_segments: what num_segments says: GSM-7 or UCS-2 units in 160/70, or 153/67
 * each. */
unsigned twilio_segments(struct text body);

#endif
