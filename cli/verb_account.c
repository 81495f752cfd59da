/* verb_account: who sends. */
#include "base/file.h"
#include "cli/verb.h"
#include "engine/state/account.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"reason", "TEXT", "why an account is blocked"}, VERB_COMMON};

static void set(json_t *object, const char *key, struct text value)
{
    if (value.data)
        json_object_set_new(object, key, json_stringn(value.data, value.bytes));
}

static json_t *to_json(const struct account *account)
{
    json_t *out = json_object();
    set(out, "id", account->id);
    set(out, "name", account->name);
    set(out, "owner_email", account->owner_email);
    set(out, "locale", account->locale);
    set(out, "timezone", account->timezone);
    set(out, "tier", account->tier);
    json_object_set_new(out, "marketing_suite", json_boolean(account->marketing_suite));
    set(out, "email_from", account->email_from);
    set(out, "sms_from", account->sms_from);
    set(out, "upgrade_url", account->upgrade_url);
    set(out, "support_contact", account->support_contact);
    json_object_set_new(out, "blocked", json_boolean(account->blocked));
    if (account->blocked)
        set(out, "blocked_reason", account->blocked_reason);
    return out;
}

static int put(struct verb_context *context, struct store *store, struct arena *arena,
               const char *path, struct error *err)
{
    struct buffer content = {0};
    struct account account;
    int rc = file_read(path, (size_t)1 << 20, &content, err);
    if (rc == 0)
        rc = account_parse(buffer_view(&content), path, arena, &account, err);
    if (rc == 0)
        rc = account_put(store, &account, err);
    if (rc == 0 && context->json)
        verb_print_json(to_json(&account));
    else if (rc == 0)
        printf("account %.*s is recorded\n", TEXT_ARGS(account.id));
    buffer_fini(&content);
    return rc;
}

static int show(struct store *store, struct arena *arena, const char *id,
                struct error *err)
{
    struct account account;
    int found = account_get(store, text_of(id), arena, &account, err);
    if (found == 1)
        verb_print_json(to_json(&account));
    else if (found == 0)
        return error_set(err, ERROR_INPUT,
                         "account \"%s\" is not known (see `volley account list`)", id);
    return found < 0 ? found : 0;
}

static int list(struct verb_context *context, struct store *store, struct arena *arena,
                struct error *err)
{
    struct account *accounts;
    size_t count;
    int rc = account_list(store, arena, &accounts, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (context->json)
            json_array_append_new(array, to_json(&accounts[i]));
        else
            printf("%-24.*s  %-10.*s  %.*s%s\n", TEXT_ARGS(accounts[i].id),
                   TEXT_ARGS(accounts[i].tier), TEXT_ARGS(accounts[i].name),
                   accounts[i].blocked ? "  (blocked)" : "");
    }
    if (rc == 0 && context->json)
        verb_print_json(json_incref(array));
    json_decref(array);
    return rc;
}

static int block(struct verb_context *context, struct store *store, const char *id,
                 bool blocked, struct error *err)
{
    const char *reason = options_value(&context->options, "reason");
    int rc =
        account_block(store, text_of(id), blocked, text_of(reason ? reason : ""), err);
    if (rc == 0 && !context->json)
        printf("account %s %s\n", id, blocked ? "is blocked" : "may send");
    return rc;
}

static int dispatch(struct verb_context *context, struct store *store,
                    struct arena *arena, struct error *err)
{
    const char *action = context->options.arguments[0],
               *what = context->options.arguments[1];
    if (strcmp(action, "list") == 0)
        return list(context, store, arena, err);
    if (context->options.argument_count < 2)
        return error_set(err, ERROR_USAGE, "account %s needs %s", action,
                         strcmp(action, "put") == 0 ? "a file" : "an account's id");
    if (strcmp(action, "put") == 0)
        return put(context, store, arena, what, err);
    if (strcmp(action, "show") == 0)
        return show(store, arena, what, err);
    if (strcmp(action, "block") == 0 || strcmp(action, "unblock") == 0)
        return block(context, store, what, action[0] == 'b', err);
    return error_set(err, ERROR_USAGE,
                     "account %s: write put, show, list, block or unblock", action);
}

static int run(struct verb_context *context)
{
    return verb_with_store(context, dispatch);
}

const struct verb verb_account = {
    .name = "account",
    .arguments = "put FILE | show ID | list | block ID | unblock ID",
    .summary = "the accounts that send",
    .example = "volley account put account.example.json\nvolley account block studio "
               "--reason spam",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
