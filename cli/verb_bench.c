/* verb_bench: how fast a provider takes messages, by settings, with the whole engine. */
#include "base/clock.h"
#include "base/near.h"
#include "base/units.h"
#include "cli/bench/bench_report.h"
#include "cli/bench/bench_sandbox.h"
#include "cli/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"to", "ADDRESS", "a test address of your own that gets every message"},
    {"from", "ADDRESS", "the sender (default: the provider's `from`)"},
    {"channel", "NAME", "email, sms, push or inapp (default: the provider's first)"},
    {"messages", "N",
     "messages a point (own sandbox: as many as fit the time; else 100)"},
    {"seconds", "S", "time a point at most (default 2)"},
    {"yes", NULL, "do not ask before sending through a real provider"},
    VERB_COMMON};

/* Connections are doubled up to this many with the sandbox; with a real provider up to what
 * volley.yaml allows. */
#define SANDBOX_CONNECTIONS 128
#define REAL_MESSAGES       100
#define FIRST_MESSAGES      2000
#define MESSAGES_MAX        400000

struct bench {
    struct verb_context *context;
    struct bench_sandbox sandbox;
    struct bench_home home;
    struct config *loaded;
    struct config config; /* loaded's, with the one provider */
    struct route_entry route;
    struct config_tier tier;
    const struct provider_config *provider;
    char address[320]; /* typed in by hand */
    uint64_t messages; /* a point; 0: by time */
    double seconds;
    bool progress;
    struct bench_report report;
};

static bool real(const struct bench *b)
{
    return b->context->options.argument_count > 0;
}

/* --- what to measure --- */

static int read_options(struct bench *b, struct error *err)
{
    const struct options *given = &b->context->options;
    const char *messages = options_value(given, "messages");
    const char *seconds = options_value(given, "seconds");
    const char *from = options_value(given, "from");
    int64_t ns = 2 * NS_PER_S;
    if (messages && (units_count(text_of(messages), &b->messages) || b->messages == 0 ||
                     b->messages > MESSAGES_MAX))
        return error_set(err, ERROR_USAGE, "--messages %s: write a number from 1 to %d",
                         messages, MESSAGES_MAX);
    char with_unit[32];
    if (seconds) {
        size_t bytes = strspn(seconds, "0123456789.");
        snprintf(with_unit, sizeof(with_unit), "%.20s%s", seconds,
                 seconds[bytes] ? "" : "s");
        if (units_duration(text_of(with_unit), &ns) || ns < 100 * NS_PER_MS ||
            ns > 60 * NS_PER_S)
            return error_set(err, ERROR_USAGE,
                             "--seconds %s: write a number from 0.1 to 60", seconds);
    }
    b->seconds = (double)ns / (double)NS_PER_S;
    b->home.from = from ? from : "";
    b->home.to = options_value(given, "to");
    if (real(b) && b->messages == 0)
        b->messages = REAL_MESSAGES;
    return 0;
}

/* choose_channel: the one that was asked for, else the first that the type can serve. */
static int choose_channel(struct bench *b, unsigned channels, struct error *err)
{
    static const enum channel order[] = {CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_PUSH,
                                         CHANNEL_INAPP};
    const char *wanted = options_value(&b->context->options, "channel");
    bool known = !wanted;
    for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
        bool named = wanted && strcmp(wanted, channel_name(order[i])) == 0;
        known |= named;
        if ((wanted && !named) || !(channels >> order[i] & 1))
            continue;
        b->home.channel = order[i];
        return 0;
    }
    return error_set(err, ERROR_USAGE,
                     known ? "--channel %s: %s does not carry it"
                           : "--channel %s: write email, sms, push or "
                             "inapp",
                     wanted ? wanted : "", b->provider ? b->provider->name : "sandbox");
}

