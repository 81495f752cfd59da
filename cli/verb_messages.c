/* verb_messages: every message sent on an account's behalf (R31). */
#include "base/clock.h"
#include "base/near.h"
#include "cli/verb.h"
#include "engine/job/frozen.h"
#include "engine/results/results_read.h"
#include "outbox/journal/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_spec options[] = {
    {"account", "ID", "of this account"},
    {"category", "NAME",
     "marketing, transactional or manual; also a source: campaign, sequence, system"},
    {"template", "NAME", "made from this template"},
    {"customer", "ID", "to this customer"},
    {"role", "NAME", "to customers or teachers, as the snapshot's role column says"},
    {"channel", "NAME", "sms, email, push or inapp"},
    {"status", "NAME",
     "sent, failed, unknown, cancelled, expired, pending, or a reason of suppression"},
    {"reason", "NAME", "that failed for this reason, as report.json calls it"},
    {"provider-id", "ID", "that the provider knows by this id"},
    {"receipt", "NAME",
     "of which was heard: delivered, undelivered, bounced, complained, read"},
    {"since", "TIME", "not before, e.g. 2026-11-01 or 2026-11-01T08:00:00Z"},
    {"until", "TIME", "before"},
    {"job", "ID", "of this job"},
    {"limit", "N", "at most so many, those of the newest jobs first"},
    {"count", NULL, "say only how many there are"},
    VERB_COMMON};

