/* pace: see pace.h. */
#include "outbox/dispatch/pace.h"

#include "base/clock.h"

#define PACE_WINDOW_NS  (20 * NS_PER_MS)
#define PACE_AHEAD_NS   (40.0 * NS_PER_MS)
#define PACE_FEW_NS     (5.0 * NS_PER_MS)
#define PACE_FEW_MAX    (10.0 * NS_PER_MS)
#define PACE_AHEAD_MAX  (1.0 * NS_PER_S)
#define PACE_TARGET_MAX 16384.0

int pace_took(struct pace *pace, int64_t now_ns)
{
    pace->taken++;
    if (pace->window_ns == 0) {
        pace->window_ns = now_ns;
        return 0;
    }
    int64_t elapsed_ns = now_ns - pace->window_ns;
    if (elapsed_ns < PACE_WINDOW_NS)
        return 0;
    double rate = (double)pace->taken * (double)NS_PER_S / (double)elapsed_ns;
    pace->rate_per_s = (pace->rate_per_s + rate) / 2;
    pace->taken = 0;
    pace->window_ns = now_ns;
    return 1;
}

void pace_intended(struct pace *pace, int64_t latency_ns)
{
    pace->latency_ns += ((double)latency_ns - pace->latency_ns) / 8;
}

/* Where few are to be ahead, still a call for the one that is filled and one for the next, and a message
 * for each connection: the target grows from there as a rate is measured. */
static double target_min(size_t connections, size_t batch, bool few)
{
    if (!few)
        return (double)(connections * batch);
    return (double)(connections > 2 * batch ? connections : 2 * batch);
}

size_t pace_target(const struct pace *pace, size_t connections, size_t batch,
                   double limit_per_s, bool few)
{
    double ahead_ns = 3 * pace->latency_ns;
    double least_ns = few ? PACE_FEW_NS : PACE_AHEAD_NS;
    double most_ns = few ? PACE_FEW_MAX : PACE_AHEAD_MAX;
    if (ahead_ns < least_ns)
        ahead_ns = least_ns;
    if (ahead_ns > most_ns)
        ahead_ns = most_ns;
    double target = pace->rate_per_s * ahead_ns / (double)NS_PER_S;
    double least = target_min(connections, batch, few);
    if (target < least)
        target = least;
    double allowed = limit_per_s * ahead_ns / (double)NS_PER_S;
    if (limit_per_s > 0 && target > allowed)
        target = allowed;
    if (target > PACE_TARGET_MAX)
        target = PACE_TARGET_MAX;
    return target < 1 ? 1 : (size_t)target;
}