static int configure_sandbox(struct bench *b, struct error *err)
{
    char text[1024];
    int rc = choose_channel(b, ~0u, err);
    if (rc == 0)
        rc = bench_sandbox_start(&b->sandbox, err);
    if (rc)
        return rc;
    const char *type = b->home.channel == CHANNEL_EMAIL ? "smtp"
                       : b->home.channel == CHANNEL_SMS ? "twilio"
                                                        : "webhook";
    bool mail = b->home.channel == CHANNEL_EMAIL;
    snprintf(text, sizeof(text),
             "providers:\n  sandbox: {type: %s, url: \"%s://127.0.0.1:%u%s\",\n"
             "            account_sid: AC00000000000000000000000000000001,\n"
             "            auth_token: sandbox, from: \"+15005550006\"}\n",
             type, mail ? "smtp" : "http",
             mail ? b->sandbox.smtp_port : b->sandbox.http_port,
             b->home.channel == CHANNEL_PUSH    ? "/push"
             : b->home.channel == CHANNEL_INAPP ? "/inapp"
                                                : "");
    b->home.to = mail                             ? "bench@example.com"
                 : b->home.channel == CHANNEL_SMS ? "+12025550100"
                                                  : "bench";
    rc = config_parse(text_of(text), ".", &b->loaded, err);
    b->provider = rc ? NULL : &b->loaded->providers[0];
    return rc;
}

static int configure_real(struct bench *b, struct error *err)
{
    const char *name = b->context->options.arguments[0];
    struct near near = {.wanted = text_of(name)};
    char hint[128];
    int rc = config_load(b->context->home, &b->loaded, err);
    for (size_t i = 0; rc == 0 && i < b->loaded->provider_count; i++) {
        near_offer(&near, text_of(b->loaded->providers[i].name));
        if (strcmp(b->loaded->providers[i].name, name) == 0)
            b->provider = &b->loaded->providers[i];
    }
    if (rc)
        return rc;
    if (!b->provider)
        return error_set(err, ERROR_CONFIG, "volley.yaml has no provider \"%s\"%s", name,
                         near_hint(&near, hint, sizeof(hint)));
    const struct provider_type *type = provider_type_find(text_of(b->provider->type));
    if (!type)
        return error_set(err, ERROR_CONFIG,
                         "volley.yaml: providers.%s: unknown type \"%s\"", name,
                         b->provider->type);
    return choose_channel(b, type->channels, err);
}

/* narrow: a configuration with this provider alone, and nothing that would keep messages back. */
static void narrow(struct bench *b)
{
    struct config *config = &b->config;
    *config = *b->loaded;
    config->home = b->home.path;
    config->providers = (struct provider_config *)b->provider;
    config->provider_count = 1;
    b->route = (struct route_entry){.weight = 1};
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        config->routes[c] = &b->route;
        config->route_counts[c] = c == (int)b->home.channel;
    }
    b->tier = (struct config_tier){"bench", 1000000000};
    config->tiers = &b->tier;
    config->tier_count = 1;
    config->alias_count = 0;
    config->protection.messages_per_active_customer = 0;
}

/* --- never a customer's address --- */

/* harmless: an address that the provider itself gives for tests, and what makes it so.
 * Sources: Amazon SES Developer Guide, "Using the mailbox simulator"; SendGrid v3 Mail Send,
 * mail_settings.sandbox_mode; Twilio, "Test credentials": the sender +15005550006 works with test
 * credentials only; with others Twilio refuses the message. 202-555-01xx is nobody's number. */
static const char *harmless(struct bench *b, struct provider_config *provider)
{
    if (strcmp(provider->type, "ses") == 0)
        return "success@simulator.amazonses.com";
    if (strcmp(provider->type, "sendgrid") == 0) {
        provider->sandbox_mode = true;
        return "bench@example.com";
    }
    if (strcmp(provider->type, "twilio") == 0) {
        provider->from = b->home.from = "+15005550006";
        return "+12025550100";
    }
    return NULL;
}

static bool ask(const char *question, char *answer, size_t bytes)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "%s ", question);
    if (!fgets(answer, (int)bytes, stdin))
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return *answer != '\0';
}

