/* gauge: see gauge.h. A reader may see a slot while it is being emptied for a new quarter of a
 * minute: it then misses some answers of a minute ago, which nobody minds. */
#include "outbox/dispatch/gauge.h"

#include <stdio.h>

void gauge_init(struct gauge *gauge)
{
    *gauge = (struct gauge){0};
    pthread_mutex_init(&gauge->trouble_lock, NULL);
}

void gauge_fini(struct gauge *gauge)
{
    pthread_mutex_destroy(&gauge->trouble_lock);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void gauge_count(struct gauge *gauge, enum delivery_verdict verdict)
{
    _Atomic uint64_t *counter = &gauge->verdicts[verdict];
    atomic_store_explicit(counter, load(counter) + 1, memory_order_relaxed);
}

void gauge_trouble(struct gauge *gauge, const char *sentence)
{
    pthread_mutex_lock(&gauge->trouble_lock);
    snprintf(gauge->trouble, sizeof(gauge->trouble), "%s", sentence);
    pthread_mutex_unlock(&gauge->trouble_lock);
}

/* --- latencies --- */

/* The step of a latency: its octave above 1 µs, then its next three bits. */
static unsigned step_of(int64_t latency_ns)
{
    uint64_t units = latency_ns > 1024 ? (uint64_t)latency_ns >> 7 : 8;
    unsigned octave = 63 - (unsigned)__builtin_clzll(units) - 3;
    unsigned step = octave * 8 + (unsigned)(units >> octave & 7);
    return step < GAUGE_STEPS ? step : GAUGE_STEPS - 1;
}

/* The middle of a step. */
static int64_t step_ns(unsigned step)
{
    uint64_t units = (uint64_t)(8 + step % 8) << step / 8;
    return (int64_t)((units << 7) + (UINT64_C(64) << step / 8));
}

void gauge_latency(struct gauge *gauge, int64_t taken_ns, int64_t now_ns)
{
    int64_t number = now_ns / GAUGE_SLOT_NS;
    size_t slot = (size_t)(number % GAUGE_SLOTS);
    _Atomic uint32_t *steps = gauge->slots[slot].steps;
    if (atomic_load_explicit(&gauge->slots[slot].number, memory_order_relaxed) !=
        number) {
        for (size_t i = 0; i < GAUGE_STEPS; i++)
            atomic_store_explicit(&steps[i], 0, memory_order_relaxed);
        atomic_store_explicit(&gauge->slots[slot].number, number, memory_order_release);
    }
    _Atomic uint32_t *step = &steps[step_of(now_ns - taken_ns)];
    atomic_store_explicit(step, atomic_load_explicit(step, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static int64_t quantile(const uint64_t sums[GAUGE_STEPS], uint64_t total, double part)
{
    uint64_t wanted = (uint64_t)((double)total * part), seen = 0;
    for (unsigned i = 0; i < GAUGE_STEPS; i++) {
        seen += sums[i];
        if (seen > wanted)
            return step_ns(i);
    }
    return 0;
}

static void read_latencies(struct gauge *gauge, int64_t now_ns,
                           struct dispatch_counters *out)
{
    uint64_t sums[GAUGE_STEPS] = {0}, total = 0;
    int64_t oldest = now_ns / GAUGE_SLOT_NS - GAUGE_SLOTS + 1;
    for (size_t s = 0; s < GAUGE_SLOTS; s++) {
        if (atomic_load_explicit(&gauge->slots[s].number, memory_order_acquire) < oldest)
            continue;
        for (size_t i = 0; i < GAUGE_STEPS; i++) {
            uint32_t count =
                atomic_load_explicit(&gauge->slots[s].steps[i], memory_order_relaxed);
            sums[i] += count;
            total += count;
        }
    }
    out->p50_ns = quantile(sums, total, 0.5);
    out->p90_ns = quantile(sums, total, 0.9);
    out->p99_ns = quantile(sums, total, 0.99);
}

void gauge_read(struct gauge *gauge, int64_t now_ns, struct dispatch_counters *out)
{
    *out = (struct dispatch_counters){
        .brake = (enum dispatch_brake)atomic_load(&gauge->brake),
        .rate_limit_per_s = atomic_load(&gauge->rate_limit_per_s),
        .sent = load(&gauge->verdicts[DELIVERY_SENT]),
        .failed = load(&gauge->verdicts[DELIVERY_FAILED]),
        .unknown = load(&gauge->verdicts[DELIVERY_UNKNOWN]),
        .deferred = load(&gauge->verdicts[DELIVERY_DEFERRED]),
        .queued = load(&gauge->queued),
        .in_flight = load(&gauge->in_flight),
        .stopped = atomic_load(&gauge->stopped),
        .broken = atomic_load(&gauge->broken),
    };
    read_latencies(gauge, now_ns, out);
    pthread_mutex_lock(&gauge->trouble_lock);
    memcpy(out->trouble, gauge->trouble, sizeof(out->trouble));
    pthread_mutex_unlock(&gauge->trouble_lock);
}

const char *dispatch_brake_name(enum dispatch_brake brake)
{
    static const char *const names[] = {
        [BRAKE_NONE] = "nothing",
        [BRAKE_RATE] = "max_message_rate",
        [BRAKE_RATE_ALL] = "max_message_rate over all",
        [BRAKE_PROVIDER] = "the provider",
        [BRAKE_BROKEN] = "out of order",
        [BRAKE_CONNECTIONS] = "connections",
        [BRAKE_JOURNAL] = "the journal",
    };
    _Static_assert(sizeof(names) / sizeof(*names) == BRAKE_COUNT,
                   "every brake has a name");
    return names[brake];
}