struct listing {
    struct verb_context *context;
    const struct store_job *job;
    const char *category;
    struct results_filter filter;
    bool count_only;
    uint64_t limit, found;
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

static void set(json_t *object, const char *key, struct text value)
{
    if (value.bytes > 0)
        json_object_set_new(object, key, json_stringn(value.data, value.bytes));
}

static void set_receipt(json_t *out, enum receipt_status status, int64_t at_s,
                        const char *code)
{
    char at[CLOCK_FORMAT_BYTES] = "";
    if (status == RECEIPT_NONE)
        return;
    if (at_s)
        clock_format(at_s * NS_PER_S, false, at);
    set(out, "receipt", text_of(receipt_status_name(status)));
    set(out, "receipt_at", text_of(at));
    set(out, "receipt_code", text_of(code));
}

static void print(const struct listing *l, const struct result *r, struct text source,
                  const char *status)
{
    char at[CLOCK_FORMAT_BYTES] = "";
    int64_t heard_s;
    const char *code;
    enum receipt_status heard =
        receipt_file_get(l->filter.receipts, r->number, &heard_s, &code);
    if (r->at_ms)
        clock_format(r->at_ms * NS_PER_MS, false, at);
    if (!l->context->json) {
        printf("%-20s  %-10.*s  %-24.*s  %-16.*s  %-5s  %s%s%s%s%s\n", at,
               TEXT_ARGS(l->job->account), TEXT_ARGS(l->job->id), TEXT_ARGS(r->customer),
               channel_name(r->channel), status, r->reason[0] ? ": " : "", r->reason,
               heard ? ", " : "", heard ? receipt_status_name(heard) : "");
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
    set_receipt(out, heard, heard_s, code);
    verb_print_json(out);
}

static int on_result(void *arg, const struct result *r)
{
    struct listing *l = arg;
    struct text source = r->notice ? TEXT("system") : l->job->source;
    if (!l->count_only)
        print(l, r, source, results_status(r));
    l->found++;
    return verb_stop || l->found == l->limit;
}

/* From a journal everything comes, wanted or not. */
static int on_any_result(void *arg, const struct result *r)
{
    const struct listing *l = arg;
    return results_wanted(&l->filter, r) ? on_result(arg, r) : verb_stop;
}

static bool is_over(const struct store_job *job)
{
    return job->state == JOB_FINISHED || job->state == JOB_CANCELLED;
}

/* job_wanted: what the store knows of a job says already whether any message of it may be wanted;
 * the filter gets the job's part. */
static bool job_wanted(struct listing *l, const struct store_job *job)
{
    const struct options *given = &l->context->options;
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
    struct results_filter *f = &l->filter;
    bool any = !l->category || text_is(job->category, l->category);
    f->created_ns = job->created_ns;
    f->customers = any || text_is(job->source, l->category);
    f->notice = any || strcmp(l->category, "system") == 0;
    bool after = f->since_ns && is_over(job) && job->finished_ns < f->since_ns;
    bool before = f->until_ns && job->created_ns >= f->until_ns;
    return (f->customers || f->notice) && !after && !before;
}

static int list_journal(struct listing *l, const struct config *config, const char *dir,
                        struct error *err)
{
    char path[PATH_BYTES];
    struct snapshot *snapshot = NULL;
    int rc = path_join(path, dir, TEXT("snapshot.arrow"), err);
    if (rc || !file_exists(path) || !replay_exists(dir))
        return rc;
    rc = snapshot_open(path, config->aliases, config->alias_count, &snapshot, err);
    if (rc == 0)
        rc = results_scan(dir, snapshot, on_any_result, l, err);
    snapshot_close(&snapshot);
    return rc;
}

/* The results of a job that is over are a file with an order of its own making: columns. One that
 * still runs has its journal only, and what an earlier end of it left would be old. */
static int list_job(struct listing *l, const struct config *config, struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    uint64_t matched;
    int rc = frozen_dir(l->context->home, l->job->id, dir, err);
    if (rc == 0)
        rc = path_join(path, dir, TEXT("results.arrow"), err);
    if (rc || !is_over(l->job) || !file_exists(path))
        return rc ? rc : list_journal(l, config, dir, err);
    struct receipt_file *receipts = NULL;
    bool counted = l->count_only && !l->limit;
    uint64_t rows;
    rc = results_rows(path, &rows, err);
    if (rc == 0)
        rc = receipt_file_open(dir, rows, false, &receipts, err);
    l->filter.receipts = receipts;
    if (rc == 0)
        rc = results_read(path, &l->filter, counted ? NULL : on_result, l, &matched, err);
    if (rc == 0 && counted)
        l->found += matched;
    l->filter.receipts = NULL;
    (void)!receipt_file_close(&receipts, NULL); /* nothing was written */
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
        if (job_wanted(l, &jobs[i]))
            rc = list_job(l, config, err);
    }
    arena_fini(&arena);
    return rc;
}

static int read_channel(const char *name, int *out, struct error *err)
{
    char hint[64];
    struct near near = {.wanted = text_of(name ? name : "")};
    *out = name ? channel_parse(text_of(name)) : -1;
    if (!name || *out >= 0)
        return 0;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        near_offer(&near, text_of(channel_name((enum channel)c)));
    return error_set(err, ERROR_USAGE, "--channel %.40s is no channel%s", name,
                     near_hint(&near, hint, sizeof(hint)));
}

static int read_receipt(const char *name, enum receipt_status *out, struct error *err)
{
    char hint[64];
    struct near near = {.wanted = text_of(name ? name : "")};
    *out = name ? receipt_status_parse(text_of(name)) : RECEIPT_NONE;
    if (!name || *out != RECEIPT_NONE)
        return 0;
    for (int i = RECEIPT_DELIVERED; i < RECEIPT_STATUS_COUNT; i++)
        near_offer(&near, text_of(receipt_status_name((enum receipt_status)i)));
    return error_set(err, ERROR_USAGE, "--receipt %.40s: nothing of that kind is heard%s",
                     name, near_hint(&near, hint, sizeof(hint)));
}

static int read_limit(const char *value, uint64_t *out, struct error *err)
{
    char *end = NULL;
    *out = value ? strtoull(value, &end, 10) : 0;
    if (!value || (*out > 0 && *end == '\0' && value[0] != '-'))
        return 0;
    return error_set(err, ERROR_USAGE, "--limit %.40s: write a number from 1", value);
}

static int read_options(const struct options *given, struct listing *l, struct error *err)
{
    struct results_filter *f = &l->filter;
    f->customer = text_of(options_value(given, "customer"));
    f->role = text_of(options_value(given, "role"));
    f->status = text_of(options_value(given, "status"));
    f->reason = text_of(options_value(given, "reason"));
    f->provider_id = text_of(options_value(given, "provider-id"));
    l->category = options_value(given, "category");
    l->count_only = options_flag(given, "count");
    int rc = read_channel(options_value(given, "channel"), &f->channel, err);
    if (rc == 0)
        rc = read_limit(options_value(given, "limit"), &l->limit, err);
    if (rc == 0)
        rc = read_receipt(options_value(given, "receipt"), &f->receipt, err);
    if (rc == 0)
        rc = read_time(given, "since", &f->since_ns, err);
    if (rc == 0)
        rc = read_time(given, "until", &f->until_ns, err);
    return rc;
}

static void print_count(const struct listing *l)
{
    if (l->context->json)
        verb_print_json(json_pack("{s:I}", "count", (json_int_t)l->found));
    else
        printf("%" PRIu64 "\n", l->found);
}

static int run(struct verb_context *context)
{
    struct listing listing = {.context = context};
    struct config *config = NULL;
    struct store *store = NULL;
    struct error err = {0};
    verb_catch_signals();
    int rc = read_options(&context->options, &listing, &err);
    if (rc == 0)
        rc = verb_open(context, &config, &store, &err);
    if (rc == 0)
        rc = list(&listing, config, store, &err);
    if (rc >= 0 && listing.count_only)
        print_count(&listing);
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
