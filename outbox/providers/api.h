/* api: what providers over HTTP share: slots with a request each, filled as deliveries
 * come. */
#ifndef OUTBOX_API_H
#define OUTBOX_API_H

#include "base/buffer.h"
#include "outbox/dispatch/provider.h"
#include "outbox/wire/http.h"

/* What a reply means: for the delivery, and for the provider. */
struct api_verdict {
    struct delivery_result result;
    bool slow_down;
    int64_t wait_ns; /* slow_down: what it asked for; 0: not said */
    bool stop;       /* it does not accept our credentials */
    bool broken;     /* it does not work at all: counts for the breaker */
};

struct api_methods {
    /* compose: the request's body. Returns false with result filled in when it cannot be
     * sent. */
    bool (*compose)(const struct provider_config *config, const struct delivery *delivery,
                    struct buffer *body, struct delivery_result *result);
    /* judge: a reply whose status is final. result's texts may point into the reply and
     * scratch. */
    struct api_verdict (*judge)(const struct delivery *delivery,
                                const struct http_reply *reply, struct buffer *scratch);
};

/* api_open: make provider->state. url and headers (NULL-terminated, at most
 * HTTP_HEADERS_MAX - 1; the Idempotency-Key is added) are copied. */
int api_open(struct provider *provider, const struct api_methods *methods,
             const char *url, const char *const *headers, struct error *err) MUST_USE;
void api_pump(struct provider *provider);
void api_close(struct provider *provider);
void api_destroy(struct provider *provider);

/* api_form: "&name=value" (or "name=value" at the start),
 * application/x-www-form-urlencoded. */
void api_form(struct buffer *out, const char *name, struct text value);
/* api_json: a JSON string with its quotes; ill-formed UTF-8 becomes U+FFFD. */
void api_json(struct buffer *out, struct text value);

#endif
