/* What stands in requests and replies as text: whole requests, URLs, dates. */
#include "base/clock.h"
#include "outbox/http/http1_request.h"
#include "outbox/http/http_date.h"

#include <criterion/criterion.h>

#define USUAL "Accept: */*\r\nUser-Agent: volley\r\n"

static const struct {
    struct http_request request;
    const char *bytes; /* NULL: no such URL */
} requests[] = {
    {{.method = "POST", .url = "http://127.0.0.1:8080/a/b", .body = TEXT("x=1")},
     "POST /a/b HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" USUAL
     "Content-Length: 3\r\n\r\nx=1"},
    {{.method = "POST", .url = "http://a.example"},
     "POST / HTTP/1.1\r\nHost: a.example\r\n" USUAL "Content-Length: 0\r\n\r\n"},
    {{.method = "GET",
      .url = "https://a.example:443/?To=%2B1&x#part",
      .headers = {"Authorization: Basic eDp5"}},
     "GET /?To=%2B1&x HTTP/1.1\r\nHost: a.example\r\n" USUAL
     "Authorization: Basic eDp5\r\n\r\n"},
    {{.method = "GET", .url = "http://a.example:443?x=/y"},
     "GET /?x=/y HTTP/1.1\r\nHost: a.example:443\r\n" USUAL "\r\n"},
    {{.method = "GET", .url = "http://[::1]:80/"},
     "GET / HTTP/1.1\r\nHost: [::1]\r\n" USUAL "\r\n"},
    {{.method = "POST",
      .url = "http://a.example/",
      .headers = {"host: b.example", "ACCEPT: text/plain", "Accepted: no",
                  "User-Agent: other"}},
     "POST / HTTP/1.1\r\nhost: b.example\r\nACCEPT: text/plain\r\nAccepted: no\r\n"
     "User-Agent: other\r\nContent-Length: 0\r\n\r\n"},
    {{.method = "GET", .url = "ftp://a.example/"}, NULL},
    {{.method = "GET", .url = "http:///x"}, NULL},
    {{.method = "GET", .url = "http://user@a.example/"}, NULL},
    {{.method = "GET", .url = "http://a.example/a b"}, NULL},
    {{.method = "GET", .url = "http://a.example/a\r\nX: y"}, NULL},
    {{.method = "GET", .url = "http://a.example:0/"}, NULL},
    {{.method = "GET", .url = "http://a.example:65536/"}, NULL},
    {{.method = "GET", .url = "a.example"}, NULL},
};

Test(http_text, requests)
{
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        struct buffer out = {0};
        struct http1_url url;
        struct remote remote;
        bool ok = http1_url_parse(requests[i].request.url, &url) == 0 &&
                  http1_url_remote(&url, &remote) == 0;
        cr_expect_eq(ok, requests[i].bytes != NULL, "case %zu", i);
        if (ok) {
            http1_request_write(&out, &url, &requests[i].request);
            cr_expect(text_is(buffer_view(&out), requests[i].bytes), "case %zu: %s", i,
                      out.data);
        }
        buffer_fini(&out);
    }
}

static const struct {
    const char *text;
    const char *rfc3339; /* NULL: no date */
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
    {"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
    {"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
    {"Mon, 23 Nov 2026 00:13:44 GMT", "2026-11-23T00:13:44Z"},
    {"Monday, 23-Nov-26 00:13:44 GMT", "2026-11-23T00:13:44Z"},
    {"Thu, 29 Feb 2024 23:59:60 GMT", "2024-03-01T00:00:00Z"},
    {"Mon, 23 Abc 2026 00:13:44 GMT", NULL},
    {"Mon, 32 Nov 2026 00:13:44 GMT", NULL},
    {"Mon, 23 Nov 2026 24:13:44 GMT", NULL},
    {"Mon, 23 Nov 2026 00:61:44 GMT", NULL},
    {"2026-11-23T00:13:44Z and more", NULL},
    {"tomorrow", NULL},
    {"", NULL},
};

Test(http_text, dates)
{
    for (size_t i = 0; i < ARRAY_COUNT(dates); i++) {
        int64_t seconds = 0, wanted_ns = 0;
        bool has_offset;
        int rc = http_date_parse(text_of(dates[i].text), &seconds);
        cr_expect_eq(rc == 0, dates[i].rfc3339 != NULL, "%s", dates[i].text);
        if (!dates[i].rfc3339)
            continue;
        cr_assert_eq(clock_parse(text_of(dates[i].rfc3339), &wanted_ns, &has_offset), 0);
        cr_expect_eq(seconds, wanted_ns / NS_PER_S, "%s", dates[i].text);
    }
}

Test(http_text, retry_after)
{
    int64_t now_ns = 0;
    bool has_offset;
    cr_assert_eq(clock_parse(TEXT("2026-11-23T00:13:44Z"), &now_ns, &has_offset), 0);
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {{"7", 7},
                 {"0", 0},
                 {"-7", 0},
                 {"86401", 86400},
                 {"soon", 0},
                 {"Mon, 23 Nov 2026 00:14:44 GMT", 60},
                 {"Mon, 23 Nov 2026 00:12:44 GMT", 0},
                 {"Mon, 23 Nov 2099 00:12:44 GMT", 86400}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(http_retry_after_ns(text_of(cases[i].text), now_ns),
                     cases[i].seconds * NS_PER_S, "%s", cases[i].text);
    cr_expect_eq(http_retry_after_ns(TEXT_NONE, now_ns), 0);
}
