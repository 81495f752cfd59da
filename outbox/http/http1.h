/* http1: our own client of HTTP/1.1, on the loop. One half of what is behind the door (http.h). */
#ifndef OUTBOX_HTTP1_H
#define OUTBOX_HTTP1_H

#include "outbox/http/http_private.h"

struct http1;

struct http1 *http1_create(struct loop *loop, size_t requests_max, struct http *owner);
/* http1_trust: ca_file stays. */
void http1_trust(struct http1 *http1, const char *ca_file, bool unverified);
/* http1_send: until its deadline. Returns false where the server is known to prefer HTTP/2. */
bool http1_send(struct http1 *http1, struct http_request *request);
void http1_close(struct http1 *http1, void (*fn)(void *arg), void *arg);
void http1_destroy(struct http1 **http1);

#endif
