/* api: see api.h. */
#include "outbox/providers/api.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_HEADER "Idempotency-Key: "

struct api_slot {
    struct api *api;
    struct api_slot *next_free;
    struct api_call call;
};

struct api {
    struct provider *provider;
    const struct api_methods *methods;
    void *own;
    void (*free_fn)(void *own);
    struct http *http;
    char *url;
    char *headers[HTTP_HEADERS_MAX];
    size_t header_count;
    size_t batch_max;
    struct delivery_result *results; /* [batch_max], of the reply being judged */
    struct delivery *held;           /* taken, and did not fit into the last call */
    size_t slot_count;
    size_t under_way; /* requests, the type's own too */
    struct api_slot *free;
    struct api_slot *slots;
    struct http_request *own_request;
    void (*own_fn)(struct http_request *request, const struct http_reply *reply);
    bool closing;
};

static struct api *api_of(const struct provider *provider)
{
    return provider->state;
}

void *api_own(const struct provider *provider)
{
    return api_of(provider)->own;
}

/* --- calls --- */

static void send_call(struct api_slot *slot)
{
    struct api *api = slot->api;
    struct api_call *call = &slot->call;
    call->request.method = "POST";
    call->request.url = api->url;
    memset(call->request.headers, 0, sizeof(call->request.headers));
    memcpy(call->request.headers, api->headers, api->header_count * sizeof(char *));
    if (call->count == 1) {
        message_id_hex(call->deliveries[0]->id, call->key + sizeof(KEY_HEADER) - 1);
        call->request.headers[api->header_count] = call->key;
    }
    buffer_clear(&call->body);
    api->methods->compose(call);
    call->request.body = buffer_view(&call->body);
    api->under_way++;
    http_send(api->http, &call->request);
}

/* take: the next delivery that this provider can carry at all. */
static struct delivery *take(struct api *api)
{
    struct delivery *delivery = api->held;
    api->held = NULL;
    if (delivery)
        return delivery;
    while ((delivery = provider_take(api->provider))) {
        struct delivery_result result = {.verdict = DELIVERY_FAILED};
        if (!api->methods->refuse ||
            !api->methods->refuse(&api->provider->config, delivery, &result))
            return delivery;
        provider_done(api->provider, delivery, result);
    }
    return NULL;
}

static void gather(struct api *api, struct api_call *call)
{
    call->count = 0;
    call->stage = 0;
    for (struct delivery *next; call->count < api->batch_max && (next = take(api));) {
        if (call->count > 0 && api->methods->joins && !api->methods->joins(call, next)) {
            api->held = next;
            return;
        }
        call->deliveries[call->count++] = next;
    }
}

void api_pump(struct provider *provider)
{
    struct api *api = api_of(provider);
    while (api->free && !api->closing) {
        if (api->methods->ready && !api->methods->ready(provider))
            return;
        struct api_slot *slot = api->free;
        gather(api, &slot->call);
        if (slot->call.count == 0)
            return;
        api->free = slot->next_free;
        send_call(slot);
    }
}

void api_wake(struct provider *provider)
{
    api_pump(provider);
}

/* --- replies --- */

static void describe(const struct api *api, char out[256], unsigned status,
                     struct text words)
{
    size_t used = (size_t)snprintf(out, 256, "%.100s: ", api->url);
    if (status > 0)
        used += (size_t)snprintf(out + used, 256 - used, "HTTP %u ", status);
    snprintf(out + used, 256 - used, "%.*s", (int)(words.bytes < 120 ? words.bytes : 120),
             words.data ? words.data : "");
}

/* Returns false when the call goes on with another request. */
static bool on_final_reply(struct api_slot *slot, const struct http_reply *reply)
{
    struct api *api = slot->api;
    struct api_call *call = &slot->call;
    struct provider *provider = api->provider;
    buffer_clear(&call->scratch);
    memset(api->results, 0, call->count * sizeof(*api->results));
    struct api_verdict verdict = api->methods->judge(call, reply, api->results);
    if (verdict.stop || verdict.broken) {
        char sentence[256];
        describe(api, sentence, reply->status, api->results[0].detail);
        if (verdict.stop)
            provider_stop(provider, sentence);
        else
            provider_trouble(provider, sentence);
    } else {
        provider_ok(provider);
    }
    if (verdict.slow_down)
        provider_slow_down(provider, verdict.wait_ns);
    if (verdict.again) {
        call->stage++;
        send_call(slot);
        return false;
    }
    for (size_t i = 0; i < call->count; i++) {
        enum delivery_verdict fate = api->results[i].verdict;
        if (verdict.wait_ns > 0 &&
            (fate == DELIVERY_DEFERRED || fate == DELIVERY_UNKNOWN))
            api->results[i].retry_at_ns = loop_now_ns(provider->loop) + verdict.wait_ns;
        provider_done(provider, call->deliveries[i], api->results[i]);
    }
    return true;
}

static void on_no_reply(struct api_slot *slot, const struct http_reply *reply)
{
    struct api *api = slot->api;
    struct api_call *call = &slot->call;
    char sentence[256];
    describe(api, sentence, 0, reply->words);
    provider_trouble(api->provider, sentence);
    enum delivery_reason reason = reply->end == HTTP_TIMEOUT   ? DELIVERY_TIMEOUT
                                  : reply->end == HTTP_GARBLED ? DELIVERY_BAD_REPLY
                                                               : DELIVERY_CONNECTION_LOST;
    /* a GET has only looked */
    enum delivery_verdict fate =
        call->request.method[0] == 'G' ? DELIVERY_DEFERRED : DELIVERY_UNKNOWN;
    for (size_t i = call->count; i-- > 0;) {
        if (reply->end == HTTP_NOT_CONNECTED)
            provider_return(api->provider, call->deliveries[i]);
        else
            provider_done(api->provider, call->deliveries[i],
                          (struct delivery_result){
                              .verdict = fate, .reason = reason, .detail = reply->words});
    }
}

