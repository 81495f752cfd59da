#include "base/clock.h"
#include "outbox/dispatch/retry.h"

#include <criterion/criterion.h>

static const struct retry_policy policy = {.first_ns = 30 * NS_PER_S,
                                           .max_ns = 3600 * NS_PER_S,
                                           .give_up_ns = 86400 * NS_PER_S,
                                           .attempts = 8};

Test(retry, waits_double_between_half_and_whole_up_to_the_longest)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        int64_t whole_ns = policy.first_ns;
        for (unsigned attempt = 1; attempt < 200; attempt++) {
            int64_t wait_ns = retry_wait_ns(&policy, attempt, seed);
            cr_assert(wait_ns >= whole_ns / 2 && wait_ns <= whole_ns, "attempt %u: %ld",
                      attempt, (long)wait_ns);
            whole_ns = whole_ns * 2 < policy.max_ns ? whole_ns * 2 : policy.max_ns;
        }
    }
}

Test(retry, is_the_same_on_every_run_and_different_between_messages)
{
    int different = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        cr_expect_eq(retry_wait_ns(&policy, 3, seed), retry_wait_ns(&policy, 3, seed));
        different +=
            retry_wait_ns(&policy, 3, seed) != retry_wait_ns(&policy, 3, seed + 1);
    }
    cr_expect_gt(different, 95);
}

Test(retry, does_not_overflow)
{
    struct retry_policy longest = {.first_ns = INT64_MAX / 2 + 1, .max_ns = INT64_MAX};
    cr_expect_gt(retry_wait_ns(&longest, 255, 1), 0);
    struct retry_policy none = {0};
    cr_expect_eq(retry_wait_ns(&none, 255, 1), 0);
}

Test(retry, ends_by_attempts_or_by_time)
{
    static const struct {
        unsigned attempt;
        int64_t since_s, wait_s;
        bool used_up;
    } cases[] = {
        {1, 0, 30, false},    {7, 100, 30, false},  {8, 100, 30, true},
        {9, 0, 0, true},      {1, 86400, 0, false}, {1, 86370, 30, false},
        {1, 86371, 30, true}, {1, 90000, 0, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(retry_used_up(&policy, cases[i].attempt, cases[i].since_s * NS_PER_S,
                                   cases[i].wait_s * NS_PER_S),
                     cases[i].used_up, "case %zu", i);
    struct retry_policy endless = {.first_ns = 1, .max_ns = 1};
    cr_expect_not(retry_used_up(&endless, 255, INT64_MAX, 1));
}
