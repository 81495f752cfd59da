/* verb_optout: the opt-out list. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/optout_dead.h"
#include "engine/state/optout.h"
#include "ingest/import/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_spec options[] = {
    {"account", "ID", "the account"},
    {"customer", "ID", "a customer by id"},
    {"email", "ADDRESS", "a customer by email address"},
    {"phone", "NUMBER", "a customer by phone number, like +393331234567"},
    {"switch", "NAME",
     "marketing_email, transactional_email, marketing_sms, sms, notifications or all "
     "(default); "
     "may be repeated"},
    {"reason", "TEXT", "kept with the entry"},
    {"dead", NULL,
     "not the opt-outs but the addresses that a provider found dead, which are skipped "
     "until "
     "`remove --dead` revives them"},
    {"push", "TOKEN", "with --dead: a push token"},
    VERB_COMMON};

static int read_switches(const struct options *given, unsigned *mask_out,
                         struct error *err)
{
    size_t at = 0;
    *mask_out = 0;
    for (const char *name; (name = options_next(given, "switch", &at));) {
        unsigned mask = optout_switch_parse(text_of(name));
        if (!mask)
            return error_set(err, ERROR_USAGE,
                             "--switch %s: write marketing_email, "
                             "transactional_email, marketing_sms, sms, "
                             "notifications or all",
                             name);
        *mask_out |= mask;
    }
    if (*mask_out == 0)
        *mask_out = OPTOUT_ALL;
    return 0;
}

static int read_entry(const struct options *given, struct optout *out, struct error *err)
{
    const char *account = options_value(given, "account"),
               *reason = options_value(given, "reason");
    size_t count = 0;
    *out = (struct optout){.account = text_of(account),
                           .reason = text_of(reason ? reason : "staff"),
                           .since_ns = clock_now_ns()};
    for (int key = 0; key < OPTOUT_KEY_COUNT; key++) {
        const char *value = options_value(given, optout_key_name((enum optout_key)key));
        if (value) {
            out->key = (enum optout_key)key;
            out->value = text_of(value);
            count++;
        }
    }
    if (!account || count != 1)
        return error_set(
            err, ERROR_USAGE,
            "--account ID and one of --customer, --email, --phone are needed");
    return read_switches(given, &out->mask, err);
}

static int change(struct verb_context *context, struct store *store, bool add,
                  struct error *err)
{
    struct optout entry;
    int rc = read_entry(&context->options, &entry, err);
    if (rc)
        return rc;
    rc = add ? optout_add(store, &entry, err) : optout_remove(store, &entry, err);
    if (rc < 0)
        return rc;
    if (context->json)
        verb_print_json(json_pack("{s:b}", "changed", add || rc == 1));
    else
        printf("%.*s %s\n", TEXT_ARGS(entry.value),
               add       ? "is opted out"
               : rc == 1 ? "may be written to again"
                         : "was not opted out");
    return 0;
}

/* --- list and export --- */

static void switch_names(unsigned mask, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned bit = 1; bit < OPTOUT_ALL; bit <<= 1) {
        if (mask & bit)
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", used ? " " : "",
                                     optout_switch_name((enum optout_switch)bit));
    }
}

static int print_json(void *arg, const struct optout *entry)
{
    char names[160];
    (void)arg;
    switch_names(entry->mask, names, sizeof(names));
    verb_print_json(json_pack("{s:s%, s:s%, s:s, s:s%}", "account", entry->account.data,
                              entry->account.bytes, optout_key_name(entry->key),
                              entry->value.data, entry->value.bytes, "switches", names,
                              "reason", entry->reason.data ? entry->reason.data : "",
                              entry->reason.bytes));
    return 0;
}

static int print_csv(void *arg, const struct optout *entry)
{
    char names[160];
    struct buffer *line = arg;
    switch_names(entry->mask, names, sizeof(names));
    buffer_clear(line);
    csv_append_field(line, entry->account);
    for (int key = 0; key < OPTOUT_KEY_COUNT; key++) {
        buffer_byte(line, ',');
        if (key == (int)entry->key)
            csv_append_field(line, entry->value);
    }
    buffer_byte(line, ',');
    csv_append_field(line, text_of(names));
    buffer_byte(line, ',');
    csv_append_field(line, entry->reason);
    buffer_byte(line, '\n');
    fwrite(line->data, 1, line->bytes, stdout);
    return 0;
}

static int list(struct verb_context *context, struct store *store, struct error *err)
{
    struct buffer line = {0};
    const char *account = options_value(&context->options, "account");
    if (!context->json)
        puts("account,customer,email,phone,switch,reason");
    int rc = optout_each(store, text_of(account), context->json ? print_json : print_csv,
                         &line, err);
    buffer_fini(&line);
    return rc;
}

/* --- import --- */

/* Which CSV column is what; -1: not there. */
struct layout {
    int account, keys[OPTOUT_KEY_COUNT], mask, reason;
};

static int find(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        if (text_equal_nocase(text_trim(header->fields[i].text), text_of(name)))
            return (int)i;
    }
    return -1;
}

static struct text field(const struct csv_row *row, int column)
{
    return column < 0 || (size_t)column >= row->count
               ? TEXT_NONE
               : text_trim(row->fields[column].text);
}