static void on_http_closed(void *arg)
{
    struct api *api = arg;
    provider_closed(api->provider);
}

static void go_on(struct api *api)
{
    if (!api->closing)
        api_pump(api->provider);
    else if (api->under_way == 0)
        http_close(api->http, on_http_closed, api);
}

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
    struct api_slot *slot = request->arg;
    struct api *api = slot->api;
    api->under_way--;
    bool over = true;
    if (reply->end == HTTP_REPLY)
        over = on_final_reply(slot, reply);
    else
        on_no_reply(slot, reply);
    if (over) {
        slot->next_free = api->free;
        api->free = slot;
    }
    go_on(api);
}

static void on_own_reply(struct http_request *request, const struct http_reply *reply)
{
    struct api *api = request->arg;
    api->under_way--;
    api->own_request = NULL;
    api->own_fn(request, reply);
    go_on(api);
}

void api_request(struct provider *provider, struct http_request *request)
{
    struct api *api = api_of(provider);
    CHECK(!api->own_request && !api->closing);
    api->own_request = request;
    api->own_fn = request->fn;
    request->fn = on_own_reply;
    request->arg = api;
    api->under_way++;
    http_send(api->http, request);
}

/* --- life --- */

static void make_slots(struct api *api)
{
    int64_t timeout_ns = api->provider->config.timeout_ns;
    api->slots = calloc(api->slot_count, sizeof(*api->slots));
    CHECK(api->slots);
    for (size_t i = 0; i < api->slot_count; i++) {
        struct api_slot *slot = &api->slots[i];
        *slot = (struct api_slot){.api = api, .next_free = api->free};
        slot->call = (struct api_call){
            .provider = api->provider,
            .deliveries = calloc(api->batch_max, sizeof(struct delivery *)),
            .request = {.timeout_ns = timeout_ns, .fn = on_reply, .arg = slot},
            .key = KEY_HEADER};
        CHECK(slot->call.deliveries);
        api->free = slot;
    }
}

int api_open(struct provider *provider, const struct api_methods *methods,
             const char *url, const char *const *headers, void *own,
             void (*free_fn)(void *own), struct error *err)
{
    struct api *api = calloc(1, sizeof(*api));
    CHECK(api);
    provider->state = api;
    *api = (struct api){.provider = provider,
                        .methods = methods,
                        .own = own,
                        .free_fn = free_fn,
                        .url = text_copy(text_of(url)),
                        .slot_count = provider->config.max_connections};
    for (; headers[api->header_count]; api->header_count++) {
        CHECK(api->header_count < HTTP_HEADERS_MAX - 1);
        api->headers[api->header_count] = text_copy(text_of(headers[api->header_count]));
    }
    size_t most = methods->batch_max > 0 ? methods->batch_max : 1;
    size_t wanted = provider->config.batch > 0 ? provider->config.batch : most;
    api->batch_max = wanted < most ? wanted : most;
    CHECK(api->batch_max <= API_BATCH_MAX);
    api->results = calloc(api->batch_max, sizeof(*api->results));
    CHECK(api->results);
    make_slots(api);
    /* one to spare for the type's own request */
    int rc = http_create(provider->loop, api->slot_count + 1, &api->http, err);
    if (rc == 0)
        http_trust(api->http, provider->config.tls_ca ? provider->config.tls_ca : "",
                   provider->config.tls_unverified);
    return rc;
}

void api_close(struct provider *provider)
{
    struct api *api = api_of(provider);
    api->closing = true;
    struct delivery *held = api->held;
    api->held = NULL;
    if (held)
        provider_return(provider, held);
    if (api->under_way == 0)
        http_close(api->http, on_http_closed, api);
}

void api_destroy(struct provider *provider)
{
    struct api *api = api_of(provider);
    http_destroy(&api->http);
    for (size_t i = 0; i < api->slot_count; i++) {
        buffer_fini(&api->slots[i].call.body);
        buffer_fini(&api->slots[i].call.scratch);
        free(api->slots[i].call.deliveries);
    }
    for (size_t i = 0; i < api->header_count; i++)
        free(api->headers[i]);
    if (api->free_fn)
        api->free_fn(api->own);
    free(api->results);
    free(api->slots);
    free(api->url);
    free(api);
    provider->state = NULL;
}

/* --- bodies --- */

void api_form(struct buffer *out, const char *name, struct text value)
{
    static const char hex[] = "0123456789ABCDEF";
    if (out->bytes > 0)
        buffer_byte(out, '&');
    buffer_string(out, name);
    buffer_byte(out, '=');
    char *start = buffer_room(out, value.bytes * 3);
    char *at = start;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '*') {
            *at++ = (char)c;
        } else if (c == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    out->bytes += (size_t)(at - start);
}

void api_json(struct buffer *out, struct text value)
{
    buffer_byte(out, '"');
    const char *at = value.data;
    const char *end = value.data + value.bytes;
    while (at < end) {
        const char *start = at;
        uint32_t c = utf8_next(&at, end);
        if (c == UTF8_BAD)
            buffer_string(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", (char)c);
        else if (c < 0x20)
            buffer_format(out, "\\u%04x", c);
        else
            buffer_add(out, start, (size_t)(at - start));
    }
    buffer_byte(out, '"');
}
