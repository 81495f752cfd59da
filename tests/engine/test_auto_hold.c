/* auto_hold: who goes first, when the others follow, and when a job is held. */
#include "engine/run/auto_hold.h"

#include "base/clock.h"

#include <criterion/criterion.h>

static const struct config_auto_hold limits = {.enabled = true,
                                               .canary = 50,
                                               .canary_share = 0.01,
                                               .min_messages = 20,
                                               .failure_rate = 0.1,
                                               .window = 40,
                                               .wait_ns = 30 * NS_PER_S};
static struct auto_hold hold;
static char why[AUTO_HOLD_SENTENCE_BYTES];

static void start(const struct config_auto_hold *with, uint64_t customers)
{
    auto_hold_init(&hold, with, customers, 1u << CHANNEL_EMAIL | 1u << CHANNEL_SMS);
    why[0] = '\0';
}

static uint64_t passed(enum channel channel)
{
    uint64_t count = 0;
    while (count < 2000 && auto_hold_pass(&hold, channel))
        count++;
    return count;
}

static void settle(uint64_t count, enum outcome outcome, enum delivery_reason reason)
{
    for (uint64_t i = 0; i < count; i++) {
        auto_hold_answered(&hold, CHANNEL_EMAIL);
        auto_hold_settled(&hold, CHANNEL_EMAIL, outcome, reason,
                          TEXT("550 5.1.1 no such user"));
    }
}

static enum auto_hold_verdict judge(int64_t now_ns)
{
    return auto_hold_judge(&hold, CHANNEL_EMAIL, now_ns, why);
}

Test(auto_hold, the_canary_is_a_share_within_bounds)
{
    static const struct {
        uint64_t customers, canary;
    } cases[] = {{1, 2000},  {1949, 2000}, {2000, 20},   {3000, 30},
                 {3049, 30}, {5000, 50},   {9000000, 50}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        start(&limits, cases[i].customers);
        cr_expect_eq(passed(CHANNEL_EMAIL), cases[i].canary, "case %zu", i);
        cr_expect_eq(passed(CHANNEL_SMS), cases[i].canary, "case %zu", i);
        cr_expect_eq(passed(CHANNEL_PUSH), 2000, "a channel that is not guarded");
        auto_hold_fini(&hold);
    }
    struct config_auto_hold off = limits;
    off.enabled = false;
    start(&off, 9000000);
    cr_expect_eq(passed(CHANNEL_EMAIL), 2000);
    settle(100, OUTCOME_FAILED, DELIVERY_REJECTED);
    cr_expect_eq(judge(0), AUTO_HOLD_NOTHING);
    auto_hold_fini(&hold);
}

/* Half of the customers may have no address on a channel: its canary never fills, and its messages
 * are judged like a small job's. */
Test(auto_hold, a_channel_with_fewer_messages_than_its_canary_is_judged_too)
{
    start(&limits, 5000);
    for (int i = 0; i < 40; i++)
        cr_assert(auto_hold_pass(&hold, CHANNEL_EMAIL));
    settle(17, OUTCOME_SENT, DELIVERY_OK);
    settle(2, OUTCOME_FAILED, DELIVERY_REJECTED);
    cr_expect_eq(judge(0), AUTO_HOLD_NOTHING);
    auto_hold_answered(&hold, CHANNEL_EMAIL);
    cr_expect(auto_hold_settled(&hold, CHANNEL_EMAIL, OUTCOME_FAILED, DELIVERY_REJECTED,
                                TEXT("no")));
    cr_expect_eq(judge(0), AUTO_HOLD_HOLD);
    cr_expect(strstr(why, "3 of the first 20 email"), "%s", why);
    auto_hold_fini(&hold);
}

Test(auto_hold, a_small_job_has_no_canary_but_is_judged)
{
    start(&limits, 500);
    settle(17, OUTCOME_SENT, DELIVERY_OK);
    settle(2, OUTCOME_FAILED, DELIVERY_REJECTED);
    cr_expect_eq(judge(0), AUTO_HOLD_NOTHING);
    settle(1, OUTCOME_FAILED, DELIVERY_REJECTED);
    cr_expect_eq(judge(0), AUTO_HOLD_HOLD);
    cr_expect(strstr(why, "held: 3 of the last 20 email messages failed"), "%s", why);
    auto_hold_fini(&hold);
}

