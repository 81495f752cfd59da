/* http1_request: a request as HTTP/1.1 says it (RFC 9112, 3). Pure. */
#ifndef OUTBOX_HTTP1_REQUEST_H
#define OUTBOX_HTTP1_REQUEST_H

#include "base/buffer.h"
#include "outbox/http/http.h"
#include "outbox/wire/remote.h"

/* A URL taken apart; all of it borrowed. */
struct http1_url {
    bool tls;
    struct text origin; /* "http://host:port" */
    struct text host;   /* for the header Host: without the scheme's own port */
    struct text target; /* path and query; may lack the slash in front */
};

/* http1_url_parse: of http or https, without user and blanks; a fragment is left out.
 * Errors: -1. */
int http1_url_parse(const char *url, struct http1_url *out);

/* http1_url_remote: host and port of it.
 * Errors: -1. */
int http1_url_remote(const struct http1_url *url, struct remote *out);

/* http1_request_write: append the whole request. */
void http1_request_write(struct buffer *out, const struct http1_url *url,
                         const struct http_request *request);

#endif
