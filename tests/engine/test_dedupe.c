/* dedupe: against a plain array of flags, over many growths. */
#include "base/hash.h"
#include "engine/pipeline/dedupe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { NAMES = 40000 };

Test(dedupe, remembers_exactly_what_was_added)
{
    struct dedupe dedupe = {0};
    static bool added[NAMES];
    size_t count = 0;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        uint32_t name = (uint32_t)rand() % NAMES;
        uint64_t key = hash64(&name, sizeof(name));
        cr_assert_eq(dedupe_has(&dedupe, key), added[name]);
        cr_assert_eq(dedupe_add(&dedupe, key), !added[name]);
        count += !added[name];
        added[name] = true;
        cr_assert_eq(dedupe.count, count);
    }
    dedupe_fini(&dedupe);
    cr_assert_eq(dedupe.capacity, 0);
}

Test(dedupe, an_empty_one_has_nothing_and_zero_is_a_key)
{
    struct dedupe dedupe = {0};
    cr_assert(!dedupe_has(&dedupe, 0) && !dedupe_has(&dedupe, 7));
    cr_assert(dedupe_add(&dedupe, 0));
    cr_assert(dedupe_has(&dedupe, 0));
    cr_assert(!dedupe_add(&dedupe, 0));
    dedupe_fini(&dedupe);
}

/* Keys that all begin at the same slot: the worst a hash can do. */
Test(dedupe, survives_keys_that_collide)
{
    struct dedupe dedupe = {0};
    for (uint64_t i = 1; i <= 5000; i++)
        cr_assert(dedupe_add(&dedupe, i << 40));
    for (uint64_t i = 1; i <= 5000; i++)
        cr_assert(dedupe_has(&dedupe, i << 40) && !dedupe_has(&dedupe, i << 40 | 1));
    dedupe_fini(&dedupe);
}