Test(auto_hold, what_counts_as_a_failure)
{
    static const struct {
        enum outcome outcome;
        enum delivery_reason reason;
        enum auto_hold_verdict verdict; /* with three of twenty such */
    } cases[] = {
        {OUTCOME_SENT, DELIVERY_OK, AUTO_HOLD_OPEN},
        {OUTCOME_SENT, DELIVERY_TIMEOUT, AUTO_HOLD_OPEN}, /* assume_sent */
        {OUTCOME_FAILED, DELIVERY_REJECTED, AUTO_HOLD_HOLD},
        {OUTCOME_FAILED, DELIVERY_INVALID_ADDRESS, AUTO_HOLD_HOLD},
        {OUTCOME_FAILED, DELIVERY_CREDENTIALS, AUTO_HOLD_HOLD},
        {OUTCOME_FAILED, DELIVERY_RETRIES_USED_UP, AUTO_HOLD_HOLD},
        {OUTCOME_UNKNOWN, DELIVERY_BAD_REPLY, AUTO_HOLD_HOLD},
        {OUTCOME_UNKNOWN, DELIVERY_TIMEOUT, AUTO_HOLD_HOLD},
        {OUTCOME_FAILED, DELIVERY_OPTED_OUT, AUTO_HOLD_OPEN},
        {OUTCOME_CANCELLED, DELIVERY_OPTED_OUT, AUTO_HOLD_OPEN},
        {OUTCOME_EXPIRED, DELIVERY_EXPIRED, AUTO_HOLD_OPEN},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        start(&limits, 4000); /* a canary of 40 */
        cr_assert_eq(passed(CHANNEL_EMAIL), 40);
        settle(35, OUTCOME_SENT, DELIVERY_OK);
        cr_expect_eq(judge(0), AUTO_HOLD_NOTHING, "case %zu: five are on their way", i);
        settle(5, cases[i].outcome, cases[i].reason);
        cr_expect_eq(judge(0), cases[i].verdict, "case %zu: %s", i, why);
        auto_hold_fini(&hold);
    }
}

Test(auto_hold, the_limit_itself_is_no_reason)
{
    start(&limits, 2000);
    passed(CHANNEL_EMAIL);
    settle(2, OUTCOME_FAILED, DELIVERY_INVALID_ADDRESS);
    settle(18, OUTCOME_SENT, DELIVERY_OK);
    cr_expect_eq(judge(0), AUTO_HOLD_OPEN);
    cr_expect_eq(passed(CHANNEL_EMAIL), 2000);
    settle(1, OUTCOME_FAILED, DELIVERY_INVALID_ADDRESS);
    cr_expect_eq(judge(0), AUTO_HOLD_HOLD);
    cr_expect_str_eq(why, "held: 3 of the last 21 email messages failed (limit 10 %), "
                          "mostly invalid_address: 550 5.1.1 no such user");
    auto_hold_fini(&hold);
}

Test(auto_hold, says_what_most_failures_were)
{
    start(&limits, 2000);
    passed(CHANNEL_EMAIL);
    settle(2, OUTCOME_FAILED, DELIVERY_REJECTED);
    settle(7, OUTCOME_UNKNOWN, DELIVERY_TIMEOUT);
    settle(11, OUTCOME_SENT, DELIVERY_OK);
    cr_expect_eq(judge(0), AUTO_HOLD_HOLD);
    cr_expect(strstr(why, "held: 9 of the first 20 email messages failed"), "%s", why);
    cr_expect(strstr(why, "mostly timeout: "), "%s", why);
    auto_hold_fini(&hold);
}

/* Old outcomes leave the window of 40: four failures in a row of forty are at the limit. */
Test(auto_hold, looks_at_the_last_outcomes_only)
{
    start(&limits, 2000);
    passed(CHANNEL_EMAIL);
    settle(20, OUTCOME_SENT, DELIVERY_OK);
    cr_expect_eq(judge(0), AUTO_HOLD_OPEN);
    for (int round = 0; round < 50; round++) {
        settle(36, OUTCOME_SENT, DELIVERY_OK);
        settle(4, OUTCOME_FAILED, DELIVERY_REJECTED);
        cr_assert_eq(judge(0), AUTO_HOLD_NOTHING, "round %d: %s", round, why);
    }
    settle(30, OUTCOME_SENT, DELIVERY_OK);
    settle(1, OUTCOME_FAILED, DELIVERY_REJECTED); /* five in the last 40 */
    cr_expect_eq(judge(0), AUTO_HOLD_HOLD);
    auto_hold_fini(&hold);
}

Test(auto_hold, waits_for_retries_but_not_for_ever)
{
    start(&limits, 2000);
    passed(CHANNEL_EMAIL);
    settle(15, OUTCOME_SENT, DELIVERY_OK);
    for (int i = 0; i < 4; i++)
        cr_expect_not(auto_hold_answered(&hold, CHANNEL_EMAIL));
    cr_expect_eq(judge(1), AUTO_HOLD_NOTHING, "one has no answer at all yet");
    cr_expect(auto_hold_answered(&hold, CHANNEL_EMAIL), "five are deferred");
    cr_expect_eq(judge(NS_PER_S), AUTO_HOLD_WAIT);
    cr_expect_eq(hold.channels[CHANNEL_EMAIL].until_ns, 31 * NS_PER_S);
    cr_expect_eq(judge(30 * NS_PER_S), AUTO_HOLD_WAIT);
    cr_expect_not(auto_hold_pass(&hold, CHANNEL_EMAIL));
    cr_expect_eq(judge(31 * NS_PER_S), AUTO_HOLD_OPEN);
    cr_expect(auto_hold_pass(&hold, CHANNEL_EMAIL));
    auto_hold_fini(&hold);
}

Test(auto_hold, what_an_earlier_run_left_in_doubt_is_nothing_new)
{
    start(&limits, 2000);
    passed(CHANNEL_EMAIL);
    for (int i = 0; i < 100; i++)
        cr_expect_not(auto_hold_settled(&hold, CHANNEL_EMAIL, OUTCOME_UNKNOWN,
                                        DELIVERY_INTERRUPTED, TEXT_NONE));
    cr_expect_eq(hold.channels[CHANNEL_EMAIL].settled, 0);
    auto_hold_fini(&hold);
}
