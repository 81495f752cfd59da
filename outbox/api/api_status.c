/* api_status: what an HTTP status alone means for the messages of a call (RFC 9110). */
#include "outbox/api/api.h"

static struct delivery_result meaning(unsigned status, struct api_verdict *verdict)
{
    struct delivery_result result = {.verdict = DELIVERY_FAILED,
                                     .reason = DELIVERY_REJECTED};
    switch (status) {
    case 401:
        result.reason = DELIVERY_CREDENTIALS;
        verdict->stop = true;
        break;
    case 404:
    case 410:
        result.reason = DELIVERY_INVALID_ADDRESS;
        break;
    case 408: /* the service gave up waiting for the request (RFC 9110 15.5.9) */
    case 425: /* too early, RFC 8470 */
        result.verdict = DELIVERY_DEFERRED;
        result.reason = DELIVERY_TEMPORARY;
        break;
    case 413:
        result.reason = DELIVERY_TOO_LARGE;
        break;
    case 429:
    case 503:
        result.verdict = DELIVERY_DEFERRED;
        result.reason = DELIVERY_THROTTLED;
        verdict->slow_down = true;
        break;
    default:
        if (status / 100 == 4)
            break;
        /* a redirect took nothing, but every message would meet it; behind 5xx nobody
         * knows */
        result.verdict = status / 100 == 3 ? DELIVERY_DEFERRED : DELIVERY_UNKNOWN;
        result.reason = status / 100 == 3 ? DELIVERY_TEMPORARY : DELIVERY_BAD_REPLY;
        verdict->broken = true;
    }
    return result;
}

struct api_verdict api_judge_status(const struct api_call *call,
                                    const struct http_reply *reply,
                                    struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    struct delivery_result result = meaning(reply->status, &verdict);
    verdict.wait_ns = verdict.slow_down ? reply->retry_after_ns : 0;
    size_t words = reply->body.bytes < 200 ? reply->body.bytes : 200;
    result.detail = (struct text){reply->body.data, words};
    for (size_t i = 0; i < call->count; i++) {
        results[i] = result;
        results[i].address_dead = result.reason == DELIVERY_INVALID_ADDRESS &&
                                  call->deliveries[i]->channel == CHANNEL_PUSH;
    }
    return verdict;
}
