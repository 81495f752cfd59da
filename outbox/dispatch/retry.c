/* retry: see retry.h.
 *
 * Jitter over the upper half of the wait ("equal jitter"): a provider that threw
 * everybody out at once does not get everybody back at once, yet nobody comes back at
 * once either. */
#include "outbox/dispatch/retry.h"

#include "base/hash.h"

int64_t retry_wait_ns(const struct retry_policy *policy, unsigned attempt, uint64_t seed)
{
    int64_t whole_ns = policy->first_ns;
    for (unsigned i = 1; i < attempt && whole_ns < policy->max_ns; i++)
        whole_ns = whole_ns > policy->max_ns / 2 ? policy->max_ns : whole_ns * 2;
    if (whole_ns > policy->max_ns)
        whole_ns = policy->max_ns;
    if (whole_ns < 2)
        return whole_ns;
    uint64_t dice = hash64_seeded(&attempt, sizeof(attempt), seed);
    int64_t half_ns = whole_ns / 2;
    return half_ns + (int64_t)(dice % (uint64_t)(whole_ns - half_ns + 1));
}

bool retry_used_up(const struct retry_policy *policy, unsigned attempt,
                   int64_t since_first_ns, int64_t wait_ns)
{
    if (policy->attempts > 0 && attempt >= policy->attempts)
        return true;
    return policy->give_up_ns > 0 && since_first_ns > policy->give_up_ns - wait_ns;
}
