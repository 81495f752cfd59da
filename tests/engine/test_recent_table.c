/* recent_table: counts per customer against a plain array, over many growths. */
#include "base/hash.h"
#include "engine/job/recent_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { CUSTOMERS = 30000 };

static uint64_t hash_of(uint32_t customer)
{
    return hash64(&customer, sizeof(customer));
}

static unsigned shown(unsigned count)
{
    return count < REACHED_COUNT_MAX ? count : REACHED_COUNT_MAX;
}

static void fill(struct recent_table *table, unsigned *wanted, int messages)
{
    for (int i = 0; i < messages; i++) {
        uint32_t customer =
            (uint32_t)(rand() % CUSTOMERS) * (uint32_t)(rand() % 4) % CUSTOMERS;
        unsigned more = (unsigned)rand() % 3;
        recent_table_add(table, hash_of(customer), more);
        wanted[customer] += more;
        cr_assert_eq(recent_table_of(table, hash_of(customer)), shown(wanted[customer]));
    }
}

Test(recent_table, counts_each_customer_apart)
{
    struct recent_table table = {0};
    static unsigned wanted[CUSTOMERS];
    srand(3);
    fill(&table, wanted, 200000);
    for (uint32_t c = 0; c < CUSTOMERS; c++)
        cr_expect_eq(recent_table_of(&table, hash_of(c)), shown(wanted[c]), "%u", c);
    cr_expect(table.full, "customer 0 has thousands");
    recent_table_fini(&table);
}

Test(recent_table, sums)
{
    struct recent_table base = {0}, more = {0}, less = {0}, sum;
    static unsigned in_base[CUSTOMERS], in_more[CUSTOMERS], in_less[CUSTOMERS];
    srand(4);
    fill(&base, in_base, 40000);
    fill(&more, in_more, 40000);
    fill(&less, in_less, 40000);
    recent_table_sum(&base, &more, &less, &sum);
    size_t left = 0;
    for (uint32_t c = 1; c < CUSTOMERS; c++) { /* 0 has more than a word holds */
        unsigned had = in_base[c] + in_more[c];
        unsigned want = had > in_less[c] ? had - in_less[c] : 0;
        left += want > 0;
        cr_expect_eq(recent_table_of(&sum, hash_of(c)), want, "%u", c);
    }
    cr_expect_leq(sum.count, left + 1, "who has none left is not in it");
    recent_table_fini(&base);
    recent_table_fini(&more);
    recent_table_fini(&less);
    recent_table_fini(&sum);
}

Test(recent_table, an_empty_one_has_nobody)
{
    struct recent_table table = {0};
    cr_assert_eq(recent_table_of(&table, 12345), 0);
}
