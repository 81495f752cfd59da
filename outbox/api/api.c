/* api: see api.h. */
#include "outbox/api/api.h"

#include "base/clock.h"
#include "base/log.h"
#include "outbox/api/rate_headers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_HEADER "Idempotency-Key: "

/* How long a call may wait for more messages. Below the 20 ms of rate that a limiter saves up, so that
 * waiting costs no rate. */
#define PATIENCE_NS (15 * NS_PER_MS)

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
    call->request.timeout_ns = api->provider->config.timeout_ns;
    memset(call->request.headers, 0, sizeof(call->request.headers));
    memcpy(call->request.headers, api->headers, api->header_count * sizeof(char *));
    if (call->count == 1) {
        message_id_hex(call->deliveries[0]->id, call->key + sizeof(KEY_HEADER) - 1);
        call->request.headers[api->header_count] = call->key;
    }
    buffer_clear(&call->body);
    if (call->stage == 0) /* else it has what judge left for this stage */
        buffer_clear(&call->scratch);
    api->methods->compose(call);
    call->request.body = buffer_view(&call->body);
    api->under_way++;
    http_send(slot->http, &call->request);
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

/* The most that a call with this message may carry: see split. */
static size_t share(const struct api *api, const struct delivery *delivery)
{
    size_t most = api->batch_max;
    for (unsigned i = 0; i < delivery->returns && most > 1; i++)
        most /= 8;
    return most > 1 ? most : 1;
}

/* Returns true when nothing more could be taken. */
static bool gather(struct api *api, struct api_call *call)
{
    size_t most = api->batch_max;
    call->count = 0;
    call->stage = 0;
    call->load = 0;
    while (call->count < most) {
        struct delivery *next = take(api);
        if (!next)
            return true;
        size_t own_most = share(api, next);
        bool joins = call->count < own_most &&
                     (!api->methods->joins || api->methods->joins(call, next));
        if (call->count > 0 && !joins) {
            api->held = next;
            return false;
        }
        most = own_most < most ? own_most : most;
        call->deliveries[call->count++] = next;
    }
    return false;
}

/* --- patience --- */

static void wait_for_more(struct api *api, int64_t now_ns)
{
    api->patient_until_ns = now_ns + PATIENCE_NS;
    loop_timer_arm(api->provider->loop, &api->patience, api->patient_until_ns);
}

static void stop_waiting(struct api *api)
{
    api->patient_until_ns = 0;
    api->rate_bound = false;
    loop_timer_disarm(api->provider->loop, &api->patience);
}

/* Is a call better off later, with more messages? */
static bool is_patient(struct api *api)
{
    if (api->batch_max == 1)
        return false;
    int64_t now_ns = loop_now_ns(api->provider->loop);
    size_t coming = provider_coming(api->provider);
    size_t waiting = provider_waiting(api->provider);
    size_t ready = (waiting > coming ? waiting - coming : 0) + (api->held ? 1 : 0);
    bool more = api->rate_bound || (ready > 0 && ready < api->batch_max && coming > 0);
    if (more && api->patient_until_ns == 0)
        wait_for_more(api, now_ns);
    if (more && now_ns < api->patient_until_ns)
        return true;
    if (api->patient_until_ns > 0)
        stop_waiting(api);
    return false;
}

/* A call left that is not full though more messages are ready: the rate held them back. What it lets
 * through next waits for company. */
static void note_rate(struct api *api)
{
    if (api->batch_max == 1 ||
        provider_waiting(api->provider) <= provider_coming(api->provider))
        return;
    api->rate_bound = true;
    wait_for_more(api, loop_now_ns(api->provider->loop));
}

static void on_patience(struct loop_timer *timer)
{
    struct api *api = timer->arg;
    api_pump(api->provider);
}

static void return_held(struct api *api)
{
    struct delivery *held = api->held;
    api->held = NULL;
    if (held)
        provider_return(api->provider, held);
}

