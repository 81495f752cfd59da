/* api_reply: what came of a call, told to the provider's health and to each message. */
#include "outbox/api/api_private.h"

#include "base/clock.h"
#include "outbox/api/rate_headers.h"

#include <stdio.h>

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

bool api_reply_judge(struct api_slot *slot, const struct http_reply *reply)
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
        api_send(slot);
        return false;
    }
    char words[16];
    word_failures(api, call, reply->status, words);
    tell_fates(api, call, &verdict);
    return true;
}

void api_reply_none(struct api_slot *slot, const struct http_reply *reply)
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
