/* config: values and their defaults, and the sentence for everything that can be wrong.
 */
#include "engine/config.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

static const char full[] =
    "listen: \"[::1]:0\"\n"
    "public_url: https://mail.example//\n"
    "workers: 3\n"
    "max_message_rate: 600/min\n"
    "providers:\n"
    "  relay: {type: smtp, url: 'smtp://127.0.0.1:2525', max_connections: 7,\n"
    "          messages_per_connection: 20, timeout: 1.5s, on_unknown: assume_sent,\n"
    "          max_message_rate: \"5000/s\",\n"
    "          retry: {first: 10ms, max: 1s, give_up: 2s, attempts: 4},\n"
    "          domains: {Gmail.com: {max_connections: 2, max_message_rate: 20/s},\n"
    "                    yahoo.com: {messages_per_connection: 9}}}\n"
    "  twilio:\n"
    "    type: twilio\n"
    "    account_sid: AC1\n"
    "    auth_token: \"${VOLLEY_TEST_TOKEN}-x\"\n"
    "    from: \"+15005550006\"\n"
    "routes:\n"
    "  email: [relay, twilio]\n"
    "  sms: twilio\n"
    "  push: []\n"
    "  inapp:\n"
    "tiers:\n"
    "  starter: {segments: 500}\n"
    "  growth: {segments: 5000}\n"
    "columns: {phone: mobile number, id: customer_id}\n"
    "protection: {window: 7d, min_messages: 5, messages_per_active_customer: 2.5}\n"
    "dkim:\n"
    "  - {domain: studio.example, selector: v1, key: \"file:dkim.pem\"}\n";

Test(config, full_file)
{
    char home[64], path[PATH_BYTES];
    struct config *c;
    struct error err;
    home_make(home);
    setenv("VOLLEY_TEST_TOKEN", "t0ken", 1);
    cr_assert_eq(path_join(path, home, TEXT("dkim.pem"), NULL), 0);
    cr_assert_eq(file_write(path, TEXT("-----BEGIN\nabc\n-----END\n"), NULL), 0);
    cr_assert_eq(path_join(path, home, TEXT("volley.yaml"), NULL), 0);
    cr_assert_eq(file_write(path, text_of(full), NULL), 0);
    cr_assert_eq(config_load(home, &c, &err), 0, "%s", err.text);

    cr_expect_str_eq(c->home, home);
    cr_expect_str_eq(c->listen, "[::1]:0");
    cr_expect_str_eq(c->public_url, "https://mail.example");
    cr_expect(c->public_url_given);
    cr_expect_eq(c->workers, 3);
    cr_expect_float_eq(c->max_message_rate_per_s, 10, 1e-9);

    cr_assert_eq(c->provider_count, 2);
    const struct provider_config *p = &c->providers[0];
    cr_expect_str_eq(p->name, "relay");
    cr_expect_str_eq(p->type, "smtp");
    cr_expect_str_eq(p->url, "smtp://127.0.0.1:2525");
    cr_expect_str_eq(p->auth_token, "");
    cr_expect_eq(p->max_connections, 7);
    cr_expect_eq(p->messages_per_connection, 20);
    cr_expect_float_eq(p->max_message_rate_per_s, 5000, 1e-9);
    cr_expect_eq(p->timeout_ns, 1500000000);
    cr_expect_eq(p->on_unknown, ON_UNKNOWN_ASSUME_SENT);
    cr_expect(p->on_unknown_given);
    cr_expect_eq(p->retry_first_ns, 10000000);
    cr_expect_eq(p->retry_max_ns, 1000000000);
    cr_expect_eq(p->retry_give_up_ns, 2000000000);
    cr_expect_eq(p->retry_attempts, 4);
    cr_assert_eq(p->domain_count, 2);
    cr_expect_str_eq(p->domains[0].name, "gmail.com", "in lower case");
    cr_expect_eq(p->domains[0].max_connections, 2);
    cr_expect_eq(p->domains[0].messages_per_connection, 0);
    cr_expect_float_eq(p->domains[0].max_message_rate_per_s, 20, 1e-9);
    cr_expect_str_eq(p->domains[1].name, "yahoo.com");
    cr_expect_eq(p->domains[1].messages_per_connection, 9);
    p = &c->providers[1];
    cr_expect_str_eq(p->auth_token, "t0ken-x");
    cr_expect_eq(p->max_connections, 50);
    cr_expect_eq(p->messages_per_connection, 1000);
    cr_expect_eq(p->max_message_rate_per_s, 0);
    cr_expect_eq(p->timeout_ns, 30000000000);
    cr_expect_not(p->on_unknown_given);
    cr_expect_eq(p->domain_count, 0);

    cr_assert_eq(c->route_counts[CHANNEL_EMAIL], 2);
    cr_expect_eq(c->routes[CHANNEL_EMAIL][0].provider, 0);
    cr_expect_eq(c->routes[CHANNEL_EMAIL][1].provider, 1);
    cr_assert_eq(c->route_counts[CHANNEL_SMS], 1);
    cr_expect_eq(c->routes[CHANNEL_SMS][0].provider, 1);
    cr_expect_eq(c->route_counts[CHANNEL_PUSH], 0);
    cr_expect_eq(c->route_counts[CHANNEL_INAPP], 0);

    cr_expect_eq(c->tier_count, 2);
    cr_expect_eq(config_tier(c, TEXT("growth"))->segments, 5000);
    cr_expect_null(config_tier(c, TEXT("grow")));
    cr_assert_eq(c->alias_count, 2);
    cr_expect_str_eq(c->aliases[0].known, "phone");
    cr_expect_str_eq(c->aliases[0].actual, "mobile number");
    cr_expect_eq(c->protection.window_ns, 7 * 86400ll * 1000000000);
    cr_expect_eq(c->protection.min_messages, 5);
    cr_expect_float_eq(c->protection.messages_per_active_customer, 2.5, 1e-9);
    cr_assert_eq(c->dkim_count, 1);
    cr_expect_str_eq(c->dkim[0].domain, "studio.example");
    cr_expect_str_eq(c->dkim[0].key, "-----BEGIN\nabc\n-----END");
    config_destroy(&c);
    cr_expect_null(c);
    home_remove(home);
}

