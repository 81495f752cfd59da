#include "outbox/wire/remote.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

Test(remote, reads_urls)
{
    static const struct {
        const char *url, *host, *port; /* host NULL: refused */
    } cases[] = {
        {"smtp://mx.example", "mx.example", "25"},
        {"smtp://mx.example:2525", "mx.example", "2525"},
        {"SMTP://mx.example/", "mx.example", "25"},
        {"smtp://127.0.0.1:1", "127.0.0.1", "1"},
        {"smtp://[::1]", "::1", "25"},
        {"smtp://[::1]:587", "::1", "587"},
        {"smtps://mx.example", NULL, NULL},
        {"smtp:/mx.example", NULL, NULL},
        {"smtp://", NULL, NULL},
        {"smtp://:25", NULL, NULL},
        {"smtp://mx.example:", NULL, NULL},
        {"smtp://mx.example:0", NULL, NULL},
        {"smtp://mx.example:65536", NULL, NULL},
        {"smtp://[::1", NULL, NULL},
        {"smtp://[::1]x", NULL, NULL},
        {"smtp://user@mx.example", NULL, NULL},
        {"smtp://mx.example/path", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct remote remote;
        int rc = remote_parse(text_of(cases[i].url), "smtp", "25", &remote);
        cr_assert_eq(rc, cases[i].host ? 0 : -1, "%s", cases[i].url);
        if (rc == 0) {
            cr_expect_str_eq(remote.host, cases[i].host);
            cr_expect_str_eq(remote.port, cases[i].port);
        }
    }
}

Test(remote, knows_what_stays_on_this_machine)
{
    static const struct {
        int family;
        const char *address;
        bool loopback;
    } cases[] = {
        {AF_INET, "127.0.0.1", true},         {AF_INET, "127.255.0.9", true},
        {AF_INET, "128.0.0.1", false},        {AF_INET, "10.0.0.1", false},
        {AF_INET, "0.0.0.0", false},          {AF_INET6, "::1", true},
        {AF_INET6, "::ffff:127.0.0.1", true}, {AF_INET6, "::ffff:10.0.0.1", false},
        {AF_INET6, "fe80::1", false},         {AF_INET6, "::", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool old = cases[i].family == AF_INET;
        void *at = old ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr;
        cr_assert_eq(inet_pton(cases[i].family, cases[i].address, at), 1);
        const struct sockaddr *address =
            old ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
        cr_expect_eq(remote_is_loopback(address), cases[i].loopback, "%s",
                     cases[i].address);
    }
}
