/* http_curl_transfer: one of libcurl's handles, which carries one request after the other. The only
 * includer of curl.h. */
#ifndef OUTBOX_HTTP_CURL_TRANSFER_H
#define OUTBOX_HTTP_CURL_TRANSFER_H

#include "base/buffer.h"
#include "outbox/http/http.h"

#include <curl/curl.h>

struct http_curl;

struct http_curl_transfer {
    struct http_curl *curl;
    CURL *easy;
    CURLU *url; /* known_url, parsed */
    char *known_url;
    struct http_curl_transfer *next_free;
    struct http_request *request;
    struct curl_slist headers[HTTP_HEADERS_MAX + 2]; /* two of ours, and the request's */
    long timeout_ms;                                 /* libcurl knows it already */
    unsigned attempts; /* how often libcurl was about to send it, but for refused ones */
    int port;          /* ours, of the connection of the last attempt; 0: none yet */
    uint32_t stream;   /* there, with HTTP/2; else 0 */
    bool refused;      /* the server has said that it will not look at that attempt */
    bool http2;        /* the last reply came by it */
    bool telling;      /* libcurl tells what it does, which costs it a tenth more */
    bool truncated;
    struct buffer body;
    char words[CURL_ERROR_SIZE];
};

/* http_curl_transfer_init: with everything that is the same for all requests.
 * Errors: -1 when libcurl does not start; http_curl_transfer_fini is due all the same. */
int http_curl_transfer_init(struct http_curl_transfer *transfer,
                            struct http_curl *curl) MUST_USE;
/* http_curl_transfer_fini: not while a multi handle has it. The reply's body stays. */
void http_curl_transfer_fini(struct http_curl_transfer *transfer);
/* http_curl_transfer_trust: see http_trust. */
void http_curl_transfer_trust(struct http_curl_transfer *transfer, const char *ca_file,
                              bool unverified);

/* http_curl_transfer_take: make the handle ready for a request. */
void http_curl_transfer_take(struct http_curl_transfer *transfer,
                             struct http_request *request, int64_t timeout_ns);
/* http_curl_transfer_hear: a line of what libcurl says that it does with the request. Returns true for
 * HTTP/2's GOAWAY: of what is on the connection, streams above *last_out are not looked at. */
bool http_curl_transfer_hear(struct http_curl_transfer *transfer, struct text words,
                             uint32_t *last_out);
/* http_curl_transfer_reply: what came of the request that ended with this code.
 * Owns:  valid until the transfer takes the next one. */
struct http_reply http_curl_transfer_reply(struct http_curl_transfer *transfer,
                                           CURLcode code);

#endif
