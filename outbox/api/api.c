/* api: see api.h. Calls: filled, sent, answered. */
#include "outbox/api/api_private.h"

#include "base/clock.h"

/* How long a call may wait for more messages. Below the 20 ms of rate that a limiter saves up, so that
 * waiting costs no rate. */
#define PATIENCE_NS (15 * NS_PER_MS)

void *api_own(const struct provider *provider)
{
    return api_of(provider)->own;
}

/* --- calls --- */

void api_send(struct api_slot *slot)
{
    struct api *api = slot->api;
    struct api_call *call = &slot->call;
    call->request.method = "POST";
    call->request.url = api->url;
    call->request.timeout_ns = api->provider->config.timeout_ns;
    memset(call->request.headers, 0, sizeof(call->request.headers));
    memcpy(call->request.headers, api->headers, api->header_count * sizeof(char *));
    if (call->count == 1) {
        message_id_hex(call->deliveries[0]->id, call->key + sizeof(API_KEY_HEADER) - 1);
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

void api_stop_waiting(struct api *api)
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
        api_stop_waiting(api);
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

void api_on_patience(struct loop_timer *timer)
{
    struct api *api = timer->arg;
    api_pump(api->provider);
}

void api_return_held(struct api *api)
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
        api_return_held(api);
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
        api_send(slot);
    }
}

void api_wake(struct provider *provider)
{
    api_pump(provider);
}

/* --- replies --- */

static void go_on(struct api *api)
{
    if (!api->closing)
        api_pump(api->provider);
    else if (api->under_way == 0)
        api_close_pools(api);
}

void api_on_reply(struct http_request *request, const struct http_reply *reply)
{
    struct api_slot *slot = request->arg;
    struct api *api = slot->api;
    api->under_way--;
    bool over = true;
    if (reply->end == HTTP_REPLY)
        over = api_reply_judge(slot, reply);
    else
        api_reply_none(slot, reply);
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
