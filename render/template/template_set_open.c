/* template_set_open: a folder read: which file is what, template.yaml, and what must be there. */
#include "render/template/template_set_private.h"

#include "base/near.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static const struct template_file parts[] = {
    {"sms", "txt", PART_SMS, TEMPLATE_TEXT},
    {"email", "html", PART_EMAIL_HTML, TEMPLATE_HTML},
    {"email", "txt", PART_EMAIL_TEXT, TEMPLATE_TEXT},
    {"push", "txt", PART_PUSH, TEMPLATE_TEXT},
    {"inapp", "txt", PART_INAPP, TEMPLATE_TEXT},
};

/* --- files --- */

/* split_name: "sms.it.txt" into its three. */
static bool split_name(const char *file, struct text *stem, struct text *middle,
                       struct text *extension)
{
    const char *first = strchr(file, '.'), *last = strrchr(file, '.');
    if (!first || first == last)
        return false;
    *stem = (struct text){file, (size_t)(first - file)};
    *middle = (struct text){first + 1, (size_t)(last - first) - 1};
    *extension = text_of(last + 1);
    return true;
}

/* part_of: what a file is by its name, and its language's, or NULL. */
static const struct template_file *part_of(const char *file, struct text *language_out)
{
    struct text channel, extension;
    if (!split_name(file, &channel, language_out, &extension))
        return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (text_is(channel, parts[i].channel) && text_is(extension, parts[i].extension))
            return &parts[i];
    }
    return NULL;
}

/* is_text_file: what must be one of ours; anything else in the folder is nobody's
 * business. */
static bool is_text_file(const char *file)
{
    struct text name = text_of(file);
    const char *extension = strrchr(file, '.');
    return name.bytes > 0 && file[0] != '.' && extension &&
           (strcmp(extension, ".txt") == 0 || strcmp(extension, ".html") == 0);
}

static int refuse_file(struct open_set *open, const char *file)
{
    struct text stem = {file, strcspn(file, ".")};
    struct near near = {.wanted = stem};
    char hint[256];
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        near_offer(&near, text_of(parts[i].channel));
    return error_set(
        open->err, ERROR_INPUT,
        "%s: texts are called sms, email, push or inapp, then .<language>.txt, or "
        "email.<language>.html%s",
        open->path, near_hint(&near, hint, sizeof(hint)));
}

/* for_each_file: fn for every text file, or the first error. */
static int for_each_file(struct open_set *open,
                         int (*fn)(struct open_set *, const char *))
{
    DIR *dir = opendir(open->dir);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR
                   ? error_set(open->err, ERROR_INPUT,
                               "%s: there is no such template folder", open->dir)
                   : error_io(open->err, "cannot read %s", open->dir);
    int rc = 0;
    /* cppcheck-suppress readdirCalled ; the DIR is this thread's own */
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
        if (!is_text_file(entry->d_name))
            continue;
        rc = path_join(open->path, open->dir, text_of(entry->d_name), open->err);
        if (rc == 0)
            rc = fn(open, entry->d_name);
    }
    closedir(dir);
    return rc;
}

static int language_add(struct open_set *open, struct text name)
{
    char clean[TEMPLATE_LANGUAGE_BYTES + 1];
    struct template_set *set = open->set;
    if (!template_language_name(name, clean))
        return error_set(open->err, ERROR_INPUT,
                         "%s: \"%.*s\" is no language (write it like it or pt-BR)",
                         open->path, TEXT_ARGS(name));
    if (template_set_find(set, text_of(clean)))
        return 0;
    if (set->language_count == LANGUAGES_MAX)
        return error_set(open->err, ERROR_INPUT, "%s: more than %d languages", open->dir,
                         LANGUAGES_MAX);
    memcpy(set->languages[set->language_count++].name, clean, sizeof(clean));
    return 0;
}

static int compare_languages(const void *a, const void *b)
{
    return strcmp(((const struct language *)a)->name, ((const struct language *)b)->name);
}

static int add_file_language(struct open_set *open, const char *file)
{
    struct text language;
    return part_of(file, &language) ? language_add(open, language)
                                    : refuse_file(open, file);
}

static int compile_file(struct open_set *open, const char *file)
{
    struct text language;
    char name[TEMPLATE_LANGUAGE_BYTES + 1];
    const struct template_file *part = part_of(file, &language);
    CHECK(part && template_language_name(language, name));
    return template_set_compile_file(open, part,
                                     template_set_find(open->set, text_of(name)));
}

/* --- template.yaml --- */

