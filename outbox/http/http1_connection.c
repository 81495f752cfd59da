/* http1_connection: see http1_private.h. Requests go one after the other: were they pipelined, one that is
 * lost would leave those behind it in doubt as well. */
#include "outbox/http/http1_private.h"

#include "base/clock.h"
#include "outbox/http/http_date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Connections idle for longer are not used again: many servers drop them about then, and
 * a request that meets the drop ends as "lost". */
#define IDLE_NS (30 * NS_PER_S)
/* So much of a request is gone at once, and the loop has only not said so yet where its reply comes first;
 * a server that answers while more is on its way may never read that. */
#define GONE_BYTES (16 * 1024)
/* One that was idle for this long may have ended without our having heard of it yet. */
#define LOOK_NS (50 * NS_PER_MS)
/* After so long another address is tried beside one that does not answer (RFC 8305, 5). */
#define OVERTAKE_NS (250 * NS_PER_MS)

static void set_phase(struct http1_connection *c, enum http1_phase phase)
{
    bool before = c->phase <= HTTP1_SECURING, after = phase <= HTTP1_SECURING;
    c->origin->connecting += (size_t)after - (size_t)before;
    c->origin->returning +=
        (size_t)(phase == HTTP1_ANSWERING) - (size_t)(c->phase == HTTP1_ANSWERING);
    c->phase = phase;
}

/* An armed timer that is early looks again; moving it for each request would cost more. */
static void set_deadline(struct http1_connection *c, int64_t deadline_ns)
{
    struct loop *loop = c->origin->http1->loop;
    c->deadline_ns = deadline_ns;
    if (c->timer.heap_index == 0 || c->timer.due_ns > deadline_ns)
        loop_timer_arm(loop, &c->timer, deadline_ns);
}

/* --- the end --- */

static void leave_idle(struct http1_connection *c)
{
    struct http1_connection **at = &c->origin->idle;
    while (*at != c)
        at = &(*at)->next_idle;
    *at = c->next_idle;
}

void http1_connection_close(struct http1_connection *c)
{
    struct http1 *http1 = c->origin->http1;
    if (c->phase == HTTP1_CLOSING)
        return;
    if (c->phase == HTTP1_IDLE)
        leave_idle(c);
    bool politely = c->phase >= HTTP1_SECURING && c->phase != HTTP1_BUSY;
    set_phase(c, HTTP1_CLOSING);
    http1->open--;
    loop_timer_disarm(http1->loop, &c->timer);
    stream_close(&c->stream, politely);
}

void http1_connection_free(struct http1_connection *c)
{
    struct http1 *http1 = c->origin->http1;
    if (c->next)
        c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else
        http1->connections = c->next;
    loop_timer_disarm(http1->loop, &c->timer);
    stream_fini(&c->stream);
    http1_reply_fini(&c->reply);
    free(c);
}

static void on_closed(void *arg)
{
    struct http1_connection *c = arg;
    struct http1 *http1 = c->origin->http1;
    http1_connection_free(c);
    http1_make_room(http1);
    http1_check_closed(http1);
}

/* drop: it ends, and nobody counts on it any more. */
static void drop(struct http1_connection *c)
{
    http1_connection_close(c);
    http1_origin_serve(c->origin);
}

/* --- replies --- */

static void become_idle(struct http1_connection *c)
{
    struct http1_origin *origin = c->origin;
    set_phase(c, HTTP1_IDLE);
    c->idle_since_ns = loop_now_ns(origin->http1->loop);
    c->next_idle = origin->idle;
    origin->idle = c;
    set_deadline(c, c->idle_since_ns + IDLE_NS);
    http1_origin_serve(origin);
    http1_make_room(origin->http1);
}

static struct text header(const void *carrier, const char *name)
{
    return http1_reply_field(carrier, name);
}

