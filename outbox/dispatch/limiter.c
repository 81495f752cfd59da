/* limiter: see limiter.h.
 *
 * The backlog is a double relative to the last look, not an absolute arrival time: at 10
 * million a second a message costs 100 ns, and rounding each one to whole nanoseconds
 * would miss the rate. */
#include "outbox/dispatch/limiter.h"

#include "base/clock.h"

#include <stdbool.h>

/* How early a message may go, so that late timers do not cost throughput. */
#define LIMITER_SLACK_NS (20.0 * NS_PER_MS)
/* Less where the provider has just shown that it counts closely. */
#define LIMITER_SLACK_ADAPTED_NS (4.0 * NS_PER_MS)

void limiter_adapt(struct limiter *limiter, double rate_per_s)
{
    limiter->rate_per_s = rate_per_s;
    limiter->cost_ns = rate_per_s > 0 ? (double)NS_PER_S / rate_per_s : 0;
    bool adapted = rate_per_s != limiter->ceiling_per_s;
    limiter->burst_ns =
        limiter->cost_ns + (adapted ? LIMITER_SLACK_ADAPTED_NS : LIMITER_SLACK_NS);
}

void limiter_set(struct limiter *limiter, double rate_per_s)
{
    limiter->ceiling_per_s = rate_per_s;
    limiter_adapt(limiter, rate_per_s);
}

static void limiter_drain(struct limiter *limiter, int64_t now_ns)
{
    if (now_ns <= limiter->seen_ns)
        return;
    limiter->backlog_ns -= (double)(now_ns - limiter->seen_ns);
    if (limiter->backlog_ns < 0)
        limiter->backlog_ns = 0;
    limiter->seen_ns = now_ns;
}

int64_t limiter_wait_ns(struct limiter *limiter, int64_t now_ns)
{
    if (limiter->cost_ns == 0)
        return 0;
    limiter_drain(limiter, now_ns);
    double over_ns = limiter->backlog_ns + limiter->cost_ns - limiter->burst_ns;
    return over_ns > 0 ? (int64_t)over_ns + 1 : 0;
}

void limiter_spend(struct limiter *limiter, int64_t now_ns)
{
    if (limiter->cost_ns == 0)
        return;
    limiter_drain(limiter, now_ns);
    limiter->backlog_ns += limiter->cost_ns;
}
