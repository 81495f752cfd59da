/* config_diff: each difference between two volley.yaml is told once, in its own words. */
#include "base/buffer.h"
#include "engine/config_diff.h"

#include <criterion/criterion.h>

#define RELAY(keys) "  relay: {type: smtp, url: \"smtp://127.0.0.1:25\"" keys "}\n"
#define APP(keys)   "  app: {type: webhook, url: \"http://127.0.0.1:80\"" keys "}\n"

static const struct {
    const char *was, *is, *told;
} cases[] = {
    {"providers:\n" RELAY(""), "providers:\n" RELAY(""), ""},
    /* Written otherwise, but the same. */
    {"providers:\n" RELAY(", timeout: 60s"), "providers:\n" RELAY(", timeout: 1min"), ""},
    {"providers:\n" RELAY("") APP(""), "providers:\n" APP("") RELAY(""), ""},
    {"providers:\n" RELAY(", max_message_rate: 100/s"),
     "providers:\n" RELAY(", max_message_rate: 500/s"),
     "providers.relay.max_message_rate 100/s > 500/s\n"},
    {"providers:\n" RELAY(""), "providers:\n" RELAY(", max_message_rate: 30/min"),
     "providers.relay.max_message_rate unlimited > 30/min\n"},
    {"max_message_rate: 1000000/s", "max_message_rate: 1000/day",
     "max_message_rate 1000000/s > 1000/day\n"},
    {"providers:\n" RELAY(", timeout: 30s, retry: {first: 1s}"),
     "providers:\n" RELAY(", timeout: 1500ms, retry: {first: 1h}"),
     "providers.relay.timeout 30s > 1500ms\nproviders.relay.retry.first 1s > 1h\n"},
    {"providers:\n" RELAY(""), "providers:\n" RELAY(", on_unknown: resend"),
     "providers.relay.on_unknown (left out) > resend\n"},
    {"providers:\n" RELAY(", batch: 10"), "providers:\n" RELAY(""),
     "providers.relay.batch 10 > auto\n"},
    {"providers:\n" RELAY(", auth_token: one"), "providers:\n" RELAY(", auth_token: two"),
     "providers.relay.auth_token (not shown) > (changed)\n"},
    {"providers:\n" RELAY(""), "providers:\n" RELAY("") APP(""),
     "providers.app  > (new)\n"},
    {"providers:\n" RELAY("") APP(""), "providers:\n" APP(""),
     "providers.relay (there) > \n"},
    {"providers:\n" RELAY("") APP("") "routes: {push: [app]}",
     "providers:\n" APP("") RELAY("") "routes: {push: [app], email: relay}",
     "routes.email [] > [relay]\n"},
    {"providers:\n" RELAY(", domains: {example.org: {max_connections: 2}}"),
     "providers:\n" RELAY(", domains: {example.org: {max_connections: 3}}"),
     "providers.relay.domains.example.org.max_connections 2 > 3\n"},
    {"tiers: {a: {segments: 5}}", "tiers: {a: {segments: 6}}",
     "tiers.a.segments 5 > 6\n"},
    {"columns: {email: mail}", "columns: {email: address}",
     "columns.email mail > address\n"},
    {"marketing_quiet_hours: 21:00-08:00", "marketing_quiet_hours: \"21:00-08:00\"", ""},
    {"marketing_quiet_hours: 21:00-08:00", "marketing_quiet_hours: 20:30-08:00",
     "marketing_quiet_hours 21:00-08:00 > 20:30-08:00\n"},
    {"protection: {window: 30d}", "protection: {window: 36h, min_messages: 7}",
     "protection.window 30d > 36h\nprotection.min_messages 10000 > 7\n"},
};

static void tell(void *arg, const char *path, const char *was, const char *is)
{
    buffer_format(arg, "%s %s > %s\n", path, was, is);
}

Test(config_diff, cases)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config *was, *is;
        struct error err = {0};
        struct buffer told = {0};
        cr_assert_eq(config_parse(text_of(cases[i].was), ".", &was, &err), 0,
                     "case %zu: %s", i, err.text);
        cr_assert_eq(config_parse(text_of(cases[i].is), ".", &is, &err), 0,
                     "case %zu: %s", i, err.text);
        config_diff(was, is, tell, &told);
        cr_expect_str_eq(told.data ? told.data : "", cases[i].told, "case %zu", i);
        config_destroy(&was);
        config_destroy(&is);
        buffer_fini(&told);
    }
}