/* What fn sends may already count on this connection, but goes only once the reply is done with. */
static void answer(struct http1_connection *c, const struct http_reply *reply, bool keeps)
{
    struct http1_origin *origin = c->origin;
    struct http_request *request = c->request;
    c->request = NULL;
    if (keeps)
        set_phase(c, HTTP1_ANSWERING);
    else
        http1_connection_close(c);
    http_end(origin->http1->owner, request, reply);
    if (c->phase == HTTP1_ANSWERING && !c->stream.sending)
        become_idle(c);
}

static void answer_reply(struct http1_connection *c, bool keeps)
{
    const struct http1_reply *reply = &c->reply;
    struct text wait = http1_reply_field(reply, "Retry-After");
    answer(
        c,
        &(struct http_reply){
            .end = HTTP_REPLY,
            .status = reply->status,
            .body = reply->body,
            .truncated = reply->truncated,
            .retry_after_ns = wait.data ? http_retry_after_ns(wait, clock_now_ns()) : 0,
            .header_fn = header,
            .carrier = reply,
        },
        keeps);
}

/* give_up: no whole reply came. With a final status the server has spoken all the same. */
static void give_up(struct http1_connection *c, enum http_end end, bool in_order,
                    const char *why)
{
    if (end != HTTP_GARBLED)
        http1_reply_cut(&c->reply, in_order);
    if (end != HTTP_GARBLED && c->reply.status >= 200) {
        answer_reply(c, false);
        return;
    }
    struct http_reply reply = {.end = c->handed_over ? end : HTTP_NOT_CONNECTED,
                               .words = text_of(why)};
    answer(c, &reply, false);
}

static void on_received(void *arg, const char *data, size_t bytes)
{
    struct http1_connection *c = arg;
    if (c->phase != HTTP1_BUSY) { /* nobody asked */
        drop(c);
        return;
    }
    const char *end = data + bytes;
    int got = http1_reply_feed(&c->reply, &data, end);
    if (got < 0)
        give_up(c, HTTP_GARBLED, false, "what came back is not HTTP");
    else if (got > 0)
        answer_reply(c, c->reply.keeps && data == end &&
                            (!c->stream.sending || c->stream.flying.bytes <= GONE_BYTES));
}

/* --- requests --- */

