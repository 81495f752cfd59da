#include "outbox/dispatch/pace.h"
#include "outbox/dispatch/route.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <math.h>

Test(route, takes_the_first_that_works_else_waits_for_the_first_that_may)
{
    static const struct route_entry route[] = {{2, 0, 1}, {0, 1, 1}, {1, 2, 1}};
    static const struct {
        enum route_state states[3];
        int chosen;
    } cases[] = {
        {{ROUTE_USABLE, ROUTE_USABLE, ROUTE_USABLE}, 2},
        {{ROUTE_USABLE, ROUTE_USABLE, ROUTE_BROKEN}, 0},
        {{ROUTE_USABLE, ROUTE_USABLE, ROUTE_STOPPED}, 0},
        {{ROUTE_BROKEN, ROUTE_USABLE, ROUTE_STOPPED}, 1},
        {{ROUTE_BROKEN, ROUTE_BROKEN, ROUTE_BROKEN}, 2},
        {{ROUTE_STOPPED, ROUTE_BROKEN, ROUTE_STOPPED}, 1},
        {{ROUTE_STOPPED, ROUTE_STOPPED, ROUTE_STOPPED}, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(route_choose(route, 3, cases[i].states, (struct hash128){i, 7}, 0),
                     cases[i].chosen, "case %zu", i);
    cr_expect_eq(route_choose(route, 0, cases[0].states, (struct hash128){1, 1}, 0), -1);
}

#define MESSAGES 40000

/* How many messages each of 4 providers gets. */
static void share(const struct route_entry *route, size_t count,
                  const enum route_state *states, unsigned turn, int got[4])
{
    memset(got, 0, 4 * sizeof(*got));
    for (uint64_t i = 0; i < MESSAGES; i++)
        got[route_choose(route, count, states, (struct hash128){i, i >> 3}, turn)]++;
}

/* Three times the standard deviation of a share. */
static void expect_share(int got, double share, const char *what)
{
    double want = MESSAGES * share, off = 3 * sqrt(want * (1 - share)) + 1e-9;
    cr_expect(got >= want - off && got <= want + off, "%s: %d instead of %g", what, got,
              want);
}

Test(route, weights_share_a_tier)
{
    static const struct route_entry route[] = {
        {0, 0, 3}, {1, 0, 1}, {2, 0, 4}, {3, 1, 9}};
    static const struct {
        const char *what;
        enum route_state states[4];
        unsigned turn;
        double shares[4];
    } cases[] = {
        {"all", {0}, 0, {3 / 8.0, 1 / 8.0, 4 / 8.0, 0}},
        {"one broken", {ROUTE_BROKEN}, 0, {0, 1 / 5.0, 4 / 5.0, 0}},
        {"one stopped", {0, 0, ROUTE_STOPPED}, 0, {3 / 4.0, 1 / 4.0, 0, 0}},
        {"one left", {ROUTE_BROKEN, 0, ROUTE_STOPPED}, 0, {0, 1, 0, 0}},
        {"tier gone", {ROUTE_BROKEN, ROUTE_STOPPED, ROUTE_BROKEN}, 0, {0, 0, 0, 1}},
        {"nothing usable",
         {ROUTE_BROKEN, ROUTE_STOPPED, ROUTE_BROKEN, ROUTE_STOPPED},
         0,
         {3 / 7.0, 0, 4 / 7.0, 0}},
        {"put off thrice: the next tier at last", {0}, 3, {0, 0, 0, 1}},
        {"and round", {0}, 4, {3 / 8.0, 1 / 8.0, 4 / 8.0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int got[4];
        share(route, 4, cases[i].states, cases[i].turn, got);
        for (size_t p = 0; p < 4; p++)
            expect_share(got[p], cases[i].shares[p], cases[i].what);
    }
}

Test(route, a_choice_is_stable_and_a_broken_provider_moves_its_own_messages_only)
{
    static const struct route_entry route[] = {{0, 0, 3}, {1, 0, 1}, {2, 0, 4}};
    static const enum route_state all[3] = {0}, less[3] = {ROUTE_BROKEN};
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct hash128 id = {i * 77, i};
        int first = route_choose(route, 3, all, id, 0);
        cr_assert_eq(route_choose(route, 3, all, id, 0), first);
        int then = route_choose(route, 3, less, id, 0);
        cr_assert(first == 0 ? then != 0 : then == first, "%d then %d", first, then);
        int second = route_choose(route, 3, all, id, 1);
        int third = route_choose(route, 3, all, id, 2);
        cr_assert(first != second && second != third && first != third);
        cr_assert_eq(route_choose(route, 3, all, id, 3), first);
    }
}

Test(route, three_deferrals_are_a_turn)
{
    static const unsigned turns[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3};
    for (unsigned attempt = 0; attempt < 11; attempt++)
        cr_expect_eq(route_turn(attempt), turns[attempt], "attempt %u", attempt);
}

Test(pace, stays_ahead_of_need_and_never_far)
{
    struct pace pace = {0};
    cr_expect_eq(pace_target(&pace, 50, 1, 0, false), 50,
                 "before anything is measured: one per connection");
    cr_expect_eq(pace_target(&pace, 50, 1, 1, false), 1, "one a second: one");
    cr_expect_eq(pace_target(&pace, 50, 1, 500, false), 20,
                 "500 a second: what goes in 40 ms");
    int64_t now = 1000;
    for (int i = 0; i < 100000; i++)
        pace_took(&pace, now += 20 * NS_PER_US); /* 50 000 a second */
    size_t target = pace_target(&pace, 50, 1, 0, false);
    cr_expect(target > 1950 && target < 2050, "%zu", target);
    for (int i = 0; i < 100; i++)
        pace_intended(&pace, 50 * NS_PER_MS); /* a slow disk */
    target = pace_target(&pace, 50, 1, 0, false);
    cr_expect(target > 7000 && target < 7600, "%zu", target);
}

Test(pace, puts_little_in_doubt_where_nobody_could_tell)
{
    struct pace pace = {0};
    cr_expect_eq(pace_target(&pace, 50, 1, 0, true), 50, "one per connection");
    cr_expect_eq(pace_target(&pace, 8, 50, 0, true), 100, "two calls");
    cr_expect_eq(pace_target(&pace, 8, 50, 0, false), 400, "all calls");
    int64_t now = 1000;
    for (int i = 0; i < 100000; i++)
        pace_took(&pace, now += 20 * NS_PER_US); /* 50 000 a second */
    size_t target = pace_target(&pace, 50, 1, 0, true);
    cr_expect(target > 245 && target < 255, "5 ms: %zu", target);
    for (int i = 0; i < 100; i++)
        pace_intended(&pace, 50 * NS_PER_MS);
    target = pace_target(&pace, 50, 1, 0, true);
    cr_expect(target > 490 && target < 510, "10 ms, however slow the disk: %zu", target);
}
