/* meter: what a provider's figures are: counts, latencies, what holds it up. One writer, any
 * number of readers, no lock but for the sentence about trouble. */
#ifndef OUTBOX_METER_H
#define OUTBOX_METER_H

#include "outbox/dispatch/dispatch.h"

#include <pthread.h>
#include <stdatomic.h>

/* Latencies are counted in eight steps an octave, from 1 µs to half an hour, and in slots of
 * 15 s, of which the last four are shown. */
#define METER_STEPS   256
#define METER_SLOTS   4
#define METER_SLOT_NS (15ll * 1000000000)

struct meter {
    _Atomic uint64_t verdicts[DELIVERY_DEFERRED + 1];
    _Atomic uint64_t queued, in_flight;
    _Atomic int brake; /* enum dispatch_brake */
    _Atomic double rate_limit_per_s;
    _Atomic bool stopped, broken;
    struct {
        _Atomic int64_t number; /* of the slot, since the clock's zero */
        _Atomic uint32_t steps[METER_STEPS];
    } slots[METER_SLOTS];
    pthread_mutex_t trouble_lock;
    char trouble[sizeof((struct dispatch_counters *)0)->trouble];
};

void meter_init(struct meter *meter);
void meter_fini(struct meter *meter);

void meter_count(struct meter *meter, enum delivery_verdict verdict);
/* meter_latency: an answer came at now_ns, steady clock, for what was handed over at taken_ns. */
void meter_latency(struct meter *meter, int64_t taken_ns, int64_t now_ns);
/* meter_trouble: the sentence about it; "": over. */
void meter_trouble(struct meter *meter, const char *sentence);

/* meter_read: what is shown at now_ns.
 * Threads: any. */
void meter_read(struct meter *meter, int64_t now_ns, struct dispatch_counters *out);

#endif