static bool has_ended(const struct http1_connection *c)
{
    char byte;
    ssize_t got = recv(c->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool http1_connection_take(struct http1_connection *c, struct http_request *request)
{
    struct http1 *http1 = c->origin->http1;
    int64_t idle_ns = loop_now_ns(http1->loop) - c->idle_since_ns;
    if (idle_ns > IDLE_NS || (idle_ns > LOOK_NS && has_ended(c))) {
        http1_connection_close(c);
        return false;
    }
    leave_idle(c);
    set_phase(c, HTTP1_BUSY);
    c->request = request;
    http1_reply_begin(&c->reply, HTTP_REPLY_BYTES_MAX);
    http1_origin_find(http1, request->url);
    http1_request_write(&c->stream.out, &http1->last_parts, request);
    c->handed_over = stream_flush(&c->stream);
    set_deadline(c, request->deadline_ns);
    return true;
}

static void on_sent(void *arg)
{
    struct http1_connection *c = arg;
    if (c->phase == HTTP1_BUSY && !c->handed_over)
        c->handed_over = stream_flush(&c->stream);
    else if (c->phase == HTTP1_ANSWERING)
        become_idle(c);
}

/* --- from connect to the first request --- */

/* One address has answered. Those that are still tried may take until their time is over, and whoever comes
 * would wait for them, as they are being made already (RFC 8305, 5). */
static void close_others(const struct http1_connection *c)
{
    struct http1_connection *at = c->origin->http1->connections;
    for (; at; at = at->next) {
        if (at->origin == c->origin && at->phase == HTTP1_CONNECTING &&
            at->address != c->address)
            http1_connection_close(at);
    }
}

static void ready(struct http1_connection *c, struct text protocol)
{
    c->origin->address = c->address;
    close_others(c);
    if (http1_origin_ready(c->origin, protocol))
        become_idle(c);
    else
        http1_connection_close(c);
}

static void on_connected(void *arg)
{
    struct http1_connection *c = arg;
    if (!c->origin->tls) {
        ready(c, TEXT_NONE);
        return;
    }
    set_phase(c, HTTP1_SECURING);
    stream_secure(&c->stream, c->origin->trust);
}

static void on_secured(void *arg)
{
    struct http1_connection *c = arg;
    ready(c, tls_protocol(c->stream.tls));
}

static void open_next(struct http1_connection *c)
{
    size_t left = c->addresses_left;
    c->addresses_left = 0;
    http1_connection_open(c->origin, c->address + 1, left - 1, c->deadline_ns);
}

static void on_failed(void *arg, enum stream_failure failure, const char *why)
{
    struct http1_connection *c = arg;
    bool connecting = c->phase <= HTTP1_SECURING;
    if (c->phase == HTTP1_BUSY) {
        bool in_order = failure == STREAM_ENDED;
        give_up(c, HTTP_LOST, in_order,
                in_order ? "it closed the connection without a reply" : why);
        return;
    }
    http1_connection_close(c);
    if (failure == STREAM_UNREACHED && c->addresses_left > 0)
        open_next(c);
    else if (connecting)
        http1_origin_unreached(c->origin, why);
    else
        http1_origin_serve(c->origin);
}

static void on_timer(struct loop_timer *timer)
{
    struct http1_connection *c = timer->arg;
    struct http1_origin *origin = c->origin;
    char why[80];
    bool early = loop_now_ns(origin->http1->loop) < c->deadline_ns;
    if (early && c->phase == HTTP1_CONNECTING && c->addresses_left > 0)
        open_next(c); /* whichever is the first */
    if (early) {
        loop_timer_arm(origin->http1->loop, timer, c->deadline_ns);
    } else if (c->phase == HTTP1_BUSY) {
        snprintf(why, sizeof(why), "timed out: no whole reply within %.3g s",
                 (double)c->request->timeout_ns / NS_PER_S);
        give_up(c, HTTP_TIMEOUT, false, why);
    } else if (c->phase > HTTP1_SECURING) {
        drop(c);
    } else {
        bool securing = c->phase == HTTP1_SECURING;
        http1_connection_close(c);
        http1_origin_unreached(origin, securing ? "timed out: TLS was not agreed upon"
                                                : "timed out: no connection was made");
    }
}

static const struct stream_events stream_events = {
    .connected = on_connected,
    .secured = on_secured,
    .received = on_received,
    .sent = on_sent,
    .failed = on_failed,
    .closed = on_closed,
};

void http1_connection_open(struct http1_origin *origin, size_t address,
                           size_t addresses_left, int64_t deadline_ns)
{
    struct http1 *http1 = origin->http1;
    struct http1_connection *c = calloc(1, sizeof(*c));
    CHECK(c);
    c->origin = origin;
    c->address = address % origin->remote.count;
    c->addresses_left = addresses_left;
    c->timer = (struct loop_timer){.fn = on_timer, .arg = c};
    c->next = http1->connections;
    if (c->next)
        c->next->previous = c;
    http1->connections = c;
    http1->open++;
    origin->connecting++;
    stream_open(&c->stream, http1->loop,
                (const struct sockaddr *)&origin->remote.addresses[c->address],
                origin->remote.address_bytes[c->address], &stream_events, c);
    int64_t overtaken_ns = loop_now_ns(http1->loop) + OVERTAKE_NS;
    c->deadline_ns = deadline_ns;
    loop_timer_arm(http1->loop, &c->timer,
                   addresses_left > 0 && overtaken_ns < deadline_ns ? overtaken_ns
                                                                    : deadline_ns);
}
