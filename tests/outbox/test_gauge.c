#include "base/clock.h"
#include "outbox/dispatch/gauge.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void expect_near(int64_t got, int64_t want)
{
    cr_expect(got >= want * 9 / 10 - 1024 && got <= want * 11 / 10 + 1024,
              "%ld instead of %ld", (long)got, (long)want);
}

Test(gauge, percentiles_are_right_to_a_tenth)
{
    enum { COUNT = 5000 };
    static const int64_t scales[] = {2 * NS_PER_US, NS_PER_MS, NS_PER_S, 100 * NS_PER_S};
    for (size_t s = 0; s < sizeof(scales) / sizeof(*scales); s++) {
        struct gauge gauge;
        struct dispatch_counters out;
        int64_t latencies[COUNT], now = 1000 * NS_PER_S;
        srand(7);
        gauge_init(&gauge);
        for (int i = 0; i < COUNT; i++) {
            latencies[i] = scales[s] / 100 * (1 + rand() % 1000);
            gauge_latency(&gauge, now - latencies[i], now);
        }
        qsort(latencies, COUNT, sizeof(*latencies), compare);
        gauge_read(&gauge, now, &out);
        expect_near(out.p50_ns, latencies[COUNT / 2]);
        expect_near(out.p90_ns, latencies[COUNT * 9 / 10]);
        expect_near(out.p99_ns, latencies[COUNT * 99 / 100]);
        gauge_fini(&gauge);
    }
}

Test(gauge, latencies_are_forgotten_after_a_minute)
{
    struct gauge gauge;
    struct dispatch_counters out;
    int64_t now = 1000 * NS_PER_S;
    gauge_init(&gauge);
    gauge_read(&gauge, now, &out);
    cr_expect_eq(out.p50_ns, 0, "nothing seen");
    gauge_latency(&gauge, now - 5 * NS_PER_S, now);
    gauge_read(&gauge, now + 40 * NS_PER_S, &out);
    expect_near(out.p50_ns, 5 * NS_PER_S);
    gauge_read(&gauge, now + 75 * NS_PER_S, &out);
    cr_expect_eq(out.p50_ns, 0, "nobody wrote since");
    for (int i = 0; i < 4; i++)
        gauge_latency(&gauge, now + i * GAUGE_SLOT_NS,
                      now + i * GAUGE_SLOT_NS + NS_PER_MS);
    gauge_latency(&gauge, now + 60 * NS_PER_S, now + 60 * NS_PER_S + NS_PER_MS);
    gauge_read(&gauge, now + 61 * NS_PER_S, &out);
    expect_near(out.p99_ns, NS_PER_MS);
    gauge_latency(&gauge, now, now); /* no time at all */
    gauge_latency(&gauge, 0, INT64_MAX / 2);
    gauge_fini(&gauge);
}

Test(gauge, every_brake_has_a_name)
{
    for (int b = 0; b < BRAKE_COUNT; b++)
        cr_expect_gt(strlen(dispatch_brake_name((enum dispatch_brake)b)), 3);
}