static unsigned parse_switches(struct text names)
{
    unsigned mask = 0;
    if (names.bytes == 0)
        return OPTOUT_ALL;
    while (names.bytes > 0) {
        size_t word = 0;
        while (word < names.bytes && !strchr(" ;|", names.data[word]))
            word++;
        unsigned one = optout_switch_parse((struct text){names.data, word});
        if (!one)
            return 0;
        mask |= one;
        names = text_trim((struct text){names.data + word, names.bytes - word});
        if (names.bytes > 0 && strchr(";|", names.data[0]))
            names = text_trim((struct text){names.data + 1, names.bytes - 1});
    }
    return mask;
}

static int import_row(struct store *store, const struct layout *layout,
                      struct text account, const struct csv_row *row, struct error *err)
{
    struct text own = field(row, layout->account), reason = field(row, layout->reason);
    struct optout entry = {.account = own.bytes ? own : account,
                           .mask = parse_switches(field(row, layout->mask)),
                           .reason = reason.bytes ? reason : TEXT("import"),
                           .since_ns = clock_now_ns()};
    size_t keys = 0;
    if (row->problem)
        return error_set(err, ERROR_INPUT, "%s", row->problem);
    if (entry.account.bytes == 0)
        return error_set(err, ERROR_INPUT, "no account (give a column or --account)");
    if (!entry.mask)
        return error_set(err, ERROR_INPUT, "unknown switch \"%.*s\"",
                         TEXT_ARGS(field(row, layout->mask)));
    for (int key = 0; key < OPTOUT_KEY_COUNT; key++) {
        entry.key = (enum optout_key)key;
        entry.value = field(row, layout->keys[key]);
        if (entry.value.bytes == 0)
            continue;
        keys++;
        int rc = optout_add(store, &entry, err);
        if (rc)
            return rc;
    }
    return keys ? 0 : error_set(err, ERROR_INPUT, "no customer, email or phone");
}

static int import_rows(struct verb_context *context, struct store *store, struct csv *csv,
                       const char *path, struct error *err)
{
    const char *account = options_value(&context->options, "account");
    struct csv_row row;
    struct layout layout;
    if (!csv_next(csv, &row))
        return error_set(err, ERROR_INPUT, "%s is empty", path);
    layout.account = find(&row, "account");
    layout.mask = find(&row, "switch");
    layout.reason = find(&row, "reason");
    bool any = false;
    for (int key = 0; key < OPTOUT_KEY_COUNT; key++) {
        layout.keys[key] = find(&row, optout_key_name((enum optout_key)key));
        any |= layout.keys[key] >= 0;
    }
    if (!any)
        return error_set(err, ERROR_INPUT,
                         "%s:1: a column customer, email or phone is needed", path);
    uint64_t added = 0, refused = 0;
    int rc = optout_begin(store, err);
    while (rc == 0 && csv_next(csv, &row)) {
        struct error why;
        int row_rc = import_row(store, &layout, text_of(account), &row, &why);
        if (row_rc == 0) {
            added++;
        } else if (row_rc == -ERROR_INPUT) {
            refused++;
            fprintf(stderr, "%s:%" PRIu64 ": %s; the row is skipped\n", path, row.line,
                    why.text);
        } else {
            *err = why;
            rc = row_rc;
        }
    }
    if (rc == 0)
        rc = optout_commit(store, err);
    if (rc == 0 && context->json)
        verb_print_json(json_pack("{s:I, s:I}", "imported", (json_int_t)added, "refused",
                                  (json_int_t)refused));
    else if (rc == 0)
        printf("%" PRIu64 " opt-outs imported, %" PRIu64 " rows refused\n", added,
               refused);
    return rc;
}

static int import_file(struct verb_context *context, struct store *store,
                       struct error *err)
{
    const char *path = context->options.arguments[1];
    struct buffer content = {0};
    if (context->options.argument_count < 2)
        return error_set(err, ERROR_USAGE, "optout import needs a CSV file");
    int rc = file_read(path, (size_t)2 << 30, &content, err);
    if (rc == 0) {
        struct csv *csv = calloc(1, sizeof(*csv));
        CHECK(csv != NULL);
        csv_init(csv, buffer_view(&content), 0);
        rc = import_rows(context, store, csv, path, err);
        csv_fini(csv);
        free(csv);
    }
    buffer_fini(&content);
    return rc;
}

static int dispatch(struct verb_context *context, struct store *store,
                    struct arena *arena, struct error *err)
{
    (void)arena;
    const char *action = context->options.arguments[0];
    if (options_flag(&context->options, "dead"))
        return optout_dead(context, store, action, err);
    if (options_value(&context->options, "push"))
        return error_set(err, ERROR_USAGE, "--push goes with --dead");
    if (strcmp(action, "add") == 0 || strcmp(action, "remove") == 0)
        return change(context, store, action[0] == 'a', err);
    if (strcmp(action, "list") == 0 || strcmp(action, "export") == 0)
        return list(context, store, err);
    if (strcmp(action, "import") == 0)
        return import_file(context, store, err);
    return error_set(err, ERROR_USAGE,
                     "optout %s: write add, remove, list, import or export", action);
}

static int run(struct verb_context *context)
{
    return verb_with_store(context, dispatch);
}

const struct verb verb_optout = {
    .name = "optout",
    .arguments = "add | remove | list | import FILE.csv | export",
    .summary = "who must not get what",
    .example = "volley optout add --account studio --phone +393331234567 --switch sms\n"
               "volley optout import optouts.csv --account studio\n"
               "volley optout list --dead\n"
               "volley optout remove --dead --account studio --email ann@example.org",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