static int choose_address(struct bench *b, struct provider_config *provider,
                          struct error *err)
{
    if (strcmp(provider->type, "fcm") == 0)
        provider->sandbox_mode = true; /* validate_only: even a real token gets nothing */
    if (!b->home.to)
        b->home.to = harmless(b, provider);
    if (!b->home.to && ask("A test address of your own that may get all of it:",
                           b->address, sizeof(b->address)))
        b->home.to = b->address;
    if (!b->home.to)
        return error_set(err, ERROR_USAGE,
                         "%s is a real provider: --to ADDRESS names a test address of "
                         "your own that gets every message",
                         provider->name);
    if (!*b->home.from)
        b->home.from = provider->from;
    return 0;
}

/* values: what is swept, smallest first; returns how many. */
static size_t values(const struct bench *b, enum bench_knob knob, unsigned out[16])
{
    static const unsigned per_connection[] = {10, 100, 1000, 10000};
    static const unsigned batch[] = {1, 10, 50, 0};
    const char *type = b->provider->type;
    bool batching = strcmp(type, "ses") == 0 || strcmp(type, "sendgrid") == 0 ||
                    b->provider->batch > 1;
    size_t count = 0;
    if (knob == BENCH_CONNECTIONS) {
        unsigned most = real(b) ? b->provider->max_connections : SANDBOX_CONNECTIONS;
        for (unsigned value = 1; value < most && count < 14; value *= 2)
            out[count++] = value;
        out[count++] = most;
    } else if (knob == BENCH_PER_CONNECTION && strcmp(type, "smtp") == 0) {
        for (; count < ARRAY_COUNT(per_connection); count++)
            out[count] = per_connection[count];
    } else if (knob == BENCH_BATCH && batching) {
        unsigned most = b->provider->batch; /* 0: whatever the type allows */
        for (size_t i = 0; i < ARRAY_COUNT(batch) && (most == 0 || batch[i] < most); i++)
            out[count++] = batch[i] ? batch[i] : most;
        if (most > 0 && (count == 0 || out[count - 1] != most))
            out[count++] = most;
    }
    return count;
}

static int confirm(struct bench *b, struct error *err)
{
    char answer[16];
    unsigned ignored[16];
    size_t points = 0;
    for (int k = BENCH_CONNECTIONS; k <= BENCH_BATCH; k++)
        points += values(b, (enum bench_knob)k, ignored);
    fprintf(stderr,
            "bench: at most %" PRIu64 " messages through %s to %s (%zu points of %" PRIu64
            ")\n",
            b->messages * points, b->provider->name, b->home.to, points, b->messages);
    if (options_flag(&b->context->options, "yes"))
        return 0;
    if (ask("Send them? [y/N]", answer, sizeof(answer)) &&
        (answer[0] == 'y' || answer[0] == 'Y'))
        return 0;
    return error_set(err, ERROR_USAGE, "nothing was sent: --yes confirms");
}

/* --- the sweep --- */

static int measure(struct bench *b, enum bench_knob knob,
                   const struct bench_setting *setting, uint64_t messages, bool keep,
                   struct error *err)
{
    struct bench_report *report = &b->report;
    struct bench_point point;
    CHECK(report->count < BENCH_POINTS_MAX);
    if (b->progress)
        fprintf(stderr, "\rbench: %u connections, %" PRIu64 " messages …\033[K",
                setting->max_connections, messages);
    double peer_before = bench_sandbox_cpu_s(&b->sandbox);
    int rc = bench_point_measure(&b->home, &b->config, setting, messages,
                                 (int64_t)(b->seconds * 1.25 * (double)NS_PER_S),
                                 &verb_stop, &point, err);
    if (rc == 0 && point.answered > 0 && point.sent == 0)
        return error_set(err, ERROR_PERMANENT, "%s took none of %" PRIu64 " messages%s%s",
                         b->provider->name, point.answered, *point.trouble ? ": " : "",
                         point.trouble);
    if (rc == 0 && point.answered == 0)
        return error_set(err, ERROR_TEMPORARY, "%s answered nothing in %.1f s%s%s",
                         b->provider->name, point.seconds, *point.trouble ? ": " : "",
                         point.trouble);
    if (rc)
        return rc;
    report->points[report->count].knob = knob;
    report->points[report->count].peer_cpu =
        (bench_sandbox_cpu_s(&b->sandbox) - peer_before) / point.seconds;
    report->points[report->count].point = point;
    report->count += keep;
    return 0;
}

