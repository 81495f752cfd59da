/* gauge: what a provider's figures are: counts, latencies, what holds it up. One writer, any
 * number of readers, no lock but for the sentence about trouble. */
#ifndef OUTBOX_GAUGE_H
#define OUTBOX_GAUGE_H

#include "outbox/dispatch/dispatch.h"

#include <pthread.h>
#include <stdatomic.h>

/* Latencies are counted in eight steps an octave, from 1 µs to half an hour, and in slots of
 * 15 s, of which the last four are shown. */
#define GAUGE_STEPS   256
#define GAUGE_SLOTS   4
#define GAUGE_SLOT_NS (15ll * 1000000000)

struct gauge {
    _Atomic uint64_t verdicts[DELIVERY_DEFERRED + 1];
    _Atomic uint64_t queued, in_flight;
    _Atomic int brake; /* enum dispatch_brake */
    _Atomic double rate_limit_per_s;
    _Atomic bool stopped, broken;
    struct {
        _Atomic int64_t number; /* of the slot, since the clock's zero */
        _Atomic uint32_t steps[GAUGE_STEPS];
    } slots[GAUGE_SLOTS];
    pthread_mutex_t trouble_lock;
    char trouble[sizeof((struct dispatch_counters *)0)->trouble];
};

void gauge_init(struct gauge *gauge);
void gauge_fini(struct gauge *gauge);

void gauge_count(struct gauge *gauge, enum delivery_verdict verdict);
/* gauge_latency: an answer came at now_ns, steady clock, for what was handed over at taken_ns. */
void gauge_latency(struct gauge *gauge, int64_t taken_ns, int64_t now_ns);
/* gauge_trouble: the sentence about it; "": over. */
void gauge_trouble(struct gauge *gauge, const char *sentence);

/* gauge_read: what is shown at now_ns.
 * Threads: any. */
void gauge_read(struct gauge *gauge, int64_t now_ns, struct dispatch_counters *out);

#endif
