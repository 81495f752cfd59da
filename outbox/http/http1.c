/* http1: see http1.h. */
#include "outbox/http/http1_private.h"

#include <stdlib.h>

static void on_post(struct loop_op *op, int64_t res, const char *data)
{
    (void)res, (void)data;
    struct http1 *http1 = op->arg;
    http1->closed_fn(http1->closed_arg);
}

struct http1 *http1_create(struct loop *loop, size_t requests_max, struct http *owner)
{
    struct http1 *http1 = calloc(1, sizeof(*http1));
    CHECK(http1);
    *http1 = (struct http1){.loop = loop,
                            .owner = owner,
                            .connections_max = requests_max,
                            .post = {.fn = on_post, .arg = http1}};
    return http1;
}

void http1_trust(struct http1 *http1, const char *ca_file, bool unverified)
{
    http1->ca_file = ca_file;
    http1->unverified = unverified;
}

bool http1_send(struct http1 *http1, struct http_request *request)
{
    struct http1_origin *origin = http1_origin_find(http1, request->url);
    if (origin->protocol == HTTP1_HTTP2)
        return false;
    http1_origin_wait(origin, request);
    http1_origin_serve(origin);
    return true;
}

void http1_make_room(struct http1 *http1)
{
    if (!http1->crowded || http1->closing)
        return;
    http1->crowded = false;
    for (struct http1_origin *at = http1->origins; at; at = at->next)
        http1_origin_serve(at);
}

/* --- the end --- */

void http1_check_closed(struct http1 *http1)
{
    if (!http1->closing || http1->closed || http1->connections)
        return;
    for (const struct http1_origin *at = http1->origins; at; at = at->next) {
        if (at->resolve)
            return;
    }
    http1->closed = true;
    loop_post(http1->loop, &http1->post);
}

void http1_close(struct http1 *http1, void (*fn)(void *arg), void *arg)
{
    http1->closing = true;
    http1->closed_fn = fn;
    http1->closed_arg = arg;
    for (struct http1_origin *at = http1->origins; at; at = at->next)
        http1_origin_close(at);
    for (struct http1_connection *at = http1->connections; at; at = at->next)
        http1_connection_close(at);
    http1_check_closed(http1);
}

void http1_destroy(struct http1 **http1)
{
    struct http1 *h = *http1;
    if (!h)
        return;
    while (h->connections)
        http1_connection_free(h->connections);
    for (struct http1_origin *at = h->origins, *next; at; at = next) {
        next = at->next;
        http1_origin_fini(at);
    }
    free(h->last_url);
    free(h);
    *http1 = NULL;
}