void api_pump(struct provider *provider)
{
    struct api *api = api_of(provider);
    if (api->held && !provider_keeps(provider, api->held))
        return_held(api);
    while (api->free && !api->closing && api->busy < provider->config.max_connections) {
        if ((api->methods->ready && !api->methods->ready(provider)) || is_patient(api))
            return;
        struct api_slot *slot = api->free;
        bool dry = gather(api, &slot->call);
        if (slot->call.count == 0)
            return;
        if (dry)
            note_rate(api);
        api->free = slot->next_free;
        api->busy++;
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
    size_t shown = strcspn(api->url, "?"); /* a key may stand behind it */
    size_t used =
        (size_t)snprintf(out, 256, "%.*s: ", shown < 100 ? (int)shown : 100, api->url);
    if (status > 0)
        used += (size_t)snprintf(out + used, 256 - used, "HTTP %u ", status);
    snprintf(out + used, 256 - used, "%.*s", (int)(words.bytes < 120 ? words.bytes : 120),
             words.data ? words.data : "");
}

struct text api_keep(struct api_call *call, struct text t)
{
    struct buffer *scratch = &call->scratch;
    size_t room =
        scratch->capacity_bytes - scratch->bytes - 1; /* the NUL behind the last */
    if (!t.data)
        return t;
    struct text copy = {scratch->data + scratch->bytes, t.bytes < room ? t.bytes : room};
    buffer_add(scratch, t.data, copy.bytes);
    return copy;
}

static struct text first_detail(const struct api *api, const struct api_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        if (api->results[i].detail.data)
            return api->results[i].detail;
    }
    return TEXT_NONE;
}

static void tell_health(struct api *api, const struct api_call *call,
                        const struct api_verdict *verdict, unsigned status)
{
    if (verdict->stop || verdict->broken) {
        char sentence[256];
        describe(api, sentence, status, first_detail(api, call));
        if (verdict->stop)
            provider_stop(api->provider, sentence);
        else
            provider_trouble(api->provider, sentence);
    } else {
        provider_ok(api->provider);
    }
    if (verdict->slow_down)
        provider_slow_down(api->provider, verdict->wait_ns);
}

static bool goes_at_once(const struct delivery_result *result)
{
    return result->verdict == DELIVERY_DEFERRED && result->reason == DELIVERY_OK;
}

/* Those that go again at once are given back last to first, so that they keep their order. */
static void tell_fates(struct api *api, struct api_call *call,
                       const struct api_verdict *verdict)
{
    struct provider *provider = api->provider;
    bool split = verdict->split && call->count > 1;
    for (size_t i = 0; i < call->count; i++) {
        struct delivery_result *result = &api->results[i];
        if (split || goes_at_once(result))
            continue;
        if (verdict->wait_ns > 0 &&
            (result->verdict == DELIVERY_DEFERRED || result->verdict == DELIVERY_UNKNOWN))
            result->retry_at_ns = loop_now_ns(provider->loop) + verdict->wait_ns;
        provider_done(provider, call->deliveries[i], *result);
    }
    for (size_t i = call->count; i-- > 0;) {
        if (split)
            call->deliveries[i]->returns++;
        if (split || goes_at_once(&api->results[i]))
            provider_return(provider, call->deliveries[i]);
    }
}

/* What is told of a failure without words. */
static void word_failures(struct api *api, const struct api_call *call, unsigned status,
                          char words[16])
{
    words[0] = '\0';
    for (size_t i = 0; i < call->count; i++) {
        struct delivery_result *result = &api->results[i];
        if (result->detail.bytes > 0 || result->verdict == DELIVERY_SENT)
            continue;
        if (words[0] == '\0')
            snprintf(words, 16, "HTTP %u", status);
        result->detail = text_of(words);
    }
}

