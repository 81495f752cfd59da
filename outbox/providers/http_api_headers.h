/* http_api_headers: the header lines that volley.yaml gives a provider of type "http". */
#ifndef OUTBOX_HTTP_API_HEADERS_H
#define OUTBOX_HTTP_API_HEADERS_H

#include "outbox/dispatch/provider.h"
#include "outbox/http/http.h"

#define HTTP_API_HEADERS_MAX  (HTTP_HEADERS_MAX - 1) /* the Idempotency-Key is one too */
#define HTTP_API_HEADER_BYTES 4096

struct http_api_headers {
    char lines[HTTP_API_HEADERS_MAX][HTTP_API_HEADER_BYTES];
    const char *list[HTTP_API_HEADERS_MAX + 1]; /* NULL-terminated */
    size_t count;
    bool too_much;
};

/* http_api_headers_check: whether requests can have them.
 * Errors: ERROR_CONFIG. */
int http_api_headers_check(const struct provider_config *config,
                           struct error *err) MUST_USE;

/* http_api_headers_make: with Content-Type and the login.
 * Owns: *out is the caller's to free. Errors: ERROR_CONFIG when they do not fit. */
int http_api_headers_make(const struct provider_config *config,
                          struct http_api_headers **out, struct error *err) MUST_USE;

#endif
