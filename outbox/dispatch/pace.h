/* pace: how many deliveries should have their intents made ahead of need.
 *
 * Pure. Enough that no connection ever waits for the journal: what is sent in 40 ms, or
 * in three times what an intent takes to become durable. Not more: a crash puts in doubt
 * whatever was intended. Where a provider neither knows a copy nor can be asked, somebody has to look at
 * every one of those: there (`few`) it is 5 to 10 ms, and at full speed a slow disk may hold up the wire. */
#ifndef OUTBOX_PACE_H
#define OUTBOX_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_GROUP_MAX 1024

struct pace {
    double rate_per_s; /* measured, smoothed */
    double latency_ns; /* of an intent, smoothed */
    uint64_t taken;    /* since window_ns */
    int64_t window_ns; /* start of the measuring window; 0: none yet */
};

/* pace_took: a delivery was taken now. Returns 1 when the measured rate changed, else 0.
 */
int pace_took(struct pace *pace, int64_t now_ns);

/* pace_intended: intents became durable after latency_ns. */
void pace_intended(struct pace *pace, int64_t latency_ns);

/* pace_target: how many deliveries may be intended and not yet taken. Of `connections`, each carries
 * `batch` messages at once; limit_per_s 0: no limit. */
size_t pace_target(const struct pace *pace, size_t connections, size_t batch,
                   double limit_per_s, bool few);

#endif
