/* verb_messages: every message sent on an account's behalf (R31). */
#include "base/clock.h"
#include "cli/verb.h"
#include "engine/job/frozen.h"
#include "engine/results/results.h"
#include "outbox/journal/replay.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"account", "ID", "of this account"},
    {"category", "NAME",
     "marketing, transactional or manual; also a source: campaign, sequence, system"},
    {"template", "NAME", "made from this template"},
    {"customer", "ID", "to this customer"},
    {"role", "NAME", "to customers or teachers, as the snapshot's role column says"},
    {"status", "NAME",
     "sent, failed, unknown, cancelled, expired, pending, or a reason of suppression"},
    {"since", "TIME", "not before, e.g. 2026-11-01 or 2026-11-01T08:00:00Z"},
    {"until", "TIME", "before"},
    {"job", "ID", "of this job"},
    VERB_COMMON};

struct listing {
    struct verb_context *context;
    const struct store_job *job;
    const char *customer, *status, *role, *category;
    int64_t since_ns, until_ns; /* 0: open */
};

static int read_time(const struct options *given, const char *name, int64_t *out,
                     struct error *err)
{
    const char *value = options_value(given, name);
    bool has_offset;
    int32_t days;
    *out = 0;
    if (!value)
        return 0;
    if (clock_parse_date(text_of(value), &days) == 0)
        *out = days * 86400 * NS_PER_S;
    else if (clock_parse(text_of(value), out, &has_offset))
        return error_set(err, ERROR_USAGE,
                         "--%s %s: write 2026-11-01 or 2026-11-01T08:00:00Z", name,
                         value);
    return 0;
}

static bool in_period(const struct listing *l, const struct result *r)
{
    int64_t at_ns = r->at_ms ? r->at_ms * NS_PER_MS : l->job->created_ns;
    return (!l->since_ns || at_ns >= l->since_ns) &&
           (!l->until_ns || at_ns < l->until_ns);
}

static void set(json_t *object, const char *key, struct text value)
{
    if (value.bytes > 0)
        json_object_set_new(object, key, json_stringn(value.data, value.bytes));
}

static void print(const struct listing *l, const struct result *r, struct text source,
                  const char *status)
{
    char at[CLOCK_FORMAT_BYTES] = "";
    if (r->at_ms)
        clock_format(r->at_ms * NS_PER_MS, false, at);
    if (!l->context->json) {
        printf("%-20s  %-10.*s  %-24.*s  %-16.*s  %-5s  %s%s%s\n", at,
               TEXT_ARGS(l->job->account), TEXT_ARGS(l->job->id), TEXT_ARGS(r->customer),
               channel_name(r->channel), status, r->reason[0] ? ": " : "", r->reason);
        return;
    }
    json_t *out = json_pack("{s:s, s:s, s:I, s:I}", "channel", channel_name(r->channel),
                            "status", status, "segments", (json_int_t)r->segments,
                            "attempts", (json_int_t)r->attempts);
    set(out, "at", text_of(at));
    set(out, "account", l->job->account);
    set(out, "job", l->job->id);
    set(out, "category", l->job->category);
    set(out, "source", source);
    set(out, "template", l->job->template_name);
    set(out, "customer", r->customer);
    set(out, "role", r->role);
    set(out, "reason", text_of(r->reason));
    set(out, "detail", r->detail);
    set(out, "provider", r->provider);
    set(out, "provider_id", r->provider_id);
    verb_print_json(out);
}

static int on_result(void *arg, const struct result *r)
{
    const struct listing *l = arg;
    struct text source = r->notice ? TEXT("system") : l->job->source;
    const char *status = disposition_sends(r->disposition)
                             ? outcome_name(r->outcome)
                             : disposition_name(r->disposition);
    bool wanted = (!l->status || strcmp(l->status, status) == 0) &&
                  (!l->customer || text_is(r->customer, l->customer)) &&
                  (!l->role || text_is(r->role, l->role)) &&
                  (!l->category || text_is(l->job->category, l->category) ||
                   text_is(source, l->category)) &&
                  in_period(l, r);
    if (wanted)
        print(l, r, source, status);
    return verb_stop ? 1 : 0;
}

static bool job_wanted(const struct options *given, const struct store_job *job)
{
    const struct {
        const char *option;
        struct text value;
    } filters[] = {
        {"account", job->account}, {"template", job->template_name}, {"job", job->id}};
    for (size_t i = 0; i < ARRAY_COUNT(filters); i++) {
        const char *wanted = options_value(given, filters[i].option);
        if (wanted && !text_is(filters[i].value, wanted))
            return false;
    }
    return true;
}

static int list_job(struct listing *l, const struct config *config, struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    struct snapshot *snapshot = NULL;
    if (!frozen_exists(l->context->home, l->job->id))
        return 0;
    int rc = frozen_dir(l->context->home, l->job->id, dir, err);
    if (rc == 0 && !replay_exists(dir))
        return 0;
    if (rc == 0)
        rc = path_join(path, dir, TEXT("snapshot.arrow"), err);
    if (rc == 0)
        rc = snapshot_open(path, config->aliases, config->alias_count, &snapshot, err);
    if (rc == 0)
        rc = results_scan(dir, snapshot, on_result, l, err);
    snapshot_close(&snapshot);
    return rc;
}

static int list(struct listing *l, const struct config *config, struct store *store,
                struct error *err)
{
    struct arena arena;
    struct store_job *jobs = NULL;
    size_t count = 0;
    int rc = arena_init(&arena, (size_t)1 << 30, err);
    if (rc)
        return rc;
    rc = store_jobs(store, &arena, &jobs, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        l->job = &jobs[i];
        if (job_wanted(&l->context->options, &jobs[i]))
            rc = list_job(l, config, err);
    }
    arena_fini(&arena);
    return rc;
}

static int run(struct verb_context *context)
{
    const struct options *given = &context->options;
    struct listing listing = {.context = context,
                              .customer = options_value(given, "customer"),
                              .status = options_value(given, "status"),
                              .role = options_value(given, "role"),
                              .category = options_value(given, "category")};
    struct config *config = NULL;
    struct store *store = NULL;
    struct error err = {0};
    verb_catch_signals();
    int rc = read_time(given, "since", &listing.since_ns, &err);
    if (rc == 0)
        rc = read_time(given, "until", &listing.until_ns, &err);
    if (rc == 0)
        rc = verb_open(context, &config, &store, &err);
    if (rc == 0)
        rc = list(&listing, config, store, &err);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return rc < 0 ? verb_fail(context, &err) : 0;
}

const struct verb verb_messages = {
    .name = "messages",
    .arguments = "[--account ID] [--status NAME] …",
    .summary = "the log: every message of every job, filtered",
    .example = "volley messages --account studio --status failed --json",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
