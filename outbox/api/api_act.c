/* api_act: what each meaning of a reply does to the message and to the provider: one table for all types,
 * so that the same words have the same end everywhere. */
#include "outbox/api/api.h"

/* What there is beside the message's own fate. */
enum effect {
    NONE,
    DEAD, /* the address */
    SLOW_DOWN,
    STOP,
    BROKEN,
    SPLIT,
};

static const struct act {
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    enum effect effect;
} acts[] = {
    [PROVIDER_MEANS_SENT] = {DELIVERY_SENT, DELIVERY_OK, NONE},
    [PROVIDER_MEANS_FAILED] = {DELIVERY_FAILED, DELIVERY_REJECTED, NONE},
    [PROVIDER_MEANS_RETRY] = {DELIVERY_DEFERRED, DELIVERY_TEMPORARY, NONE},
    [PROVIDER_MEANS_SLOW_DOWN] = {DELIVERY_DEFERRED, DELIVERY_THROTTLED, SLOW_DOWN},
    [PROVIDER_MEANS_UNKNOWN] = {DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, BROKEN},
    [PROVIDER_MEANS_STOP] = {DELIVERY_FAILED, DELIVERY_CREDENTIALS, STOP},
    [PROVIDER_MEANS_DEAD] = {DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, DEAD},
    [PROVIDER_MEANS_OPTED_OUT] = {DELIVERY_FAILED, DELIVERY_OPTED_OUT, NONE},
    [PROVIDER_MEANS_SPLIT] = {DELIVERY_FAILED, DELIVERY_REJECTED, SPLIT},
    [PROVIDER_MEANS_TOO_LARGE] = {DELIVERY_FAILED, DELIVERY_TOO_LARGE, SPLIT},
    [PROVIDER_MEANS_NO_ADDRESS] = {DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, NONE},
    [PROVIDER_MEANS_NO_KEY] = {DELIVERY_FAILED, DELIVERY_CREDENTIALS, NONE},
    [PROVIDER_MEANS_REDIRECT] = {DELIVERY_DEFERRED, DELIVERY_TEMPORARY, BROKEN},
    [PROVIDER_MEANS_UNCLEAR] = {DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, NONE},
};

void api_act(enum provider_meaning means, int64_t wait_ns, struct api_verdict *verdict,
             struct delivery_result *result)
{
    CHECK(means < ARRAY_COUNT(acts));
    const struct act *act = &acts[means];
    result->verdict = act->verdict;
    result->reason = act->reason;
    result->address_dead = act->effect == DEAD;
    verdict->slow_down |= act->effect == SLOW_DOWN;
    verdict->stop |= act->effect == STOP;
    verdict->broken |= act->effect == BROKEN;
    verdict->split |= act->effect == SPLIT;
    if (act->verdict == DELIVERY_DEFERRED && wait_ns > verdict->wait_ns)
        verdict->wait_ns = wait_ns;
}

struct api_verdict api_act_all(enum provider_meaning means, int64_t wait_ns,
                               struct text detail, const struct api_call *call,
                               struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    for (size_t i = 0; i < call->count; i++) {
        results[i] = (struct delivery_result){.detail = detail};
        api_act(means, wait_ns, &verdict, &results[i]);
    }
    return verdict;
}
