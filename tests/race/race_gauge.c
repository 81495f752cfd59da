/* One thread writes a provider's figures, two read them. */
#include "base/check.h"
#include "base/clock.h"
#include "outbox/dispatch/gauge.h"

#include <stdio.h>

static struct gauge gauge;
static _Atomic bool over;

static void *reader(void *arg)
{
    uint64_t sent = 0;
    (void)arg;
    while (!atomic_load(&over)) {
        struct dispatch_counters out;
        gauge_read(&gauge, clock_steady_ns(), &out);
        CHECK(out.sent >= sent && out.p50_ns <= out.p99_ns && out.brake < BRAKE_COUNT);
        CHECK(out.trouble[0] == '\0' || out.trouble[0] == 't');
        sent = out.sent;
    }
    return NULL;
}

int main(void)
{
    pthread_t readers[2];
    int64_t now = clock_steady_ns();
    gauge_init(&gauge);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&readers[i], NULL, reader, NULL) == 0);
    for (int i = 0; i < 200000; i++) {
        gauge_count(&gauge, DELIVERY_SENT);
        gauge_latency(&gauge, now, now + i % 5000 * NS_PER_US);
        atomic_store(&gauge.brake, i % BRAKE_COUNT);
        atomic_store(&gauge.rate_limit_per_s, (double)i);
        if (i % 1000 == 0)
            gauge_trouble(&gauge, i % 2000 ? "" : "trouble");
        now += i % 100 ? 0 : NS_PER_S; /* so that slots are emptied */
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    gauge_fini(&gauge);
    puts("race_gauge: ok");
    return 0;
}
