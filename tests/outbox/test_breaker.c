#include "base/clock.h"
#include "outbox/dispatch/breaker.h"

#include <criterion/criterion.h>

static void fail(struct breaker *breaker, int times, int64_t now_ns)
{
    while (times-- > 0)
        breaker_failed(breaker, now_ns, 1);
}

Test(breaker, opens_after_failures_in_a_row_only)
{
    struct breaker breaker = {0};
    fail(&breaker, BREAKER_FAILURES - 1, 10);
    cr_expect_not(breaker.open);
    breaker_ok(&breaker);
    fail(&breaker, BREAKER_FAILURES - 1, 10);
    cr_expect_not(breaker.open);
    cr_expect_eq(breaker_wait_ns(&breaker, 10), 0);
    fail(&breaker, 1, 10);
    cr_expect(breaker.open);
    int64_t wait_ns = breaker_wait_ns(&breaker, 10);
    cr_expect(wait_ns >= NS_PER_S / 2 && wait_ns <= NS_PER_S);
}

Test(breaker, echoes_of_one_breakdown_count_once)
{
    struct breaker breaker = {0};
    fail(&breaker, BREAKER_FAILURES, 10);
    int64_t probe_at_ns = breaker.probe_at_ns;
    fail(&breaker, 50, 20);
    cr_expect_eq(breaker.probe_at_ns, probe_at_ns);
}

Test(breaker, waits_longer_after_each_failing_probe_and_closes_at_success)
{
    struct breaker breaker = {0};
    int64_t now = 10, longest = 0;
    fail(&breaker, BREAKER_FAILURES, now);
    for (int i = 0; i < 12; i++) {
        int64_t wait_ns = breaker_wait_ns(&breaker, now);
        cr_expect(wait_ns * 2 >= longest, "probe %d waits %ld", i, (long)wait_ns);
        cr_expect_leq(wait_ns, 60 * NS_PER_S);
        longest = wait_ns > longest ? wait_ns : longest;
        now = breaker.probe_at_ns;
        cr_expect_eq(breaker_wait_ns(&breaker, now), 0);
        fail(&breaker, 1, now);
    }
    cr_expect_geq(longest, 30 * NS_PER_S);
    breaker_ok(&breaker);
    cr_expect_not(breaker.open);
    cr_expect_eq(breaker_wait_ns(&breaker, now), 0);
}
