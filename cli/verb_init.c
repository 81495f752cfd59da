/* verb_init: a home to work in: configuration, spool, an example template and job. */
#include "base/file.h"
#include "cli/verb.h"
#include "ingest/spool.h"

#include <stdio.h>

static const struct option_spec options[] = {VERB_COMMON};

static const struct {
    const char *path;
    const char *content;
} files[] = {
    {"volley.yaml",
     "# What each key means: docs/configuration.md\n"
     "listen: 127.0.0.1:8025\n"
     "public_url: https://localhost\n"
     "workers: auto\n"
     "providers:\n"
     "  # `volley sandbox` answers on these ports; put your own servers here\n"
     "  relay:  {type: smtp, url: \"smtp://127.0.0.1:2525\", max_connections: 20}\n"
     "  twilio: {type: twilio, url: \"http://127.0.0.1:8080\",\n"
     "           account_sid: AC00000000000000000000000000000001, auth_token: sandbox,\n"
     "           from: \"+15005550006\", max_connections: 32}\n"
     "  app:    {type: webhook, url: \"http://127.0.0.1:8080/push\"}\n"
     "routes:\n"
     "  email: [relay]\n"
     "  sms:   [twilio]\n"
     "  push:  [app]\n"
     "  inapp: [app]\n"
     "tiers:\n"
     "  starter: {segments: 500}\n"
     "  growth:  {segments: 5000}\n"},
    {"templates/welcome/template.yaml", "category: transactional\n"
                                        "variables:\n"
                                        "  first_name: {default: \"there\"}\n"
                                        "  account_name:\n"
                                        "  unsubscribe_url:\n"
                                        "subject:\n"
                                        "  en: \"Welcome to ##{{account_name}}\"\n"},
    {"templates/welcome/sms.en.txt",
     "Hello ##{{first_name}}, welcome to ##{{account_name}}!\n"},
    {"templates/welcome/email.en.txt",
     "Hello ##{{first_name}},\n\nwelcome to ##{{account_name}}!\n\n"
     "No more of these: ##{{unsubscribe_url}}\n"},
    {"templates/welcome/email.en.html",
     "<p>Hello ##{{first_name}},</p>\n<p>welcome to <b>##{{account_name}}</b>!</p>\n"
     "<p><small><a href=\"##{{unsubscribe_url}}\">No more of these</a></small></p>\n"},
    {"account.example.json",
     "{\"id\": \"studio\", \"name\": \"My Studio\", \"owner_email\": "
     "\"owner@studio.example\",\n"
     " \"locale\": \"en\", \"timezone\": \"Europe/Rome\", \"tier\": \"starter\",\n"
     " \"email_from\": \"My Studio <hello@studio.example>\", \"sms_from\": "
     "\"+15005550006\",\n"
     " \"upgrade_url\": \"https://studio.example/upgrade\"}\n"},
    {"job.example.json",
     "{\"id\": \"welcome-1\", \"account\": \"studio\", \"category\": \"transactional\",\n"
     " \"template\": \"welcome\", \"channels\": [\"sms\"], \"sms_fallback\": \"email\",\n"
     " \"audience\": {\"snapshot\": \"snapshots/studio.arrow\"}}\n"},
};

static int make(const char *home, struct error *err)
{
    static const char *const folders[] = {"templates/welcome", "snapshots", "outbox"};
    char path[PATH_BYTES];
    int rc = path_join(path, home, TEXT("volley.yaml"), err);
    if (rc == 0 && file_exists(path))
        return error_set(err, ERROR_INPUT, "%s is a home already (%s exists)", home,
                         path);
    for (size_t i = 0; rc == 0 && i < ARRAY_COUNT(folders); i++) {
        rc = path_join(path, home, text_of(folders[i]), err);
        if (rc == 0)
            rc = file_make_dirs(path, err);
    }
    if (rc == 0)
        rc = spool_make(home, err);
    struct store *store = NULL;
    if (rc == 0)
        rc = store_open(home, true, &store, err);
    if (store)
        store_close(&store);
    /* volley.yaml, the first of them, is written last: with it the home is complete. */
    for (size_t i = ARRAY_COUNT(files); rc == 0 && i-- > 0;) {
        rc = path_join(path, home, text_of(files[i].path), err);
        if (rc == 0)
            rc = file_write(path, text_of(files[i].content), err);
    }
    return rc;
}

static int run(struct verb_context *context)
{
    const char *home = context->options.argument_count > 0 ? context->options.arguments[0]
                                                           : context->home;
    struct error err;
    if (make(home, &err))
        return verb_fail(context, &err);
    if (context->json)
        verb_print_json(json_pack("{s:s}", "home", home));
    else
        printf("%s is ready: put your providers into volley.yaml, see job.example.json\n",
               home);
    return 0;
}

const struct verb verb_init = {
    .name = "init",
    .arguments = "[DIR]",
    .summary = "make a home: volley.yaml, spool, templates with an example, state.db",
    .example = "volley init studio",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
