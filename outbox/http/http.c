/* http: see http.h.
 *
 * Two clients carry requests. HTTP/1.1 is our own (http1.h), which costs a third of libcurl's processor
 * time for each; where a server prefers HTTP/2, libcurl has it (http_curl.h), and is only made then. */
#include "outbox/http/http.h"
#include "outbox/http/http1.h"
#include "outbox/http/http_curl.h"

#include <stdlib.h>

struct http {
    struct loop *loop;
    size_t requests_max;
    size_t under_way;
    char *ca_file;
    bool unverified;
    struct http1 *http1;
    struct http_curl *curl; /* NULL: nobody needs it yet */
    bool closing;
    void (*closed_fn)(void *arg);
    void *closed_arg;
};

/* --- what comes of requests --- */

void http_end(struct http *http, struct http_request *request,
              const struct http_reply *reply)
{
    http->under_way--;
    request->fn(request, reply);
}

void http_end_unsent(struct http *http, struct http_request *request, struct text words)
{
    http_end(http, request,
             &(struct http_reply){.end = HTTP_NOT_CONNECTED, .words = words});
}

int http_prepare_http2(struct http *http, struct error *err)
{
    if (http->curl)
        return 0;
    int rc = http_curl_create(http->loop, http->requests_max, http, &http->curl, err);
    if (rc == 0)
        http_curl_trust(http->curl, http->ca_file, http->unverified);
    return rc;
}

void http_hand_over(struct http *http, struct http_request *request)
{
    http_curl_send(http->curl, request);
}

struct text http_reply_header(const struct http_reply *reply, const char *name)
{
    return reply->header_fn ? reply->header_fn(reply->carrier, name) : TEXT_NONE;
}

/* --- the door --- */

int http_create(struct loop *loop, size_t requests_max, struct http **out,
                struct error *err)
{
    (void)err;
    struct http *http = calloc(1, sizeof(*http));
    CHECK(http);
    http->loop = loop;
    http->requests_max = requests_max;
    http->http1 = http1_create(loop, requests_max, http);
    http_trust(http, "", false);
    *out = http;
    return 0;
}

void http_trust(struct http *http, const char *ca_file, bool unverified)
{
    free(http->ca_file);
    http->ca_file = text_copy(text_of(ca_file));
    http->unverified = unverified;
    http1_trust(http->http1, http->ca_file, unverified);
}

void http_send(struct http *http, struct http_request *request)
{
    CHECK(!http->closing && http->under_way < http->requests_max);
    http->under_way++;
    request->deadline_ns = loop_now_ns(http->loop) + request->timeout_ns;
    if (!http1_send(http->http1, request))
        http_hand_over(http, request);
}

static void on_curl_closed(void *arg)
{
    struct http *http = arg;
    http->closed_fn(http->closed_arg);
}

static void on_http1_closed(void *arg)
{
    struct http *http = arg;
    if (http->curl)
        http_curl_close(http->curl, on_curl_closed, http);
    else
        on_curl_closed(http);
}

void http_close(struct http *http, void (*fn)(void *arg), void *arg)
{
    CHECK(http->under_way == 0 && !http->closing);
    http->closing = true;
    http->closed_fn = fn;
    http->closed_arg = arg;
    http1_close(http->http1, on_http1_closed, http);
}

void http_destroy(struct http **http)
{
    struct http *h = *http;
    if (!h)
        return;
    http1_destroy(&h->http1);
    http_curl_destroy(&h->curl);
    free(h->ca_file);
    free(h);
    *http = NULL;
}
