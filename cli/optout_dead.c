/* optout_dead: see optout_dead.h. */
#include "cli/optout_dead.h"

#include "base/clock.h"
#include "engine/state/dead.h"
#include "ingest/import/csv.h"

#include <stdio.h>

static int read_entry(const struct options *given, struct dead_address *out,
                      struct error *err)
{
    static const struct {
        const char *option;
        enum channel channel;
    } keys[] = {{"email", CHANNEL_EMAIL}, {"phone", CHANNEL_SMS}, {"push", CHANNEL_PUSH}};
    const char *account = options_value(given, "account"),
               *reason = options_value(given, "reason");
    size_t count = 0;
    *out = (struct dead_address){.account = text_of(account),
                                 .reason = text_of(reason ? reason : "staff"),
                                 .since_ns = clock_now_ns()};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        const char *value = options_value(given, keys[i].option);
        if (value) {
            out->channel = keys[i].channel;
            out->address = text_of(value);
            count++;
        }
    }
    if (!account || count != 1 || options_value(given, "customer"))
        return error_set(err, ERROR_USAGE,
                         "--dead needs --account ID and one of --email, --phone, --push");
    return 0;
}

static int change(struct verb_context *context, struct store *store, bool add,
                  struct error *err)
{
    struct dead_address entry;
    int rc = read_entry(&context->options, &entry, err);
    if (rc == 0)
        rc = add ? dead_add(store, &entry, err) : dead_revive(store, &entry, err);
    if (rc < 0)
        return rc;
    if (context->json)
        verb_print_json(json_pack("{s:b}", "changed", add || rc == 1));
    else
        printf("%.*s %s\n", TEXT_ARGS(entry.address),
               add       ? "counts as dead"
               : rc == 1 ? "may be written to again"
                         : "did not count as dead");
    return 0;
}

static int print_json(void *arg, const struct dead_address *dead)
{
    char since[CLOCK_FORMAT_BYTES];
    (void)arg;
    clock_format(dead->since_ns, false, since);
    verb_print_json(json_pack("{s:s%, s:s, s:s%, s:s%, s:s%, s:s}", "account",
                              dead->account.data, dead->account.bytes, "channel",
                              channel_name(dead->channel), "address", dead->address.data,
                              dead->address.bytes, "reason", dead->reason.data,
                              dead->reason.bytes, "provider", dead->provider.data,
                              dead->provider.bytes, "since", since));
    return 0;
}

static int print_csv(void *arg, const struct dead_address *dead)
{
    char since[CLOCK_FORMAT_BYTES];
    struct buffer *line = arg;
    clock_format(dead->since_ns, false, since);
    const struct text fields[] = {dead->account, text_of(channel_name(dead->channel)),
                                  dead->address, dead->reason, dead->provider};
    buffer_clear(line);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        csv_append_field(line, fields[i]);
        buffer_byte(line, ',');
    }
    buffer_string(line, since);
    puts(line->data);
    return 0;
}

int optout_dead(struct verb_context *context, struct store *store, const char *action,
                struct error *err)
{
    if (strcmp(action, "add") == 0 || strcmp(action, "remove") == 0)
        return change(context, store, action[0] == 'a', err);
    if (strcmp(action, "list") != 0 && strcmp(action, "export") != 0)
        return error_set(err, ERROR_USAGE,
                         "optout %s --dead: write add, remove, list or export", action);
    struct buffer line = {0};
    const char *account = options_value(&context->options, "account");
    if (!context->json)
        puts("account,channel,address,reason,provider,since");
    int rc = dead_each(store, text_of(account), context->json ? print_json : print_csv,
                       &line, err);
    buffer_fini(&line);
    return rc;
}
