/* retry: how long to wait before another attempt, and when to stop trying.
 *
 * Pure and seeded: the same message waits the same time on every run, different messages
 * spread. */
#ifndef OUTBOX_RETRY_H
#define OUTBOX_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_policy {
    int64_t first_ns;   /* the first wait, doubled each time */
    int64_t max_ns;     /* the longest wait */
    int64_t give_up_ns; /* since the first attempt; 0: no limit */
    unsigned attempts;  /* 0: no limit */
};

/* retry_wait_ns: the wait behind attempt number `attempt` (from 1): between half and the
 * whole of first × 2^(attempt - 1), at most max. */
int64_t retry_wait_ns(const struct retry_policy *policy, unsigned attempt, uint64_t seed);

/* retry_used_up: no attempt is left behind this one, or the next would come after giving
 * up. */
bool retry_used_up(const struct retry_policy *policy, unsigned attempt,
                   int64_t since_first_ns, int64_t wait_ns);

#endif
