/* job_template: the template of a job: opened, its variables bound, its channels covered.
 */
#include "base/file.h"
#include "base/near.h"
#include "engine/job/job_private.h"
#include "render/mail/mime.h"
#include "render/template/format.h"

#include <dirent.h>

/* Variables that volley itself fills from the account. */
static const struct {
    const char *name;
    size_t offset; /* in struct account */
} account_variables[] = {
    {"account_name", offsetof(struct account, name)},
    {"support_contact", offsetof(struct account, support_contact)},
    {"upgrade_url", offsetof(struct account, upgrade_url)},
};

static void note(void *arg, unsigned line, const char *sentence)
{
    struct job_open *o = arg;
    (void)line; /* the sentence names file and line */
    job_warning(o, "%s", sentence);
}

static void template_missing(struct job_open *o)
{
    struct text name = o->job->file.template_name;
    struct near near = {.wanted = name};
    char path[PATH_BYTES], hint[200];
    struct buffer names = {0};
    DIR *dir = path_join(path, o->env->home, TEXT("templates"), NULL) == 0 ? opendir(path)
                                                                           : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (name_is_safe(text_of(entry->d_name)) && !near.best.data) {
            buffer_clear(&names);
            buffer_string(&names, entry->d_name);
            near_offer(&near, buffer_view(&names));
        }
    }
    if (dir)
        closedir(dir);
    job_problem(o, 0, "template \"%.*s\" does not exist%s", TEXT_ARGS(name),
                near_hint(&near, hint, sizeof(hint)));
    buffer_fini(&names);
}

static const struct job_pair *find_var(const struct job *job, struct text name)
{
    for (size_t i = 0; i < job->file.var_count; i++) {
        if (text_equal(job->file.vars[i].name, name))
            return &job->file.vars[i];
    }
    return NULL;
}

static int find_column(const struct job *job, struct text name)
{
    size_t count;
    const struct column *schema =
        job->snapshot ? snapshot_schema(job->snapshot, &count) : NULL;
    return schema ? column_find(schema, count, name) : -1;
}

/* binding_of_column: a column's own value, or the case it chooses. */
static struct job_binding binding_of_column(struct job_open *o, struct text name,
                                            enum job_binding_kind kind)
{
    int column = find_column(o->job, name);
    size_t count;
    if (column < 0)
        return (struct job_binding){.kind = JOB_BIND_DEFAULT};
    const struct column *schema = &snapshot_schema(o->job->snapshot, &count)[column];
    if (!format_can(schema))
        job_problem(o, 0, "column \"%.*s\" is %s and cannot stand in a text",
                    TEXT_ARGS(name), schema->type_name ? schema->type_name : "a list");
    return (struct job_binding){.kind = kind, .column = column};
}

static struct job_binding binding_of(struct job_open *o, size_t v, struct text name)
{
    const struct job *job = o->job;
    const struct job_pair *var = find_var(job, name);
    struct text case_column = template_set_case_column(job->templates, v);
    if (var)
        return (struct job_binding){.kind = JOB_BIND_VAR, .value = var->value};
    if (case_column.data)
        return binding_of_column(o, case_column, JOB_BIND_CASE);
    if (text_is(name, "unsubscribe_url"))
        return (struct job_binding){.kind = JOB_BIND_UNSUBSCRIBE};
    for (size_t i = 0; i < ARRAY_COUNT(account_variables); i++) {
        if (text_is(name, account_variables[i].name)) {
            struct text value;
            memcpy(&value, (const char *)&job->account + account_variables[i].offset,
                   sizeof(value));
            return (struct job_binding){.kind = JOB_BIND_ACCOUNT, .value = value};
        }
    }
    return binding_of_column(o, name, JOB_BIND_COLUMN);
}

static void bind_variables(struct job_open *o)
{
    struct job *job = o->job;
    const struct template_variable *variables =
        template_set_variables(job->templates, &job->binding_count);
    job->bindings =
        arena_zalloc(&job->arena, job->binding_count * sizeof(*job->bindings) + 1);
    CHECK(job->bindings != NULL);
    for (size_t i = 0; i < job->binding_count; i++) {
        const struct template_variable *variable = &variables[i];
        struct job_binding *binding = &job->bindings[i];
        *binding = binding_of(o, i, variable->name);
        if (binding->kind != JOB_BIND_DEFAULT)
            continue;
        if (variable->required)
            job_problem(
                o, 0,
                "template \"%.*s\" requires \"%.*s\", which is neither in the job's vars "
                "nor a column of the snapshot",
                TEXT_ARGS(job->file.template_name), TEXT_ARGS(variable->name));
        else if (!variable->fallback.data)
            job_warning(o,
                        "variable \"%.*s\" has no value: it is not in the job's vars, "
                        "not a column "
                        "and has no default",
                        TEXT_ARGS(variable->name));
    }
    for (size_t i = 0; i < job->file.var_count; i++) {
        struct near near = {.wanted = job->file.vars[i].name};
        bool listed = false;
        for (size_t v = 0; v < job->binding_count; v++) {
            listed |= text_equal(variables[v].name, near.wanted);
            near_offer(&near, variables[v].name);
        }
        char hint[200];
        if (!listed)
            job_warning(o, "the template has no variable \"%.*s\"%s",
                        TEXT_ARGS(near.wanted), near_hint(&near, hint, sizeof(hint)));
    }
}