/* Returns false when the call goes on with another request. */
static bool on_final_reply(struct api_slot *slot, const struct http_reply *reply)
{
    struct api *api = slot->api;
    struct api_call *call = &slot->call;
    buffer_clear(&call->scratch);
    buffer_room(&call->scratch, reply->body.bytes);
    memset(api->results, 0, call->count * sizeof(*api->results));
    struct api_verdict verdict = api->methods->judge(call, reply, api->results);
    tell_health(api, call, &verdict, reply->status);
    struct rate_headers limits;
    if (rate_headers_read(reply, &limits))
        provider_allowance(api->provider, limits.remaining * api->batch_max,
                           limits.reset_ns);
    if (verdict.again) {
        call->stage++;
        send_call(slot);
        return false;
    }
    char words[16];
    word_failures(api, call, reply->status, words);
    tell_fates(api, call, &verdict);
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

static void close_pools(struct api *api);

static void on_http_closed(void *arg)
{
    struct api_pool *pool = arg;
    pool->closed = true;
    close_pools(pool->api);
}

/* close_pools: one after the other. */
static void close_pools(struct api *api)
{
    struct api_pool *pool = api->pools;
    while (pool && pool->closed)
        pool = pool->next;
    if (pool)
        http_close(pool->http, on_http_closed, pool);
    else
        provider_closed(api->provider);
}

static void go_on(struct api *api)
{
    if (!api->closing)
        api_pump(api->provider);
    else if (api->under_way == 0)
        close_pools(api);
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
        api->busy--;
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
    struct api_pool *pool = api->pools;
    while (pool->next)
        pool = pool->next;
    http_send(pool->http, request);
}

/* --- life --- */

static int add_pool(struct api *api, size_t slot_count, struct error *err)
{
    const struct provider_config *config = &api->provider->config;
    struct api_pool *pool =
        calloc(1, sizeof(*pool) + slot_count * sizeof(struct api_slot));
    CHECK(pool);
    *pool = (struct api_pool){.api = api, .next = api->pools};
    /* one to spare for the type's own request */
    int rc = http_create(api->provider->loop, slot_count + 1, &pool->http, err);
    if (rc) {
        free(pool);
        return rc;
    }
    http_trust(pool->http, config->tls_ca ? config->tls_ca : "", config->tls_unverified);
    api->pools = pool;
    api->slot_count += slot_count;
    for (; pool->slot_count < slot_count; pool->slot_count++) {
        struct api_slot *slot = &pool->slots[pool->slot_count];
        *slot = (struct api_slot){.api = api, .http = pool->http, .next_free = api->free};
        slot->call = (struct api_call){
            .provider = api->provider,
            .deliveries = calloc(api->batch_max, sizeof(struct delivery *)),
            .request = {.fn = on_reply, .arg = slot},
            .key = KEY_HEADER};
        CHECK(slot->call.deliveries);
        api->free = slot;
    }
    return 0;
}

void api_reconfigure(struct provider *provider)
{
    struct api *api = api_of(provider);
    size_t most = provider->config.max_connections;
    struct error err;
    if (most > api->slot_count && add_pool(api, most - api->slot_count, &err))
        log_warn("outbox", "no more connections could be made", "provider=%s why=\"%s\"",
                 provider->config.name, err.text);
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
                        .patience = {.fn = on_patience, .arg = api}};
    for (; headers[api->header_count]; api->header_count++) {
        CHECK(api->header_count < HTTP_HEADERS_MAX - 1);
        api->headers[api->header_count] = text_copy(text_of(headers[api->header_count]));
    }
    size_t most = methods->batch_max > 0 ? methods->batch_max : 1;
    size_t wanted = provider->config.batch > 0 ? provider->config.batch : most;
    api->batch_max = wanted < most ? wanted : most;
    CHECK(api->batch_max <= API_BATCH_MAX);
    provider->batch = api->batch_max;
    api->results = calloc(api->batch_max, sizeof(*api->results));
    CHECK(api->results);
    const char *ca_file = provider->config.tls_ca;
    if (ca_file && ca_file[0] && access(ca_file, R_OK) != 0)
        return error_set(err, ERROR_CONFIG, "providers.%s.tls_ca: cannot read %s: %s",
                         provider->config.name, ca_file, strerror(errno));
    return add_pool(api, provider->config.max_connections, err);
}

void api_close(struct provider *provider)
{
    struct api *api = api_of(provider);
    api->closing = true;
    stop_waiting(api);
    return_held(api);
    if (api->under_way == 0)
        close_pools(api);
}

void api_destroy(struct provider *provider)
{
    struct api *api = api_of(provider);
    stop_waiting(api);
    for (struct api_pool *pool = api->pools, *next; pool; pool = next) {
        next = pool->next;
        http_destroy(&pool->http);
        for (size_t i = 0; i < pool->slot_count; i++) {
            buffer_fini(&pool->slots[i].call.body);
            buffer_fini(&pool->slots[i].call.scratch);
            free(pool->slots[i].call.deliveries);
        }
        free(pool);
    }
    for (size_t i = 0; i < api->header_count; i++)
        free(api->headers[i]);
    if (api->free_fn)
        api->free_fn(api->own);
    free(api->results);
    free(api->url);
    free(api);
    provider->state = NULL;
}
