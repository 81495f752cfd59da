/* http1_origin: see http1_private.h.
 *
 * Requests wait for the origin, not for a connection of their own: whichever is free first takes the first
 * of them. So an address that does not answer holds up nobody whom another one could serve. */
#include "outbox/http/http1_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* Resolvers do not say for how long it holds; a minute is what libcurl takes. */
#define RESOLVED_NS (60 * NS_PER_S)

/* HTTP/2 first, as whoever has it carries many requests at once. */
static const char protocols[] = "\x02h2\x08http/1.1";

/* --- what waits --- */

static struct http_request *take_waiting(struct http1_origin *origin)
{
    struct http_request *request = origin->waiting;
    origin->waiting = request->next;
    if (!origin->waiting)
        origin->waiting_end = &origin->waiting;
    origin->waiting_count--;
    return request;
}

void http1_origin_wait(struct http1_origin *origin, struct http_request *request)
{
    request->next = NULL;
    *origin->waiting_end = request;
    origin->waiting_end = &request->next;
    origin->waiting_count++;
    if (origin->timer.heap_index == 0 || origin->timer.due_ns > request->deadline_ns)
        loop_timer_arm(origin->http1->loop, &origin->timer, request->deadline_ns);
}

/* fail_some: those of them that wait now, for fn may have others wait. */
static void fail_some(struct http1_origin *origin, size_t count, struct text why)
{
    for (; count > 0 && origin->waiting; count--)
        http_end_unsent(origin->http1->owner, take_waiting(origin), why);
}

static void on_timer(struct loop_timer *timer)
{
    struct http1_origin *origin = timer->arg;
    int64_t now_ns = loop_now_ns(origin->http1->loop);
    size_t count = origin->waiting_count;
    if (origin->broken) {
        fail_some(origin, count, text_of(origin->broken));
        return;
    }
    for (; count > 0 && origin->waiting; count--) {
        struct http_request *request = take_waiting(origin);
        if (request->deadline_ns > now_ns)
            http1_origin_wait(origin, request);
        else
            http_end_unsent(origin->http1->owner, request,
                            origin->resolve
                                ? TEXT("timed out: the host's address is not known yet")
                                : TEXT("timed out: no connection was free"));
    }
}

/* --- addresses --- */

static void on_resolved(void *arg, const struct remote *remote, const struct error *err)
{
    struct http1_origin *origin = arg;
    origin->resolve = NULL;
    if (origin->http1->closing) {
        http1_check_closed(origin->http1);
    } else if (err) {
        fail_some(origin, origin->waiting_count, text_of(err->text));
    } else {
        origin->remote = *remote;
        origin->resolved_ns = loop_now_ns(origin->http1->loop);
        origin->address = 0;
        http1_origin_serve(origin);
    }
}

static bool is_resolved(struct http1_origin *origin)
{
    int64_t now_ns = loop_now_ns(origin->http1->loop);
    if (origin->remote.count > 0 &&
        (origin->resolved_ns == 0 || now_ns - origin->resolved_ns < RESOLVED_NS))
        return true;
    if (!origin->resolve)
        origin->resolve =
            resolve_start(origin->http1->loop, &origin->remote, on_resolved, origin);
    return false;
}

/* --- connections --- */

/* One more connection, if need be instead of one that another origin does not use. */
static bool has_room(struct http1 *http1)
{
    for (struct http1_origin *at = http1->origins; at; at = at->next) {
        if (http1->open < http1->connections_max)
            return true;
        struct http1_connection *oldest = at->idle;
        while (oldest && oldest->next_idle)
            oldest = oldest->next_idle;
        if (oldest)
            http1_connection_close(oldest);
    }
    return http1->open < http1->connections_max;
}

static void connect_more(struct http1_origin *origin)
{
    struct http1 *http1 = origin->http1;
    while (origin->waiting_count > origin->connecting + origin->returning) {
        /* the first one says for all whether they go by HTTP/2 */
        if (origin->protocol == HTTP1_UNKNOWN && origin->connecting > 0)
            return;
        if (!is_resolved(origin))
            return;
        if (!has_room(http1)) {
            http1->crowded = true;
            return;
        }
        http1_connection_open(origin, origin->address, origin->remote.count - 1,
                              loop_now_ns(http1->loop) + origin->waiting->timeout_ns);
    }
}

