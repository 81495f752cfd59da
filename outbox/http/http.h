/* http: requests over kept-alive connections, on the loop.
 *
 * HTTP/1.1, and HTTP/2 over TLS where the server has it. No redirects, no cookies, no
 * proxy. What comes back says whether the server can have seen the request, because a
 * message must not be sent twice: a POST is never repeated behind the caller's back. */
#ifndef OUTBOX_HTTP_H
#define OUTBOX_HTTP_H

#include "base/text.h"
#include "outbox/loop/loop.h"

#define HTTP_HEADERS_MAX 8
#define HTTP_REPLY_BYTES_MAX                                                             \
    (512 * 1024) /* a batch of 1000 is answered with some 200 KB */

enum http_end {
    HTTP_REPLY,         /* status and body say it */
    HTTP_NOT_CONNECTED, /* nothing of the request was sent */
    HTTP_LOST,          /* some of it was, and no whole reply came */
    HTTP_TIMEOUT,       /* the same, by the clock */
    HTTP_GARBLED,       /* what came back is not HTTP */
};

struct http_reply {
    enum http_end end;
    unsigned status;
    struct text body; /* the first HTTP_REPLY_BYTES_MAX of it */
    bool truncated;   /* the body is not whole: too long, or the connection broke in it */
    int64_t retry_after_ns; /* 0: not said */
    struct text words;      /* not a reply: why, in one sentence */
    /* for http_reply_header; NULL: no headers are known */
    struct text (*header_fn)(const void *carrier, const char *name);
    const void *carrier;
};

/* All of it stays until fn is called. */
struct http_request {
    const char *method; /* "POST" or "GET" */
    const char *url;
    const char *headers[HTTP_HEADERS_MAX + 1]; /* "Name: value", NULL-terminated */
    struct text body;
    int64_t timeout_ns; /* connect, and the whole of it */
    void (*fn)(struct http_request *request, const struct http_reply *reply);
    void *arg; /* the caller's */
    /* the client's own from here on */
    struct http_request *next;
    int64_t deadline_ns;
};

struct http;

/* http_create: at most so many requests at once.
 * Errors: none today. */
int http_create(struct loop *loop, size_t requests_max, struct http **out,
                struct error *err) MUST_USE;

/* http_trust: which servers to believe over TLS; before the first request. ca_file: PEM, "": the
 * system's; unverified: any. */
void http_trust(struct http *http, const char *ca_file, bool unverified);

/* http_send: start a request. CHECK: fewer than requests_max are under way. fn comes from
 * the loop. */
void http_send(struct http *http, struct http_request *request);

/* http_reply_header: the value of a reply's header by its name, whatever its case; the first one where
 * there are several; TEXT_NONE where there is none.
 * Owns:  valid until fn returns. */
struct text http_reply_header(const struct http_reply *reply, const char *name);

/* http_close: close idle connections; fn is called when nothing is pending in the loop
 * any more. CHECK: no request is under way. */
void http_close(struct http *http, void (*fn)(void *arg), void *arg);

/* http_destroy: behind http_close, or with a loop that does not run any more. */
void http_destroy(struct http **http);

/* http_url_ok: an http:// or https:// URL with a host and without user, query and
 * fragment. */
bool http_url_ok(struct text url);

/* http_basic_auth: "Authorization: Basic …" (RFC 7617).
 * Errors: -1 when it does not fit. */
int http_basic_auth(const char *user, const char *password, char *out, size_t out_bytes);

#endif
