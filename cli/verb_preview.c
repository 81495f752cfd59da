/* verb_preview: what one customer would get. */
#include "cli/verb.h"
#include "engine/jobs/preview.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"recipient", "ID", "the customer"},
    {"raw", NULL, "the whole email as it would be sent, to stdout"},
    VERB_COMMON};

static void set(json_t *object, const char *key, struct text value)
{
    if (value.data)
        json_object_set_new(object, key, json_stringn(value.data, value.bytes));
}

static json_t *channel_json(enum channel channel, const struct preview_channel *preview)
{
    json_t *out = json_object();
    json_object_set_new(out, "disposition",
                        json_string(disposition_name(preview->disposition)));
    set(out, "to", preview->texts.address);
    set(out, "language", preview->texts.language);
    set(out, "subject", preview->texts.subject);
    set(out, "text", preview->texts.text);
    set(out, "html", preview->texts.html);
    set(out, "raw", preview->texts.mail);
    if (channel == CHANNEL_SMS) {
        json_object_set_new(
            out, "encoding",
            json_string(preview->size.encoding == SMS_GSM7 ? "GSM-7" : "UCS-2"));
        json_object_set_new(out, "units", json_integer(preview->size.units));
        json_object_set_new(out, "segments", json_integer(preview->size.segments));
    }
    return out;
}

/* counter: "152/1": units left in the last segment and segments, as composers show it
 * (R15). */
static void print_counter(const struct sms_size *size)
{
    bool gsm = size->encoding == SMS_GSM7;
    unsigned single = gsm ? 160 : 70, multi = gsm ? 153 : 67;
    unsigned room = size->segments > 1 ? multi * size->segments : single;
    printf("  %u/%u, %s\n", room > size->units ? room - size->units : 0, size->segments,
           gsm ? "GSM-7" : "UCS-2");
}

static void print_channel(enum channel channel, const struct preview_channel *preview)
{
    printf("%s to %.*s (%.*s): %s\n", channel_name(channel),
           TEXT_ARGS(preview->texts.address), TEXT_ARGS(preview->texts.language),
           disposition_name(preview->disposition));
    if (channel == CHANNEL_SMS)
        print_counter(&preview->size);
    if (preview->texts.subject.data)
        printf("  subject: %.*s\n", TEXT_ARGS(preview->texts.subject));
    struct text body =
        preview->texts.text.data ? preview->texts.text : preview->texts.html;
    printf("\n%.*s\n\n", TEXT_ARGS(body));
}

static void print(void *arg, const struct preview *preview)
{
    struct verb_context *context = arg;
    if (options_flag(&context->options, "raw")) {
        struct text mail = preview->channels[CHANNEL_EMAIL].texts.mail;
        fwrite(mail.data, 1, mail.bytes, stdout);
        return;
    }
    json_t *channels = json_object();
    if (!preview->matched && !context->json)
        printf("the customer is not in the audience\n\n");
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (!preview->channels[c].used)
            continue;
        json_object_set_new(channels, channel_name((enum channel)c),
                            channel_json((enum channel)c, &preview->channels[c]));
        if (!context->json)
            print_channel((enum channel)c, &preview->channels[c]);
    }
    if (context->json)
        verb_print_json(
            json_pack("{s:b, s:O}", "matched", preview->matched, "channels", channels));
    json_decref(channels);
}

static int run(struct verb_context *context)
{
    struct config *config = NULL;
    struct store *store = NULL;
    struct job *job = NULL;
    struct error err;
    const char *recipient = options_value(&context->options, "recipient");
    int rc = recipient ? 0 : error_set(&err, ERROR_USAGE, "--recipient ID is needed");
    if (rc == 0)
        rc = verb_open(context, &config, &store, &err);
    struct job_env env = {.home = context->home,
                          .config = config,
                          .store = store,
                          .warning_fn = verb_warning};
    if (rc == 0)
        rc = job_load(&env, context->options.arguments[0], NULL, &job, &err);
    if (rc == 0)
        rc = preview_make(job, text_of(recipient), print, context, &err);
    job_close(&job);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_preview = {
    .name = "preview",
    .arguments = "JOB --recipient ID",
    .summary = "what one customer would get on each channel, with the SMS counter",
    .example = "volley preview job.json --recipient c1042",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