void http1_origin_serve(struct http1_origin *origin)
{
    while (origin->waiting && origin->idle) {
        if (http1_connection_take(origin->idle, origin->waiting))
            take_waiting(origin);
    }
    if (origin->broken)
        loop_timer_arm(origin->http1->loop, &origin->timer, 0);
    else
        connect_more(origin);
}

static void hand_over(struct http1_origin *origin)
{
    struct error err;
    if (http_prepare_http2(origin->http1->owner, &err) != 0) {
        fail_some(origin, origin->waiting_count, text_of(err.text));
        return;
    }
    origin->protocol = HTTP1_HTTP2;
    while (origin->waiting)
        http_hand_over(origin->http1->owner, take_waiting(origin));
}

bool http1_origin_ready(struct http1_origin *origin, struct text protocol)
{
    bool http2 = text_is(protocol, "h2");
    if (http2)
        hand_over(origin);
    else if (origin->protocol == HTTP1_UNKNOWN)
        origin->protocol = HTTP1_OURS;
    return !http2;
}

void http1_origin_unreached(struct http1_origin *origin, const char *why)
{
    size_t coming = origin->connecting + origin->returning;
    size_t lonely = origin->waiting_count > coming ? origin->waiting_count - coming : 0;
    bool for_all = origin->protocol == HTTP1_UNKNOWN;
    fail_some(origin, for_all || lonely == 0 ? lonely : 1, text_of(why));
    http1_origin_serve(origin);
}

/* --- life --- */

static char *broken_remote(struct http1_origin *origin, const struct http1_url *url)
{
    struct error err;
    if (http1_url_remote(url, &origin->remote) != 0)
        return text_copy(TEXT("the URL is none that requests can go to"));
    struct tls_settings settings = {.host = origin->remote.host,
                                    .ca_file = origin->http1->ca_file,
                                    .unverified = origin->http1->unverified,
                                    .protocols = protocols};
    if (url->tls && tls_context_create(&settings, &origin->trust, &err) != 0)
        return text_copy(text_of(err.text));
    return NULL;
}

static struct http1_origin *create(struct http1 *http1, const struct http1_url *url)
{
    struct http1_origin *origin = calloc(1, sizeof(*origin));
    CHECK(origin);
    *origin = (struct http1_origin){.http1 = http1,
                                    .next = http1->origins,
                                    .name = text_copy(url->origin),
                                    .tls = url->tls,
                                    .protocol = url->tls ? HTTP1_UNKNOWN : HTTP1_OURS,
                                    .waiting_end = &origin->waiting,
                                    .timer = {.fn = on_timer, .arg = origin}};
    origin->broken = broken_remote(origin, url);
    if (!origin->broken)
        remote_know(&origin->remote);
    http1->origins = origin;
    return origin;
}

struct http1_origin *http1_origin_find(struct http1 *http1, const char *url)
{
    if (http1->last_url && strcmp(http1->last_url, url) == 0)
        return http1->last;
    free(http1->last_url);
    http1->last_url = text_copy(text_of(url));
    if (http1_url_parse(http1->last_url, &http1->last_parts) != 0)
        http1->last_parts = (struct http1_url){.origin = TEXT("")};
    struct http1_origin *at = http1->origins;
    while (at && !text_is(http1->last_parts.origin, at->name))
        at = at->next;
    http1->last = at ? at : create(http1, &http1->last_parts);
    return http1->last;
}

void http1_origin_close(struct http1_origin *origin)
{
    CHECK(!origin->waiting);
    loop_timer_disarm(origin->http1->loop, &origin->timer);
    (void)resolve_abandon(&origin->resolve);
}

void http1_origin_fini(struct http1_origin *origin)
{
    loop_timer_disarm(origin->http1->loop, &origin->timer);
    resolve_destroy(&origin->resolve);
    tls_context_destroy(&origin->trust);
    free(origin->name);
    free(origin->broken);
    free(origin);
}