/* messages_for: so many as take the time of a point, by what the point before did. */
static uint64_t messages_for(const struct bench *b, double rate_per_s)
{
    if (b->messages > 0)
        return b->messages;
    double messages = rate_per_s * b->seconds;
    return messages < FIRST_MESSAGES ? FIRST_MESSAGES
           : messages > MESSAGES_MAX ? MESSAGES_MAX
                                     : (uint64_t)messages;
}

static int sweep(struct bench *b, enum bench_knob knob, double *rate, struct error *err)
{
    unsigned list[16], behind = 0;
    size_t count = values(b, knob, list);
    double most = 0;
    int rc = 0;
    /* Past the top of the curve two points are enough to see it fall. */
    for (size_t i = 0; rc == 0 && i < count && behind < 2; i++) {
        struct bench_setting setting = b->report.best;
        *(knob == BENCH_CONNECTIONS      ? &setting.max_connections
          : knob == BENCH_PER_CONNECTION ? &setting.messages_per_connection
                                         : &setting.batch) = list[i];
        rc = measure(b, knob, &setting, messages_for(b, *rate * 1.2), true, err);
        if (rc)
            break;
        *rate = b->report.points[b->report.count - 1].point.rate_per_s;
        behind = knob == BENCH_CONNECTIONS && *rate < most * 1.03 ? behind + 1 : 0;
        most = *rate > most ? *rate : most;
    }
    if (rc == 0 && count > 0)
        bench_report_settle(&b->report, knob);
    return rc;
}

static int sweep_all(struct bench *b, struct error *err)
{
    double rate = 0;
    int rc = 0;
    b->report = (struct bench_report){
        .provider = b->provider->name,
        .type = b->provider->type,
        .to = b->home.to,
        .channel = b->home.channel,
        .best = {.max_connections = 1,
                 .messages_per_connection = b->provider->messages_per_connection,
                 .batch = b->provider->batch}};
    if (b->messages == 0) { /* once to see how many fit, and to warm up */
        rc = measure(b, BENCH_CONNECTIONS, &b->report.best, FIRST_MESSAGES, false, err);
        rate = b->report.points[0].point.rate_per_s;
    }
    for (int k = BENCH_CONNECTIONS; rc == 0 && k <= BENCH_BATCH; k++)
        rc = sweep(b, (enum bench_knob)k, &rate, err);
    if (b->progress)
        fprintf(stderr, "\r\033[K");
    return rc;
}

static int run(struct verb_context *context)
{
    struct bench b = {.context = context,
                      .progress = context->terminal && !context->json};
    struct provider_config provider;
    struct error err = {0};
    verb_catch_signals();
    int rc = read_options(&b, &err);
    if (rc == 0)
        rc = real(&b) ? configure_real(&b, &err) : configure_sandbox(&b, &err);
    if (rc == 0) {
        provider = *b.provider;
        b.provider = &provider;
        if (real(&b))
            rc = choose_address(&b, &provider, &err);
    }
    if (rc == 0 && real(&b))
        rc = confirm(&b, &err);
    if (rc == 0)
        rc = bench_home_make(&b.home, context->home, &err);
    if (rc == 0) {
        narrow(&b);
        rc = sweep_all(&b, &err);
    }
    if (rc == 0 && context->json)
        verb_print_json(bench_report_json(&b.report));
    else if (rc == 0)
        bench_report_text(&b.report, isatty(STDOUT_FILENO));
    bench_home_remove(&b.home);
    bench_sandbox_stop(&b.sandbox);
    config_destroy(&b.loaded);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_bench = {
    .name = "bench",
    .arguments = "[PROVIDER]",
    .summary =
        "measure a provider (default: a sandbox): how many connections, which batch",
    .example = "volley bench\nvolley bench --channel sms --json\n"
               "volley bench relay --to me@example.org --messages 200",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