Test(config, empty_file_has_defaults)
{
    struct config *c;
    struct error err;
    cr_assert_eq(config_parse(TEXT("# nothing\nproviders:\n"), ".", &c, &err), 0, "%s",
                 err.text);
    cr_expect_str_eq(c->listen, "127.0.0.1:8025");
    cr_expect_str_eq(c->public_url, "https://localhost");
    cr_expect_not(c->public_url_given);
    cr_expect_geq(c->workers, 1);
    cr_expect_eq(c->max_message_rate_per_s, 0);
    cr_expect_eq(c->provider_count, 0);
    cr_expect_eq(c->protection.window_ns, 30 * 86400ll * 1000000000);
    cr_expect_eq(c->protection.min_messages, 10000);
    cr_expect_float_eq(c->protection.messages_per_active_customer, 60, 1e-9);
    config_destroy(&c);
}

#define RELAY "providers:\n  relay: {type: smtp}\n"

Test(config, routes_have_tiers_and_weights)
{
    static const struct {
        const char *route;
        size_t count;
        struct route_entry entries[3];
    } cases[] = {
        {"a", 1, {{0, 0, 1}}},
        {"[b, a]", 2, {{1, 0, 1}, {0, 1, 1}}},
        {"{a: 3, b: 1}", 2, {{0, 0, 3}, {1, 0, 1}}},
        {"[{c: 1000, a: 1}, b]", 3, {{2, 0, 1000}, {0, 0, 1}, {1, 1, 1}}},
        {"[b, {a: 2, c: 5}]", 3, {{1, 0, 1}, {0, 1, 2}, {2, 1, 5}}},
        {"[]", 0, {{0, 0, 0}}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[256];
        struct config *c;
        struct error err;
        snprintf(text, sizeof(text),
                 "routes: {email: %s}\nproviders: {a: {type: smtp}, b: {type: smtp}, c: "
                 "{type: ses}}\n",
                 cases[i].route);
        cr_assert_eq(config_parse(text_of(text), "/nowhere", &c, &err), 0, "%s",
                     err.text);
        cr_assert_eq(c->route_counts[CHANNEL_EMAIL], cases[i].count, "%s",
                     cases[i].route);
        for (size_t e = 0; e < cases[i].count; e++) {
            const struct route_entry *got = &c->routes[CHANNEL_EMAIL][e];
            const struct route_entry *want = &cases[i].entries[e];
            cr_expect_eq(got->provider, want->provider, "%s", cases[i].route);
            cr_expect_eq(got->tier, want->tier, "%s", cases[i].route);
            cr_expect_eq(got->weight, want->weight, "%s", cases[i].route);
        }
        config_destroy(&c);
    }
}

static const struct {
    const char *yaml, *sentence;
} wrong[] = {
    {"listne: 127.0.0.1:1\n",
     "volley.yaml:1: unknown key \"listne\" (did you mean \"listen\"?)"},
    {"zebra: 1\n", "volley.yaml:1: unknown key \"zebra\""},
    {"providers.*.type: 1\n", "volley.yaml:1: unknown key \"providers.*.type\""},
    {"providers:\n  relay: {type: smtp, max_conections: 3}\n",
     "volley.yaml:2: providers.relay: unknown key \"max_conections\" (did you mean "
     "\"max_connections\"?)"},
    {"providers:\n  relay:\n    type: smtp\n    max_connections: 0\n",
     "volley.yaml:4: providers.relay.max_connections: 0 is out of range (1 to 10000)"},
    {"providers:\n  relay: {type: smtp, max_connections: -1}\n",
     "volley.yaml:2: providers.relay.max_connections: \"-1\" is not a whole number like "
     "50"},
    {"providers:\n  relay: {type: smtp, retry: {frist: 1s}}\n",
     "volley.yaml:2: providers.relay.retry: unknown key \"frist\" (did you mean "
     "\"first\"?)"},
    {"providers:\n  relay: {type: smtp, retry: {first: 2h}}\n",
     "volley.yaml:2: providers.relay.retry.first: 2h is out of range (1ms to 1h)"},
    {"providers:\n  relay: {type: smtp, timeout: fast}\n",
     "volley.yaml:2: providers.relay.timeout: \"fast\" is not a duration like 30s, 15min "
     "or 24h"},
    {"marketing_quiet_hours: 21:00-24:00\n",
     "volley.yaml:1: marketing_quiet_hours: \"21:00-24:00\" is not a span of the day "
     "like "
     "21:00-08:00"},
    {"marketing_quiet_hours: 8:00-08:00\n",
     "volley.yaml:1: marketing_quiet_hours: \"8:00-08:00\" is not a span of the day like "
     "21:00-08:00"},
    {"marketing_quiet_hours: 08:00-08:00\n",
     "volley.yaml:1: marketing_quiet_hours: \"08:00-08:00\" is not a span of the day "
     "like "
     "21:00-08:00"},
    {"providers:\n  relay: {type: smtp, max_message_rate: 5000}\n",
     "volley.yaml:2: providers.relay.max_message_rate: \"5000\" is not a rate like 500/s "
     "or "
     "30/min, or unlimited"},
    {"providers:\n  relay: {type: smtp, on_unknown: resent}\n",
     "volley.yaml:2: providers.relay.on_unknown: \"resent\" is none of hold, resend, "
     "assume_sent "
     "(did you mean \"resend\"?)"},
    {"providers:\n  relay: {url: 'smtp://h'}\n",
     "volley.yaml:2: providers.relay: the key \"type\" is missing"},
    {"providers:\n  relay: {type: smtp, url: 'smtp:/secret'}\n",
     "volley.yaml:2: providers.relay.url: its value is not a URL like https://host/path"},
    {"providers:\n  relay: smtp\n",
     "volley.yaml:2: providers.relay: must be a group of keys"},
    {"providers: [a]\n", "volley.yaml:1: providers: must be a group of names"},
    {"providers:\n  \"a b\": {type: smtp}\n",
     "volley.yaml:2: providers.a b: a name is up to 128 letters, digits, `.`, `_` or "
     "`-`"},
    {"providers: {relay: {type: smtp, domains: {a.test: {max_conections: 1}}}}\n",
     "volley.yaml:1: providers.relay.domains.a.test: unknown key \"max_conections\" (did "
     "you mean \"max_connections\"?)"},
    {"providers: {relay: {type: smtp, domains: {\"a b\": {max_connections: 1}}}}\n",
     "volley.yaml:1: providers.relay.domains.a b: a name is up to 128 letters, digits, "
     "`.`, `_` or `-`"},
    {RELAY "routes: {sms: [rely]}\n",
     "volley.yaml:3: routes.sms: no provider \"rely\" (did you mean \"relay\"?)"},
    {RELAY "routes: {email: [relay, relay]}\n",
     "volley.yaml:3: routes.email: names more providers than there are"},
    {RELAY "  b: {type: smtp}\nroutes:\n  email: [relay, relay]\n",
     "volley.yaml:5: routes.email: names the provider \"relay\" twice"},
    {RELAY "routes: {email: [[relay]]}\n",
     "volley.yaml:3: routes.email: must be the name of a provider, or weights like "
     "{relay: 3, ses: 1}"},
    {RELAY "routes: {email: [{}]}\n",
     "volley.yaml:3: routes.email: must be the name of a provider, or weights like "
     "{relay: 3, ses: 1}"},
    {RELAY "routes:\n  email:\n    relay: 0\n",
     "volley.yaml:5: routes.email: must be the weight of a provider, a whole number from "
     "1 to 1000"},
    {RELAY "routes: {email: {relay: 1001}}\n",
     "volley.yaml:3: routes.email: must be the weight of a provider, a whole number from "
     "1 to 1000"},
    {RELAY "routes: {email: {relay: a lot}}\n",
     "volley.yaml:3: routes.email: must be the weight of a provider, a whole number from "
     "1 to 1000"},
    {RELAY "routes: {email: {rely: 1}}\n",
     "volley.yaml:3: routes.email: no provider \"rely\" (did you mean \"relay\"?)"},
    {RELAY "  b: {type: smtp}\nroutes:\n  email: [{relay: 1, b: 1}, relay]\n",
     "volley.yaml:5: routes.email: names the provider \"relay\" twice"},
    {"routes: {emial: relay}\n",
     "volley.yaml:1: routes: unknown key \"emial\" (did you mean \"email\"?)"},
    {"routes: email\n", "volley.yaml:1: routes: must be a group of keys"},
    {"listen: 8025\n",
     "volley.yaml:1: listen: \"8025\" is not an address like 127.0.0.1:8025"},
    {"listen: \"::1:8025\"\n",
     "volley.yaml:1: listen: \"::1:8025\" is not an address like 127.0.0.1:8025"},
    {"listen: [a]\n", "volley.yaml:1: listen: must be a single value"},
    {"listen:\n",
     "volley.yaml:1: listen: must be a value (leave the key out for its default)"},
    {"workers: many\n",
     "volley.yaml:1: workers: \"many\" is not a whole number like 50, or auto"},
    {"tiers: {a: {}}\n", "volley.yaml:1: tiers.a: the key \"segments\" is missing"},
    {"tiers: {a: {segments: 1e3}}\n",
     "volley.yaml:1: tiers.a.segments: \"1e3\" is not a whole number like 50"},
    {"columns: {phone: [x]}\n", "volley.yaml:1: columns.phone: must be a name"},
    {"dkim: [{domain: d, selector: s}]\n",
     "volley.yaml:1: dkim.1: the key \"key\" is missing"},
    {"dkim:\n- {domain: d, selector: s, key: \"file:no.pem\"}\n",
     "volley.yaml:2: dkim.1.key: /nowhere/no.pem does not exist"},
    {"protection: {messages_per_active_customer: 1.2.3}\n",
     "volley.yaml:1: protection.messages_per_active_customer: \"1.2.3\" is not a number "
     "like 60"},
    {"providers:\n  t:\n    type: twilio\n    auth_token: ${VOLLEY_TEST_UNSET}\n",
     "volley.yaml:4: providers.t.auth_token: the environment variable VOLLEY_TEST_UNSET "
     "is not "
     "set"},
    {"listen: \"${\"\n",
     "volley.yaml:1: listen: `${` starts the name of an environment variable: "
     "write `${NAME}`"},
    {"listen: ${VOLLEY_TEST_SECRET}\n",
     "volley.yaml:1: listen: \"${VOLLEY_TEST_SECRET}\" is not an address like "
     "127.0.0.1:8025"},
    {"- a\n", "volley.yaml:1: must hold keys like `listen: 127.0.0.1:8025`"},
    {"listen: a\nlisten: b\n",
     "volley.yaml:2: the key \"listen\" stands here twice (first in line 1)"},
};

Test(config, every_mistake_has_its_sentence)
{
    setenv("VOLLEY_TEST_SECRET", "hunter2", 1);
    unsetenv("VOLLEY_TEST_UNSET");
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct config *c = NULL;
        struct error err = {0};
        int rc = config_parse(text_of(wrong[i].yaml), "/nowhere", &c, &err);
        cr_expect_eq(rc, -ERROR_CONFIG, "%s", wrong[i].yaml);
        cr_expect_str_eq(err.text, wrong[i].sentence);
        cr_expect_eq(config_parse(text_of(wrong[i].yaml), "/nowhere", &c, NULL), rc);
    }
}

