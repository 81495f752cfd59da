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

#define LIMITER_BACK_OFF_MOST  0.25
#define LIMITER_BACK_OFF_LEAST 0.7
#define LIMITER_RECOVER        0.4 /* per second */
#define LIMITER_LOWEST_RATE    0.1
/* Above this a provider without configured limit is as good as unlimited again. */
#define LIMITER_FREE_RATE 1e6

static void enforce(struct limiter *limiter, double rate_per_s)
{
    limiter->rate_per_s = rate_per_s;
    limiter->cost_ns = rate_per_s > 0 ? (double)NS_PER_S / rate_per_s : 0;
    limiter->burst_ns = limiter->cost_ns + LIMITER_SLACK_NS;
}

void limiter_set(struct limiter *limiter, double rate_per_s)
{
    limiter->ceiling_per_s = rate_per_s;
    enforce(limiter, rate_per_s);
}

void limiter_back_off(struct limiter *limiter, double tried_per_s, double accepted_per_s,
                      int64_t now_ns)
{
    double rate = limiter->rate_per_s;
    bool at_ceiling = rate == limiter->ceiling_per_s;
    if (rate == 0 || (at_ceiling && tried_per_s > 0 && tried_per_s < rate))
        rate = tried_per_s;
    if (rate == 0)
        return;
    double lowest = rate * LIMITER_BACK_OFF_MOST;
    double highest = rate * LIMITER_BACK_OFF_LEAST;
    rate = accepted_per_s < lowest    ? lowest
           : accepted_per_s > highest ? highest
                                      : accepted_per_s;
    enforce(limiter, rate > LIMITER_LOWEST_RATE ? rate : LIMITER_LOWEST_RATE);
    limiter->adapted_ns = now_ns;
}

int limiter_recover(struct limiter *limiter, int64_t now_ns)
{
    if (limiter->rate_per_s == limiter->ceiling_per_s)
        return 0;
    double elapsed_s = (double)(now_ns - limiter->adapted_ns) / (double)NS_PER_S;
    double rate = limiter->rate_per_s * (1 + LIMITER_RECOVER * elapsed_s);
    double free = limiter->ceiling_per_s > 0 ? limiter->ceiling_per_s : LIMITER_FREE_RATE;
    enforce(limiter, rate >= free ? limiter->ceiling_per_s : rate);
    limiter->adapted_ns = now_ns;
    return 1;
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
