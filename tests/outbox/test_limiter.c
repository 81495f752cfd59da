#include "base/clock.h"
#include "outbox/dispatch/limiter.h"

#include <criterion/criterion.h>

/* Messages that pass in span_ns when the limiter is asked every step_ns. */
static uint64_t passed(double rate, int64_t span_ns, int64_t step_ns)
{
    struct limiter limiter = {0};
    uint64_t count = 0;
    limiter_set(&limiter, rate);
    for (int64_t now = 1000; now < 1000 + span_ns; now += step_ns) {
        while (limiter_wait_ns(&limiter, now) == 0) {
            limiter_spend(&limiter, now);
            count++;
        }
    }
    return count;
}

Test(limiter, keeps_the_rate_at_any_speed_and_granularity)
{
    static const double rates[] = {0.5, 1, 3, 7, 100, 500, 12345, 5000000, 10000000};
    static const int64_t steps[] = {100000, 1000000, 4000000, 15000000};
    for (size_t r = 0; r < 9; r++) {
        for (size_t s = 0; s < 4; s++) {
            double span_s = rates[r] < 100 ? 20 : 0.2;
            double got = (double)passed(rates[r], (int64_t)(span_s * 1e9), steps[s]);
            double most = rates[r] * (span_s + 0.02) + 1;
            cr_expect(got <= most + 1e-6, "%g/s asked every %ld ns: %g in %g s", rates[r],
                      (long)steps[s], got, span_s);
            cr_expect(got >= rates[r] * span_s * 0.999 - 1, "%g/s: only %g in %g s",
                      rates[r], got, span_s);
        }
    }
}

Test(limiter, no_rate_is_no_limit)
{
    struct limiter limiter = {0};
    limiter_set(&limiter, 0);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(limiter_wait_ns(&limiter, 5), 0);
        limiter_spend(&limiter, 5);
    }
}

Test(limiter, says_exactly_how_long_to_wait)
{
    struct limiter limiter = {0};
    limiter_set(&limiter, 3);
    limiter_spend(&limiter, 1000);
    int64_t wait_ns = limiter_wait_ns(&limiter, 1000);
    int64_t due_ns = NS_PER_S / 3 - 20 * NS_PER_MS;
    cr_expect(wait_ns >= due_ns && wait_ns <= due_ns + 2);
    cr_expect_gt(limiter_wait_ns(&limiter, 1000 + wait_ns / 2), 0);
    cr_expect_eq(limiter_wait_ns(&limiter, 1000 + wait_ns), 0);
}

Test(limiter, a_changed_rate_does_not_forget_what_was_sent)
{
    struct limiter limiter = {0};
    limiter_set(&limiter, 1);
    limiter_spend(&limiter, 1000);
    limiter_set(&limiter, 1000);
    cr_expect_gt(limiter_wait_ns(&limiter, 1000), 0);
}
