/* faults: see faults.h. */
#include "outbox/sandbox/faults.h"

#include "base/clock.h"

/* The throttle forgives this much of a burst before it refuses. */
#define BURST_NS (100 * NS_PER_MS)

void faults_init(struct faults *faults, const struct sandbox_config *config)
{
    *faults = (struct faults){
        .random = config->seed,
        .error_rate = config->error_rate,
        .drop_rate = config->drop_replies,
        .interval_ns = config->throttle_per_s > 0
                           ? (int64_t)((double)NS_PER_S / config->throttle_per_s)
                           : 0,
    };
}

/* SplitMix64 (Steele, Lea, Flood 2014), as a fraction below 1. */
static double next_fraction(struct faults *faults)
{
    uint64_t z = faults->random += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* The generic cell rate algorithm: a message may come up to BURST_NS before it is due. */
static bool throttled(struct faults *faults, int64_t now_ns)
{
    if (faults->interval_ns == 0)
        return false;
    if (faults->next_ns < now_ns)
        faults->next_ns = now_ns;
    if (faults->next_ns - now_ns > BURST_NS)
        return true;
    faults->next_ns += faults->interval_ns;
    return false;
}

enum fault faults_next(struct faults *faults, int64_t now_ns)
{
    if (throttled(faults, now_ns))
        return FAULT_THROTTLE;
    if (faults->error_rate > 0 && next_fraction(faults) < faults->error_rate)
        return FAULT_ERROR;
    if (faults->drop_rate > 0 && next_fraction(faults) < faults->drop_rate)
        return FAULT_DROP;
    return FAULT_NONE;
}
