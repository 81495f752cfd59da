#include "outbox/dispatch/pace.h"
#include "outbox/dispatch/route.h"

#include "base/clock.h"

#include <criterion/criterion.h>

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
        cr_expect_eq(route_choose(route, 3, cases[i].states), cases[i].chosen, "case %zu",
                     i);
    cr_expect_eq(route_choose(route, 0, cases[0].states), -1);
}

Test(pace, stays_ahead_of_need_and_never_far)
{
    struct pace pace = {0};
    cr_expect_eq(pace_target(&pace, 50, 0), 50,
                 "before anything is measured: one per connection");
    cr_expect_eq(pace_target(&pace, 50, 1), 1, "one a second: one");
    cr_expect_eq(pace_target(&pace, 50, 500), 20, "500 a second: what goes in 40 ms");
    int64_t now = 1000;
    for (int i = 0; i < 100000; i++)
        pace_took(&pace, now += 20 * NS_PER_US); /* 50 000 a second */
    size_t target = pace_target(&pace, 50, 0);
    cr_expect(target > 1950 && target < 2050, "%zu", target);
    for (int i = 0; i < 100; i++)
        pace_intended(&pace, 50 * NS_PER_MS); /* a slow disk */
    target = pace_target(&pace, 50, 0);
    cr_expect(target > 7000 && target < 7600, "%zu", target);
}
