/* http_curl: requests carried by libcurl: for HTTP/2. As the door (http.h) has it, of which this is one
 * half. */
#ifndef OUTBOX_HTTP_CURL_H
#define OUTBOX_HTTP_CURL_H

#include "outbox/http/http_private.h"

struct http_curl;

/* Errors: ERROR_IO, ERROR_BUG when libcurl does not start. */
int http_curl_create(struct loop *loop, size_t requests_max, struct http *owner,
                     struct http_curl **out, struct error *err) MUST_USE;
void http_curl_trust(struct http_curl *curl, const char *ca_file, bool unverified);
/* http_curl_send: until its deadline. */
void http_curl_send(struct http_curl *curl, struct http_request *request);
void http_curl_close(struct http_curl *curl, void (*fn)(void *arg), void *arg);
void http_curl_destroy(struct http_curl **curl);

#endif
