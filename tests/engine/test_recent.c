/* recent: counts per customer against a plain array, over many growths. */
#include "base/hash.h"
#include "engine/job/recent.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { CUSTOMERS = 30000 };

Test(recent, counts_each_customer_apart)
{
    struct recent *recent = calloc(1, sizeof(*recent));
    static unsigned wanted[CUSTOMERS];
    srand(3);
    for (int i = 0; i < 200000; i++) {
        uint32_t customer =
            (uint32_t)(rand() % CUSTOMERS) * (uint32_t)(rand() % 4) % CUSTOMERS;
        uint64_t hash = hash64(&customer, sizeof(customer));
        recent_add(recent, hash);
        wanted[customer]++;
        unsigned shown =
            wanted[customer] < RECENT_COUNT_MAX ? wanted[customer] : RECENT_COUNT_MAX;
        cr_assert_eq(recent_of(recent, hash), shown);
    }
    for (uint32_t c = 0; c < CUSTOMERS; c++) {
        unsigned shown = wanted[c] < RECENT_COUNT_MAX ? wanted[c] : RECENT_COUNT_MAX;
        cr_expect_eq(recent_of(recent, hash64(&c, sizeof(c))), shown, "customer %u", c);
    }
    recent_free(&recent);
    cr_assert_null(recent);
}

Test(recent, an_empty_one_has_nobody)
{
    struct recent recent = {0};
    cr_assert_eq(recent_of(&recent, 12345), 0);
}