Test(config, secrets_stay_out_of_messages)
{
    static const char *const files[] = {
        "providers: {t: {type: twilio, auth_token: \"a\\nhunter2\"}}\n",
        "providers: {t: {type: twilio, url: \"hunter2\"}}\n",
        "providers: {t: {type: twilio, max_connections: \"${VOLLEY_TEST_SECRET}\"}}\n",
        "dkim: [{domain: d, selector: s, key: \"hunter2\\x01\"}]\n",
        "providers: {t: {type: twilio, on_unknown: \"${VOLLEY_TEST_SECRET}\"}}\n",
    };
    setenv("VOLLEY_TEST_SECRET", "hunter2", 1);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct config *c;
        struct error err;
        cr_expect_eq(config_parse(text_of(files[i]), ".", &c, &err), -ERROR_CONFIG);
        cr_expect_null(strstr(err.text, "hunter2"), "%s", err.text);
    }
}

Test(config, missing_file_says_what_to_do)
{
    struct config *c;
    struct error err;
    cr_expect_eq(config_load("/nowhere", &c, &err), -ERROR_CONFIG);
    cr_expect_str_eq(err.text,
                     "/nowhere/volley.yaml does not exist: run `volley init /nowhere`");
}

Test(config, manual_shows_the_table)
{
    struct buffer page = {0};
    cr_assert_eq(file_read("docs/configuration.md", 1 << 20, &page, NULL), 0);
    size_t count, rows = 0;
    const struct config_option *options = config_options(&count);
    for (size_t i = 0; i < count; i++) {
        char row[512];
        const struct config_option *o = &options[i];
        snprintf(row, sizeof(row), "\n| `%s` | %s%s%s%s | %s | %s | %s |\n", o->path,
                 o->type, *o->unit ? " (" : "", o->unit, *o->unit ? ")" : "", o->range,
                 o->fallback, o->sentence);
        cr_expect_not_null(strstr(page.data, row), "docs/configuration.md lacks %s",
                           o->path);
    }
    for (const char *at = page.data; (at = strstr(at, "\n| `")); at++)
        rows++;
    cr_expect_eq(rows, count);
    buffer_fini(&page);
}