/* choose_language: what a customer gets whose own language the template lacks: the
 * account's, else the first that serves every channel of the job. */
static void choose_language(struct job_open *o)
{
    struct job *job = o->job;
    int own =
        o->has_account ? template_set_language(job->templates, job->account.locale) : -1;
    job->language = own < 0 ? 0 : (size_t)own;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (!job_uses(job, (enum channel)c) ||
            template_set_serves(job->templates, job->language, (enum channel)c))
            continue;
        if (template_set_languages(job->templates) == 0) {
            job_problem(o, 0, "template \"%.*s\" has no text for channel %s",
                        TEXT_ARGS(job->file.template_name),
                        channel_name((enum channel)c));
            continue;
        }
        job_problem(o, 0,
                    "template \"%.*s\" has no %s text in %s, the account's language",
                    TEXT_ARGS(job->file.template_name), channel_name((enum channel)c),
                    template_set_language_name(job->templates, job->language));
    }
}

/* split_mailbox: "Name <address>" or an address. */
static void split_mailbox(struct text mailbox, struct text *name_out,
                          struct text *address_out)
{
    const char *open = mailbox.bytes ? memchr(mailbox.data, '<', mailbox.bytes) : NULL;
    *name_out = TEXT_NONE;
    *address_out = text_trim(mailbox);
    if (!open || mailbox.data[mailbox.bytes - 1] != '>')
        return;
    *name_out = text_trim((struct text){mailbox.data, (size_t)(open - mailbox.data)});
    *address_out =
        (struct text){open + 1, mailbox.bytes - (size_t)(open - mailbox.data) - 2};
    if (name_out->bytes >= 2 && name_out->data[0] == '"' &&
        name_out->data[name_out->bytes - 1] == '"')
        *name_out = (struct text){name_out->data + 1, name_out->bytes - 2};
}

static struct text provider_from(const struct job *job, enum channel channel)
{
    if (job->config->route_counts[channel] == 0)
        return TEXT_NONE;
    return text_of(job->config->providers[job->config->routes[channel][0].provider].from);
}

static void choose_senders(struct job_open *o)
{
    struct job *job = o->job;
    split_mailbox(job->account.email_from, &job->email_from_name, &job->email_from);
    if (job->email_from.bytes == 0)
        split_mailbox(provider_from(job, CHANNEL_EMAIL), &job->email_from_name,
                      &job->email_from);
    if (job->email_from_name.bytes == 0)
        job->email_from_name = job->account.name;
    job->sms_from = job->account.sms_from;
    if (job->sms_from.bytes == 0)
        job->sms_from = provider_from(job, CHANNEL_SMS);
    if (!o->has_account)
        return;
    if (job_uses(job, CHANNEL_EMAIL) && !mime_address_ok(job->email_from))
        job_problem(o, 0,
                    "account \"%.*s\" has no usable email_from (set it with `volley "
                    "account put`)",
                    TEXT_ARGS(job->account.id));
    if (job_uses(job, CHANNEL_SMS) && job->sms_from.bytes == 0)
        job_problem(o, 0,
                    "account \"%.*s\" has no sms_from and the sms provider no from: one "
                    "is needed",
                    TEXT_ARGS(job->account.id));
}

void job_open_templates(struct job_open *o)
{
    struct job *job = o->job;
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct error err;
    choose_senders(o);
    if (o->frozen) {
        snprintf(path, sizeof(path), "%s", o->frozen->template_dir);
    } else if (job->resend && !job->file.resend.new_text) {
        snprintf(path, sizeof(path), "%s/outbox/%.*s/template", o->env->home,
                 TEXT_ARGS(job->file.resend.job));
    } else if (path_join(folder, o->env->home, TEXT("templates"), o->err) ||
               path_join(path, folder, job->file.template_name, o->err)) {
        o->rc = -ERROR_INPUT;
        return;
    } else if (!file_exists(path)) {
        template_missing(o);
        return;
    }
    job->template_dir = arena_text(&job->arena, text_of(path)).data;
    if (template_set_open(path, note, o, &job->templates, &err)) {
        job_problem(o, 0, "%s", err.text);
        return;
    }
    int category = template_set_category(job->templates);
    if (category >= 0 && category != (int)job->file.category &&
        job->file.category != CATEGORY_MANUAL)
        job_problem(o, 0, "the job is %s but template \"%.*s\" is %s",
                    category_name(job->file.category), TEXT_ARGS(job->file.template_name),
                    category_name((enum category)category));
    bind_variables(o);
    choose_language(o);
}
