#include "outbox/dispatch/domain.h"

#include <criterion/criterion.h>

static const struct provider_domain domains[] = {
    {.name = "gmail.com", .max_connections = 5},
    {.name = "yahoo.com"},
    {.name = "b.example", .max_connections = 2},
};

Test(domain, is_what_stands_behind_the_last_at_in_any_case)
{
    static const struct {
        const char *address;
        int domain;
    } cases[] = {
        {"a@gmail.com", 0},
        {"A@GMail.COM", 0},
        {"\"x@yahoo.com\"@gmail.com", 0},
        {"a@b@yahoo.com", 1},
        {"a@mail.gmail.com", -1},
        {"a@gmail.com.", -1},
        {"gmail.com", -1},
        {"@gmail.com", 0},
        {"a@", -1},
        {"", -1},
        {"a@gmail.comx", -1},
    };
    struct provider_config config = {.domains = domains, .domain_count = 3};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct provider_domain *want =
            cases[i].domain < 0 ? NULL : &domains[cases[i].domain];
        cr_expect_eq(domain_find(&config, text_of(cases[i].address)), want, "%s",
                     cases[i].address);
    }
    cr_expect_null(domain_find(&config, TEXT_NONE));
    config.domain_count = 0;
    cr_expect_null(domain_find(&config, TEXT("a@gmail.com")));
}

Test(domain, connections_come_out_of_the_providers)
{
    static const struct {
        unsigned max, parts[4]; /* of each domain, and of all others; 0: refused */
    } cases[] = {{50, {5, 21, 2, 22}}, {9, {5, 1, 2, 1}}, {8, {0}}, {7, {0}}, {1, {0}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_config config = {.name = "relay",
                                         .max_connections = cases[i].max,
                                         .domains = domains,
                                         .domain_count = 3};
        struct error err = {0};
        int rc = domain_check(&config, &err);
        cr_expect_eq(rc == 0, cases[i].parts[0] > 0, "%u", cases[i].max);
        if (rc) {
            cr_expect(strstr(err.text, "providers.relay.domains: "), "%s", err.text);
            continue;
        }
        for (size_t d = 0; d < 3; d++)
            cr_expect_eq(domain_connections(&config, &domains[d]), cases[i].parts[d]);
        cr_expect_eq(domain_connections(&config, NULL), cases[i].parts[3]);
    }
}
