/* http1_private: what the parts of http1 share: http1.c (the life of it), http1_origin.c (which connection
 * gets a request, and when another is needed), http1_connection.c (a request and its reply). */
#ifndef OUTBOX_HTTP1_PRIVATE_H
#define OUTBOX_HTTP1_PRIVATE_H

#include "outbox/http/http1.h"
#include "outbox/http/http1_reply.h"
#include "outbox/http/http1_request.h"
#include "outbox/wire/resolve.h"
#include "outbox/wire/stream.h"

enum http1_protocol {
    HTTP1_UNKNOWN, /* until TLS has been agreed upon once */
    HTTP1_OURS,
    HTTP1_HTTP2, /* libcurl's */
};

/* Scheme, host and port, and what waits for them. */
struct http1_origin {
    struct http1 *http1;
    struct http1_origin *next;
    char *name; /* as it stands in URLs */
    bool tls;
    enum http1_protocol protocol;
    char *broken; /* why no request can go there; NULL */
    struct tls_context *trust;
    struct remote remote;
    struct resolve *resolve;       /* under way */
    int64_t resolved_ns;           /* 0: it needed nobody's answer */
    size_t address;                /* the one that was reached last */
    struct http1_connection *idle; /* the last used first */
    struct http_request *waiting, **waiting_end;
    size_t waiting_count;
    size_t connecting;       /* connections that are being made */
    size_t returning;        /* connections that can carry another request in a moment */
    struct loop_timer timer; /* for what waits */
};

enum http1_phase {
    HTTP1_CONNECTING,
    HTTP1_SECURING,
    HTTP1_IDLE,
    HTTP1_BUSY,
    HTTP1_ANSWERING, /* a reply is being told */
    HTTP1_CLOSING,
};

struct http1_connection {
    struct http1_origin *origin;
    struct http1_connection *next, *previous; /* of all */
    struct http1_connection *next_idle;
    enum http1_phase phase;
    struct stream stream;
    size_t address;        /* of the origin's */
    size_t addresses_left; /* to be tried when this one is not reached */
    struct http_request *request;
    bool handed_over; /* of the request, some was given to the kernel */
    struct http1_reply reply;
    struct loop_timer timer;
    int64_t deadline_ns;
    int64_t idle_since_ns;
};

struct http1 {
    struct loop *loop;
    struct http *owner;
    size_t connections_max;
    const char *ca_file;
    bool unverified;
    struct http1_origin *origins;
    struct http1_origin *last; /* of the last request */
    char *last_url;
    struct http1_url last_parts;
    struct http1_connection *connections; /* all, also those that close */
    size_t open;                          /* those that do not */
    bool crowded;        /* somebody waits for a connection of another origin to end */
    struct loop_op post; /* tells the end of an http1_close with nothing to wait for */
    bool closing, closed;
    void (*closed_fn)(void *arg);
    void *closed_arg;
};

/* http1_origin_find: of this URL; its parts stay until the next call. */
struct http1_origin *http1_origin_find(struct http1 *http1, const char *url);
void http1_origin_wait(struct http1_origin *origin, struct http_request *request);
/* http1_origin_serve: let requests that wait go, as far as they can. Calls no fn. */
void http1_origin_serve(struct http1_origin *origin);
/* http1_origin_ready: TLS is agreed upon, where there is any. Returns false when the connection is of no use,
 * for the server chose HTTP/2; what waited has gone. */
bool http1_origin_ready(struct http1_origin *origin, struct text protocol);
/* http1_origin_unreached: a connection could not be made. Tells those that no other one is being made for. */
void http1_origin_unreached(struct http1_origin *origin, const char *why);
void http1_origin_close(struct http1_origin *origin);
/* http1_origin_fini: with a loop that does not run any more, or behind the close. */
void http1_origin_fini(struct http1_origin *origin);

/* http1_connection_open: to one address of the origin's, and to the others behind it. */
void http1_connection_open(struct http1_origin *origin, size_t address,
                           size_t addresses_left, int64_t deadline_ns);
/* http1_connection_take: carry this request. Returns false when the connection turned out to have ended;
 * it has gone then. */
bool http1_connection_take(struct http1_connection *connection,
                           struct http_request *request);
/* http1_connection_close: at once, or politely where nothing is under way. */
void http1_connection_close(struct http1_connection *connection);
void http1_connection_free(struct http1_connection *connection);

/* http1_make_room: a connection has ended or is idle: whoever waited for one serves itself. */
void http1_make_room(struct http1 *http1);
/* http1_check_closed: something that http1_close waits for may have come to its end. */
void http1_check_closed(struct http1 *http1);

#endif
