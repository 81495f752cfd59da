/* breaker: see breaker.h. */
#include "outbox/dispatch/breaker.h"

#include "base/clock.h"
#include "outbox/dispatch/retry.h"

static const struct retry_policy probes = {.first_ns = NS_PER_S, .max_ns = 60 * NS_PER_S};

void breaker_failed(struct breaker *breaker, int64_t now_ns, uint64_t seed)
{
    if (breaker->open && now_ns < breaker->probe_at_ns)
        return;
    breaker->failures++;
    if (!breaker->open && breaker->failures < BREAKER_FAILURES)
        return;
    breaker->open = true;
    breaker->openings++;
    breaker->probe_at_ns = now_ns + retry_wait_ns(&probes, breaker->openings, seed);
}

void breaker_ok(struct breaker *breaker)
{
    *breaker = (struct breaker){0};
}

int64_t breaker_wait_ns(const struct breaker *breaker, int64_t now_ns)
{
    return breaker->open && now_ns < breaker->probe_at_ns ? breaker->probe_at_ns - now_ns
                                                          : 0;
}
