/* api_status: what an HTTP status alone means for the messages of a call (RFC 9110). */
#include "outbox/api/api.h"

static enum provider_meaning meaning(unsigned status, enum channel channel)
{
    switch (status) {
    case 401:
        return PROVIDER_MEANS_STOP;
    case 404:
    case 410:
        return channel == CHANNEL_PUSH ? PROVIDER_MEANS_DEAD : PROVIDER_MEANS_NO_ADDRESS;
    case 408: /* the service gave up waiting for the request (RFC 9110 15.5.9) */
    case 425: /* too early, RFC 8470 */
        return PROVIDER_MEANS_RETRY;
    case 413:
        return PROVIDER_MEANS_TOO_LARGE;
    case 429:
    case 503:
        return PROVIDER_MEANS_SLOW_DOWN;
    default:
        /* a redirect took nothing; behind 5xx nobody knows */
        return status / 100 == 4   ? PROVIDER_MEANS_FAILED
               : status / 100 == 3 ? PROVIDER_MEANS_REDIRECT
                                   : PROVIDER_MEANS_UNKNOWN;
    }
}

struct api_verdict api_judge_status(const struct api_call *call,
                                    const struct http_reply *reply,
                                    struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    size_t words = reply->body.bytes < 200 ? reply->body.bytes : 200;
    for (size_t i = 0; i < call->count; i++) {
        enum provider_meaning means =
            meaning(reply->status, call->deliveries[i]->channel);
        results[i] = (struct delivery_result){.detail = {reply->body.data, words}};
        api_act(means, means == PROVIDER_MEANS_SLOW_DOWN ? reply->retry_after_ns : 0,
                &verdict, &results[i]);
    }
    return verdict;
}
