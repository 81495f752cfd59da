/* http_private: what those who carry requests tell the door. */
#ifndef OUTBOX_HTTP_PRIVATE_H
#define OUTBOX_HTTP_PRIVATE_H

#include "outbox/http/http.h"

/* http_end: this came of the request; calls its fn, so from the loop. */
void http_end(struct http *http, struct http_request *request,
              const struct http_reply *reply);

/* http_end_unsent: nothing of it was sent, for this reason. */
void http_end_unsent(struct http *http, struct http_request *request, struct text words);

/* http_prepare_http2: before the first http_hand_over. */
int http_prepare_http2(struct http *http, struct error *err) MUST_USE;
/* http_hand_over: its server prefers HTTP/2, and nothing of it was sent. */
void http_hand_over(struct http *http, struct http_request *request);

#endif
