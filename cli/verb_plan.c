/* verb_plan: what a job would do. */
#include "base/buffer.h"
#include "base/clock.h"
#include "cli/books_table.h"
#include "cli/verb.h"
#include "engine/jobs/plan.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {VERB_COMMON};

static void collect(void *arg, unsigned line, const char *sentence)
{
    (void)line;
    json_array_append_new(arg, json_string(sentence));
}

static void add_warnings(const struct job *job, const struct plan *plan, json_t *warnings)
{
    const uint64_t *sms = plan->books.channels[CHANNEL_SMS].dispositions;
    char line[400];
    if (!job_uses(job, CHANNEL_SMS))
        return;
    if (!plan->quota.has_sms)
        json_array_append_new(warnings,
                              json_string("the account has no SMS: no tier and no pack"));
    else if (sms[DISPOSITION_FALLBACK_EMAIL] > 0 || sms[DISPOSITION_QUOTA] > 0)
        json_array_append_new(
            warnings,
            json_string("the SMS allowance runs out in this job; its owner is told"));
    if (plan->culprit[0]) {
        snprintf(line, sizeof(line),
                 "\"%s\" is not in the GSM alphabet: %lu texts are sent as UCS-2, 70 "
                 "characters "
                 "a segment",
                 plan->culprit, (unsigned long)plan->ucs2_texts);
        json_array_append_new(warnings, json_string(line));
    }
}

/* add_hours: what the messages' hours mean for the job. */
static void add_hours(const struct job *job, const struct plan *plan, const char *zone,
                      json_t *warnings)
{
    const struct waits *waits = &plan->waits;
    uint64_t expired = 0;
    char line[400];
    for (int c = 0; c < CHANNEL_COUNT; c++)
        expired += waits->expired[c];
    if (expired > 0) {
        bool over = job->file.expires_at_ns <= job->now_ns;
        snprintf(line, sizeof(line), "%" PRIu64 " messages would expire unsent: %s",
                 expired,
                 over ? "\"expires_at\" is past"
                      : "their customers' hours begin after \"expires_at\"");
        json_array_append_new(warnings, json_string(line));
    }
    if (waits->zone_unknown > 0) {
        snprintf(line, sizeof(line),
                 "%" PRIu64 " customers have a time zone that nobody knows, like \"%s\": "
                 "the account's (%s) is used",
                 waits->zone_unknown, waits->unknown, zone);
        json_array_append_new(warnings, json_string(line));
    }
    if (waits->zone_missing > 0) {
        snprintf(line, sizeof(line),
                 "%" PRIu64 " customers have no time zone: the account's (%s) is used",
                 waits->zone_missing, zone);
        json_array_append_new(warnings, json_string(line));
    }
}

static void add_finish(const struct job *job, const struct plan *plan, json_t *warnings)
{
    char line[FORECAST_WARNING_BYTES];
    int64_t expires_ns = job->file.expires_at_ns;
    if (forecast_warning(job, &plan->forecast, line))
        json_array_append_new(warnings, json_string(line));
    if (job->file.spread_over_ns && expires_ns > plan->forecast.start_ns &&
        expires_ns < plan->forecast.start_ns + job->file.spread_over_ns)
        json_array_append_new(
            warnings, json_string("\"spread_over\" goes on after \"expires_at\": the "
                                  "messages whose turn comes later would expire unsent"));
}

/* add_waits: to each channel, how many messages wait until when. */
static void add_waits(const struct waits *waits, json_t *channels)
{
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        json_t *list = json_array();
        for (size_t i = 0; i < waits->count; i++) {
            char until[CLOCK_FORMAT_BYTES];
            clock_format(waits->times[i].until_ns, false, until);
            if (waits->times[i].messages[c] > 0)
                json_array_append_new(list,
                                      json_pack("{s:s, s:I}", "until", until, "messages",
                                                (json_int_t)waits->times[i].messages[c]));
        }
        json_t *channel = json_object_get(channels, channel_name((enum channel)c));
        if (json_array_size(list) > 0)
            json_object_set(channel, "waits", list);
        json_decref(list);
    }
}

static json_t *plan_json(const struct job *job, const struct plan *plan, json_t *warnings)
{
    json_t *out = json_object();
    json_object_set_new(out, "job", json_stringn(job->file.id.data, job->file.id.bytes));
    json_object_set_new(out, "account",
                        json_stringn(job->account.id.data, job->account.id.bytes));
    json_object_set_new(out, "matched", json_integer((json_int_t)plan->books.matched));
    json_t *channels = books_plan_json(&plan->books);
    add_waits(&plan->waits, channels);
    json_object_set_new(out, "channels", channels);
    if (plan->quota.month[0])
        json_object_set_new(out, "quota",
                            json_pack("{s:I, s:I, s:I}", "limit",
                                      (json_int_t)plan->quota.limit, "used_before",
                                      (json_int_t)plan->quota.used, "used_after",
                                      (json_int_t)plan->used_after));
    if (plan->eta_s > 0) {
        char ends[CLOCK_FORMAT_BYTES];
        clock_format(plan->forecast.ends_ns, false, ends);
        json_object_set_new(out, "eta_s", json_real(plan->eta_s));
        json_object_set_new(out, "ends_at", json_string(ends));
    }
    json_object_set(out, "warnings", warnings);
    return out;
}

static int run(struct verb_context *context)
{
    struct config *config = NULL;
    struct store *store = NULL;
    struct job *job = NULL;
    struct plan plan;
    struct error err;
    int status = 0;
    json_t *warnings = json_array();
    int rc = verb_open(context, &config, &store, &err);
    struct job_env env = {.home = context->home,
                          .config = config,
                          .store = store,
                          .warning_fn = collect,
                          .arg = warnings};
    if (rc == 0)
        rc = job_load(&env, context->options.arguments[0], NULL, &job, &err);
    if (rc == 0)
        rc = plan_make(store, job, &plan, &err);
    if (rc) {
        status = verb_fail(context, &err);
    } else {
        char zone[80];
        snprintf(zone, sizeof(zone), "%.*s", TEXT_ARGS(job->account.timezone));
        add_warnings(job, &plan, warnings);
        add_finish(job, &plan, warnings);
        add_hours(job, &plan, zone[0] ? zone : "UTC", warnings);
        json_t *json = plan_json(job, &plan, warnings);
        if (context->json) {
            verb_print_json(json);
        } else {
            books_table_plan(json);
            json_decref(json);
        }
    }
    json_decref(warnings);
    job_close(&job);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return status;
}

const struct verb verb_plan = {
    .name = "plan",
    .arguments = "JOB",
    .summary =
        "say whom a job would reach, on which channel, at what cost, without sending",
    .example = "volley plan job.json\nvolley plan job.json --json",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
