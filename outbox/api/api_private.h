/* api_private: what the files of api share. api.c fills calls and sends them, api_reply.c tells what came
 * of them, api_open.c has the connections and the life of it all. */
#ifndef OUTBOX_API_PRIVATE_H
#define OUTBOX_API_PRIVATE_H

#include "outbox/api/api.h"

#define API_KEY_HEADER "Idempotency-Key: "

struct api_slot {
    struct api *api;
    struct http *http; /* its pool's */
    struct api_slot *next_free;
    struct api_call call;
};

/* Slots made together: as many as there may be connections at first, and more where that is raised
 * while running. */
struct api_pool {
    struct api *api;
    struct api_pool *next;
    struct http *http;
    bool closed;
    size_t slot_count;
    struct api_slot slots[];
};

struct api {
    struct provider *provider;
    const struct api_methods *methods;
    void *own;
    void (*free_fn)(void *own);
    char *url;
    char *headers[HTTP_HEADERS_MAX];
    size_t header_count;
    size_t batch_max;
    struct delivery_result *results; /* [batch_max], of the reply being judged */
    struct delivery *held;           /* taken, and did not fit into the last call */
    struct loop_timer patience;      /* armed: a call waits for more messages */
    int64_t patient_until_ns;        /* 0: no call waits */
    bool rate_bound;                 /* the rate cut the last call short */
    struct api_pool *pools; /* the first one made stands last, and takes own_request */
    size_t slot_count;
    size_t busy;      /* slots with a call */
    size_t under_way; /* requests, the type's own too */
    struct api_slot *free;
    struct http_request *own_request;
    void (*own_fn)(struct http_request *request, const struct http_reply *reply);
    bool closing;
};

static inline struct api *api_of(const struct provider *provider)
{
    return provider->state;
}

/* api_send: compose the call's next stage and send it. */
void api_send(struct api_slot *slot);
/* api_on_reply, api_on_patience: the fn of each slot's request and of the timer. */
void api_on_reply(struct http_request *request, const struct http_reply *reply);
void api_on_patience(struct loop_timer *timer);
void api_stop_waiting(struct api *api);
void api_return_held(struct api *api);

/* api_reply_judge: tell the provider and every message of the call what a reply means. False when the
 * call goes on with another request. */
bool api_reply_judge(struct api_slot *slot, const struct http_reply *reply);
/* api_reply_none: the same where no whole reply came. */
void api_reply_none(struct api_slot *slot, const struct http_reply *reply);

/* api_close_pools: once nothing is under way; provider_closed follows. */
void api_close_pools(struct api *api);

#endif
