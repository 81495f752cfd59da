/* api: what providers over HTTP share: slots with a call each, filled as deliveries come.
 *
 * A call carries one message, or as many as the type and `batch:` allow. It leaves when it is full or
 * nothing more is on its way; for more that is (intents being written, a rate that lets them through a
 * few at a time) it waits 15 ms at most. */
#ifndef OUTBOX_API_H
#define OUTBOX_API_H

#include "base/buffer.h"
#include "outbox/dispatch/provider.h"
#include "outbox/http/http.h"

#define API_BATCH_MAX 1000

/* One call being composed or judged. */
struct api_call {
    struct provider *provider;
    struct delivery **deliveries;
    size_t count;
    struct buffer body;
    size_t load; /* joins': 0 before the first message, e.g. bytes so far */
    struct buffer
        scratch; /* compose's, e.g. for headers; then api_keep's. Stays from stage to stage */
    struct http_request
        request;  /* url and headers are preset; compose may replace them by its own */
    char key[64]; /* the Idempotency-Key header of a call with one message */
    int stage;    /* the type's: 0 when first composed; see next */
};

/* What a reply means: for the provider, and through results for each message. */
struct api_verdict {
    bool slow_down;
    int64_t wait_ns; /* slow_down: what it asked for; 0: not said */
    bool stop;       /* it does not accept our credentials */
    bool broken;     /* it does not work at all: counts for the breaker */
    bool again; /* nothing is decided: compose the next stage, e.g. looked up, now send */
    /* it surely took nothing because of a message it does not name: all go again, in calls an eighth
     * the size, until the culprit is alone. For a call of one message the result counts. */
    bool split;
};

struct api_methods {
    size_t batch_max; /* messages a call can carry; 0: one */
    /* joins: may this message travel in the call? The first one does whatever is said. NULL: yes. */
    bool (*joins)(struct api_call *call, const struct delivery *delivery);
    /* refuse: what cannot be sent at all ends here, with result filled in. NULL: nothing. */
    bool (*refuse)(const struct provider_config *config, const struct delivery *delivery,
                   struct delivery_result *result);
    /* ready: may calls be made now? api_wake when that changes (a token was fetched). NULL: yes. */
    bool (*ready)(struct provider *provider);
    /* compose: the call's body, and where they differ its method, url and headers. */
    void (*compose)(struct api_call *call);
    /* judge: a reply with a status. results[call->count] are zero; their texts point into the reply or
     * come from api_keep. DEFERRED with the reason OK: not looked at because of others; it goes again
     * at once. */
    struct api_verdict (*judge)(struct api_call *call, const struct http_reply *reply,
                                struct delivery_result *results);
};

/* api_open: make provider->state. url and headers (NULL-terminated, at most HTTP_HEADERS_MAX - 1; the
 * Idempotency-Key is added to calls of one message) are copied. own: the type's, freed by free_fn
 * behind everything else; both may be NULL. */
int api_open(struct provider *provider, const struct api_methods *methods,
             const char *url, const char *const *headers, void *own,
             void (*free_fn)(void *own), struct error *err) MUST_USE;
void *api_own(const struct provider *provider);

/* api_keep: a copy of t for a result; TEXT_NONE stays that. All copies of a call together are at most as
 * long as the reply's body, so that earlier ones never move; what does not fit is cut off. */
struct text api_keep(struct api_call *call, struct text t);

/* api_request: a request of the type's own (a token), beside the calls; one at a time. fn is called
 * as http_request says. */
void api_request(struct provider *provider, struct http_request *request);
/* api_wake: ready may say yes now. */
void api_wake(struct provider *provider);

void api_pump(struct provider *provider);
void api_reconfigure(struct provider *provider);
void api_close(struct provider *provider);
void api_destroy(struct provider *provider);

/* api_act: do to the message what a reply means: result's verdict, reason and address_dead are set, its
 * texts stay. What it does to the provider is added to the call's verdict.
 * Units: wait_ns is how long the provider asks to wait, where that defers the message; 0: not said */
void api_act(enum provider_meaning means, int64_t wait_ns, struct api_verdict *verdict,
             struct delivery_result *result);
/* api_act_all: the same for every message of the call. */
struct api_verdict api_act_all(enum provider_meaning means, int64_t wait_ns,
                               struct text detail, const struct api_call *call,
                               struct delivery_result *results);

/* api_judge_status: what a status alone means where the provider says nothing better: the table in
 * docs/providers.md under webhook. Fills every result. */
struct api_verdict api_judge_status(const struct api_call *call,
                                    const struct http_reply *reply,
                                    struct delivery_result *results);

/* api_form: "&name=value" (or "name=value" at the start),
 * application/x-www-form-urlencoded. */
void api_form(struct buffer *out, const char *name, struct text value);
/* api_json: a JSON string with its quotes; ill-formed UTF-8 becomes U+FFFD. */
void api_json(struct buffer *out, struct text value);
/* The same without the name, without the quotes. */
void api_form_value(struct buffer *out, struct text value);
void api_json_value(struct buffer *out, struct text value);

#endif
