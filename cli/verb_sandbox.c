/* verb_sandbox: the providers' side on loopback. */
#include "base/file.h"
#include "base/units.h"
#include "cli/verb.h"
#include "outbox/sandbox/sandbox.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"listen-smtp", "ADDR", "127.0.0.1:PORT for SMTP"},
    {"listen-http", "ADDR", "127.0.0.1:PORT for Twilio, push and webhooks"},
    {"dir", "DIR", "keeps what it gets in DIR/{email,sms,push}.ndjson"},
    {"latency", "TIME", "wait this long before each reply, e.g. 20ms"},
    {"error-rate", "SHARE", "answer this share with an error, e.g. 0.01"},
    {"throttle", "RATE", "refuse what comes faster, e.g. 100/s"},
    {"drop-replies", "SHARE", "take this share and never answer it"},
    {"discard", NULL, "count only, keep nothing"},
    {"no-chunking", NULL, "offer no BDAT over SMTP, as many servers do"},
    {"seed", "N", "of the faults' dice (default 1)"},
    VERB_COMMON};

static int fraction(const struct options *given, const char *name, double *out,
                    struct error *err)
{
    const char *value = options_value(given, name);
    if (value && units_fraction(text_of(value), out))
        return error_set(err, ERROR_USAGE, "--%s %s: write a share from 0 to 1", name,
                         value);
    return 0;
}

static int read_config(const struct options *given, struct sandbox_config *out,
                       struct error *err)
{
    const char *latency = options_value(given, "latency");
    const char *throttle = options_value(given, "throttle");
    const char *seed = options_value(given, "seed");
    *out = (struct sandbox_config){.listen_smtp = options_value(given, "listen-smtp"),
                                   .listen_http = options_value(given, "listen-http"),
                                   .dir = options_value(given, "dir"),
                                   .discard = options_flag(given, "discard"),
                                   .no_chunking = options_flag(given, "no-chunking"),
                                   .seed = 1};
    if (!out->listen_smtp && !out->listen_http)
        return error_set(err, ERROR_USAGE, "--listen-smtp or --listen-http is needed");
    if (!out->dir && !out->discard)
        return error_set(err, ERROR_USAGE, "--dir DIR is needed (or --discard)");
    if (latency && units_duration(text_of(latency), &out->latency_ns))
        return error_set(err, ERROR_USAGE, "--latency %s: write a time like 20ms",
                         latency);
    if (throttle && units_rate(text_of(throttle), &out->throttle_per_s))
        return error_set(err, ERROR_USAGE, "--throttle %s: write a rate like 100/s",
                         throttle);
    if (seed && units_count(text_of(seed), &out->seed))
        return error_set(err, ERROR_USAGE, "--seed %s: write a number", seed);
    int rc = fraction(given, "error-rate", &out->error_rate, err);
    if (rc == 0)
        rc = fraction(given, "drop-replies", &out->drop_replies, err);
    return rc;
}

static void ready(void *arg)
{
    const struct sandbox_config *config = arg;
    fprintf(stderr, "sandbox: ready%s%s%s%s\n", config->listen_smtp ? ", SMTP on " : "",
            config->listen_smtp ? config->listen_smtp : "",
            config->listen_http ? ", HTTP on " : "",
            config->listen_http ? config->listen_http : "");
}

static int run(struct verb_context *context)
{
    struct sandbox_config config;
    struct sandbox_counts counts;
    struct error err;
    int rc = read_config(&context->options, &config, &err);
    verb_catch_signals();
    if (rc == 0 && config.dir)
        rc = file_make_dirs(config.dir, &err);
    if (rc == 0)
        rc = sandbox_run(&config, ready, &config, &verb_stop, &counts, &err);
    if (rc)
        return verb_fail(context, &err);
    verb_print_json(json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "email", (json_int_t)counts.email, "sms",
        (json_int_t)counts.sms, "push", (json_int_t)counts.push, "errors",
        (json_int_t)counts.errors, "throttled", (json_int_t)counts.throttled, "dropped",
        (json_int_t)counts.dropped, "connections", (json_int_t)counts.connections));
    return 0;
}

const struct verb verb_sandbox = {
    .name = "sandbox",
    .arguments = "--listen-smtp ADDR --listen-http ADDR --dir DIR",
    .summary = "providers on loopback that keep what they get, with faults on request",
    .example = "volley sandbox --listen-smtp 127.0.0.1:2525 --listen-http 127.0.0.1:8080 "
               "--dir box",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
