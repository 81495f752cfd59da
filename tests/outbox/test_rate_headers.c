#include "base/clock.h"
#include "outbox/api/rate_headers.h"

#include <criterion/criterion.h>

Test(rate_headers, read_what_providers_write)
{
    static const int64_t now_s = 1795370000; /* 2026-11-22 */
    static const struct {
        const char *remaining, *reset;
        bool known;
        uint64_t left;
        int64_t reset_s;
    } cases[] = {
        {"10", "30", true, 10, 30},
        {"0", "1795370060", true, 0, 60},
        {"0", "1.250", true, 0, 1},
        {" 7 ", "5;w=60", true, 7, 5},
        {"100, 100;w=10", "10", true, 100, 10},
        {"0", "1795369990", false, 0, 0}, /* it is over */
        {"0", "0", false, 0, 0},
        {"0", "90000000", false, 0, 0}, /* neither soon nor a date */
        {"0", "9999999999999999999999", false, 0, 0},
        {"-1", "30", false, 0, 0},
        {"x", "30", false, 0, 0},
        {"", "30", false, 0, 0},
        {"3", "soon", false, 0, 0},
        {"3", NULL, false, 0, 0},
        {NULL, "3", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rate_headers got = {0};
        bool known = rate_headers_parse(text_of(cases[i].remaining),
                                        text_of(cases[i].reset), now_s * NS_PER_S, &got);
        cr_expect_eq(known, cases[i].known, "case %zu", i);
        if (!known)
            continue;
        cr_expect_eq(got.remaining, cases[i].left, "case %zu", i);
        cr_expect_eq(got.reset_ns, cases[i].reset_s * NS_PER_S, "case %zu", i);
    }
}