static int read_yaml(struct open_set *open)
{
    static const char *const keys[] = {"category", "variables", "required", "subject"};
    struct buffer content = {0};
    int rc = template_set_read_text(open, &content);
    if (rc == 0)
        rc = yaml_parse(buffer_view(&content), open->path, &open->set->yaml, open->err);
    buffer_fini(&content);
    if (rc)
        return rc;
    const struct yaml_node *root = yaml_root(open->set->yaml);
    rc = variable_keys(root, open->path, keys, ARRAY_COUNT(keys), open->err);
    if (rc)
        return rc;
    const struct yaml_node *category = yaml_get(root, "category");
    const struct yaml_node *subject = yaml_get(root, "subject");
    if (category && category->kind == YAML_SCALAR)
        open->set->category = category_parse(category->value);
    if (category && open->set->category < 0)
        return error_set(open->err, ERROR_INPUT,
                         "%s:%u: category is marketing, transactional or manual",
                         open->path, category->line);
    if (subject && subject->kind != YAML_MAP)
        return error_set(open->err, ERROR_INPUT,
                         "%s:%u: subject is a text per language, like {it: \"Ciao\"}",
                         open->path, subject->line);
    return variable_list_read(&open->set->list, root, open->path, open->err);
}

/* --- what must be there --- */

static bool uses(const struct template *template, size_t v)
{
    return template && template_uses(template, v);
}

/* check_required: every part that goes out alone has variable v; of an email's two, one
 * suffices. */
static int check_required(struct open_set *open, const struct language *language,
                          size_t v)
{
    struct template *const *part = language->parts;
    const char *lacking = NULL;
    if (part[PART_SMS] && !uses(part[PART_SMS], v))
        lacking = "sms";
    else if (part[PART_PUSH] && !uses(part[PART_PUSH], v))
        lacking = "push";
    else if (part[PART_INAPP] && !uses(part[PART_INAPP], v))
        lacking = "inapp";
    else if ((part[PART_EMAIL_HTML] || part[PART_EMAIL_TEXT]) &&
             !uses(part[PART_EMAIL_HTML], v) && !uses(part[PART_EMAIL_TEXT], v))
        lacking = "email";
    if (!lacking)
        return 0;
    return error_set(
        open->err, ERROR_INPUT,
        "%s: the %s in \"%s\" lacks ##{{%.*s}}, which template.yaml requires", open->dir,
        lacking, language->name, TEXT_ARGS(open->set->list.variables[v].name));
}

static int check_language(struct open_set *open, const struct language *language)
{
    bool email = language->parts[PART_EMAIL_HTML] || language->parts[PART_EMAIL_TEXT];
    if (email && !language->parts[PART_EMAIL_SUBJECT])
        return error_set(
            open->err, ERROR_INPUT,
            "%s/template.yaml: the email in \"%s\" has no subject (add subject: {%s: "
            "\"…\"})",
            open->dir, language->name, language->name);
    if (!email && language->parts[PART_EMAIL_SUBJECT])
        return error_set(
            open->err, ERROR_INPUT,
            "%s/template.yaml: a subject in \"%s\", but no email.%s.html or .txt",
            open->dir, language->name, language->name);
    int rc = 0;
    for (size_t v = 0; v < open->set->list.count && rc == 0; v++) {
        if (open->set->list.variables[v].required)
            rc = check_required(open, language, v);
    }
    return rc ? rc
              : variable_list_covers(&open->set->list, text_of(language->name),
                                     open->path, open->err);
}

static int open_all(struct open_set *open)
{
    struct template_set *set = open->set;
    int rc = for_each_file(open, add_file_language);
    qsort(set->languages, set->language_count, sizeof(*set->languages),
          compare_languages);
    if (rc == 0)
        rc = path_join(open->path, open->dir, TEXT("template.yaml"), open->err);
    if (rc == 0)
        rc = read_yaml(open);
    if (rc == 0 && set->language_count == 0)
        rc = error_set(
            open->err, ERROR_INPUT,
            "%s: there is no text (write sms.<language>.txt, email.<language>.html, …)",
            open->dir);
    if (rc == 0)
        rc = template_set_compile_subjects(open,
                                           yaml_get(yaml_root(set->yaml), "subject"));
    if (rc == 0)
        rc = for_each_file(open, compile_file);
    if (rc == 0)
        rc = path_join(open->path, open->dir, TEXT("template.yaml"), open->err);
    for (size_t i = 0; i < set->language_count && rc == 0; i++)
        rc = check_language(open, &set->languages[i]);
    return rc;
}

int template_set_open(const char *dir, template_note_fn *note_fn, void *arg,
                      struct template_set **out, struct error *err)
{
    struct error own = {0};
    struct open_set open = {
        .dir = dir, .note_fn = note_fn, .note_arg = arg, .err = err ? err : &own};
    open.set = calloc(1, sizeof(*open.set));
    CHECK(open.set != NULL);
    open.set->category = -1;
    int rc = open_all(&open);
    if (rc)
        template_set_close(&open.set);
    else
        *out = open.set;
    return rc;
}
