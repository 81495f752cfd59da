/* template_set: see template_set.h. */
#include "render/template/template_set.h"

#include "base/file.h"
#include "base/near.h"
#include "render/template/footer.h"
#include "base/yaml.h"
#include "render/template/variable_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX     ((size_t)1 << 20)
#define LANGUAGES_MAX      64
#define LANGUAGE_BYTES_MAX 16

struct language {
    char name[LANGUAGE_BYTES_MAX + 1];
    struct template *parts[PART_COUNT];
};

struct template_set {
    struct yaml *yaml; /* what the variables' texts point into */
    struct variable_list list;
    int category;
    struct language languages[LANGUAGES_MAX];
    size_t language_count;
};

/* The parts that are files, `<channel>.<language>.<extension>`. */
static const struct part {
    const char *channel, *extension;
    enum template_part part;
    enum template_escape escape;
} parts[] = {
    {"sms", "txt", PART_SMS, TEMPLATE_TEXT},
    {"email", "html", PART_EMAIL_HTML, TEMPLATE_HTML},
    {"email", "txt", PART_EMAIL_TEXT, TEMPLATE_TEXT},
    {"push", "txt", PART_PUSH, TEMPLATE_TEXT},
    {"inapp", "txt", PART_INAPP, TEMPLATE_TEXT},
};

struct open_set {
    struct template_set *set;
    const char *dir;
    template_note_fn *note_fn;
    void *note_arg;
    struct error *err;
    char path[PATH_BYTES];           /* the file in work, for notes and errors */
    const struct language *language; /* what partials are looked for */
    enum template_escape escape;
};

/* --- languages ---------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* language_name: "pt_BR" → "pt-BR"; two or three letters, then parts of letters and
 * digits. */
static bool language_name(struct text t, char out[LANGUAGE_BYTES_MAX + 1])
{
    size_t letters = 0;
    while (letters < t.bytes && is_letter(t.data[letters]))
        letters++;
    if (letters < 2 || letters > 3 || t.bytes > LANGUAGE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i] == '_' ? '-' : t.data[i];
        if (c == '-' ? i + 1 == t.bytes || out[i - 1] == '-'
                     : !is_letter(c) && (c < '0' || c > '9' || i == letters))
            return false;
        out[i] = c;
    }
    out[t.bytes] = '\0';
    return true;
}

static struct language *language_find(struct template_set *set, struct text name)
{
    for (size_t i = 0; i < set->language_count; i++) {
        if (text_equal_nocase(text_of(set->languages[i].name), name))
            return &set->languages[i];
    }
    return NULL;
}

static int language_add(struct open_set *open, struct text name)
{
    char clean[LANGUAGE_BYTES_MAX + 1];
    struct template_set *set = open->set;
    if (!language_name(name, clean))
        return error_set(open->err, ERROR_INPUT,
                         "%s: \"%.*s\" is no language (write it like it or pt-BR)",
                         open->path, TEXT_ARGS(name));
    if (language_find(set, text_of(clean)))
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

/* --- files -------------------------------------------------------------------------- */

/* read_text: a file as LF-terminated UTF-8 without a byte order mark, at open->path. */
static int read_text(struct open_set *open, struct buffer *out)
{
    struct buffer raw = {0};
    int rc = file_read(open->path, FILE_BYTES_MAX, &raw, open->err);
    struct text t = buffer_view(&raw);
    if (rc == 0 && (!utf8_valid(t) || memchr(t.data, '\0', t.bytes)))
        rc = error_set(open->err, ERROR_INPUT, "%s is not UTF-8 text", open->path);
    if (t.bytes >= 3 && memcmp(t.data, "\xEF\xBB\xBF", 3) == 0) {
        t.data += 3;
        t.bytes -= 3;
    }
    for (size_t i = 0; i < t.bytes; i++) {
        if (t.data[i] != '\r' || i + 1 == t.bytes || t.data[i + 1] != '\n')
            buffer_byte(out, t.data[i]);
    }
    buffer_fini(&raw);
    return rc;
}

static void note(void *arg, unsigned line, const char *sentence)
{
    struct open_set *open = arg;
    char placed[PATH_BYTES + ERROR_TEXT_BYTES];
    snprintf(placed, sizeof(placed), "%s:%u: %s", open->path, line, sentence);
    open->note_fn(open->note_arg, line, placed);
}

static int partial(void *arg, struct text name, struct buffer *out, struct error *err)
{
    struct open_set *open = arg;
    const char *extension = open->escape == TEMPLATE_HTML ? "html" : "txt";
    char path[PATH_BYTES];
    if (!name_is_safe(name))
        return 0;
    int n = snprintf(path, sizeof(path), "%s/partials/%.*s.%s.%s", open->dir,
                     TEXT_ARGS(name), open->language->name, extension);
    if (n > 0 && n < PATH_BYTES && !file_exists(path))
        n = snprintf(path, sizeof(path), "%s/partials/%.*s.%s", open->dir,
                     TEXT_ARGS(name), extension);
    if (n < 0 || n >= PATH_BYTES || !file_exists(path))
        return 0;
    char outer[PATH_BYTES];
    memcpy(outer, open->path, sizeof(outer));
    memcpy(open->path, path, sizeof(path));
    int rc = read_text(open, out);
    memcpy(open->path, outer, sizeof(outer));
    (void)err; /* is open->err */
    return rc ? rc : 1;
}

static int compile(struct open_set *open, struct text source, const char *name,
                   struct language *language, enum template_part part,
                   enum template_escape escape)
{
    struct template_options options = {
        .escape = escape,
        .variables = open->set->list.variables,
        .variable_count = open->set->list.count,
        .note_fn = open->note_fn ? note : NULL,
        .note_arg = open,
        .partial_fn = partial,
        .partial_arg = open,
    };
    open->language = language;
    open->escape = escape;
    if (language->parts[part])
        return error_set(open->err, ERROR_INPUT, "%s: this part is there twice", name);
    if (source.bytes > 0 && part != PART_EMAIL_HTML && part != PART_EMAIL_TEXT)
        source.bytes -=
            source.data[source.bytes - 1] == '\n'; /* editors end files with one */
    return template_compile_with(source, name, &options, &language->parts[part],
                                 open->err);
}

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

static const struct part *part_of(struct text channel, struct text extension)
{
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

static int add_file_language(struct open_set *open, const char *file)
{
    struct text stem, middle, extension;
    if (!split_name(file, &stem, &middle, &extension) || !part_of(stem, extension))
        return refuse_file(open, file);
    return language_add(open, middle);
}

static bool uses_footer(const struct template_set *set, const struct template *template)
{
    for (size_t v = 0; v < set->list.count; v++) {
        if (text_is(set->list.variables[v].name, FOOTER_VARIABLE))
            return template_uses(template, v);
    }
    return false;
}

static int compile_file(struct open_set *open, const char *file)
{
    struct text stem, middle, extension;
    char name[LANGUAGE_BYTES_MAX + 1];
    CHECK(split_name(file, &stem, &middle, &extension) && language_name(middle, name));
    const struct part *part = part_of(stem, extension);
    struct language *language = language_find(open->set, text_of(name));
    struct buffer source = {0};
    int rc = read_text(open, &source);
    if (rc == 0)
        rc = compile(open, buffer_view(&source), open->path, language, part->part,
                     part->escape);
    bool email = part->part == PART_EMAIL_HTML || part->part == PART_EMAIL_TEXT;
    if (rc == 0 && email && !uses_footer(open->set, language->parts[part->part])) {
        template_note_fn *note_fn = open->note_fn;
        open->note_fn = NULL; /* everything has been said once */
        template_destroy(&language->parts[part->part]);
        footer_add(&source, part->escape, language->name);
        rc = compile(open, buffer_view(&source), open->path, language, part->part,
                     part->escape);
        open->note_fn = note_fn;
    }
    buffer_fini(&source);
    return rc;
}

/* --- template.yaml ------------------------------------------------------------------ */

static int compile_subjects(struct open_set *open, const struct yaml_node *subjects)
{
    for (size_t i = 0; subjects && i < subjects->child_count; i++) {
        const struct yaml_node *node = &subjects->children[i];
        char name[LANGUAGE_BYTES_MAX + 1], place[PATH_BYTES + 64];
        if (node->kind != YAML_SCALAR || !node->value.data)
            return error_set(open->err, ERROR_INPUT, "%s:%u: a subject is a text",
                             open->path, node->key_line);
        struct language *language = language_name(node->key, name)
                                        ? language_find(open->set, text_of(name))
                                        : NULL;
        if (!language)
            return error_set(
                open->err, ERROR_INPUT,
                "%s:%u: a subject in \"%.*s\", but there is no text in that language",
                open->path, node->key_line, TEXT_ARGS(node->key));
        snprintf(place, sizeof(place), "%s:%u: subject", open->path, node->line);
        int rc = compile(open, node->value, place, language, PART_EMAIL_SUBJECT,
                         TEMPLATE_TEXT);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_yaml(struct open_set *open)
{
    static const char *const keys[] = {"category", "variables", "required", "subject"};
    struct buffer content = {0};
    int rc = read_text(open, &content);
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

/* --- what must be there ------------------------------------------------------------- */

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
        rc = compile_subjects(open, yaml_get(yaml_root(set->yaml), "subject"));
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

void template_set_close(struct template_set **set)
{
    if (!*set)
        return;
    for (size_t i = 0; i < (*set)->language_count; i++) {
        for (size_t p = 0; p < PART_COUNT; p++)
            template_destroy(&(*set)->languages[i].parts[p]);
    }
    variable_list_fini(&(*set)->list);
    yaml_destroy(&(*set)->yaml);
    free(*set);
    *set = NULL;
}

/* --- asking ------------------------------------------------------------------------- */

int template_set_category(const struct template_set *set)
{
    return set->category;
}

const struct template_variable *template_set_variables(const struct template_set *set,
                                                       size_t *count_out)
{
    *count_out = set->list.count;
    return set->list.variables;
}

struct text template_set_case_column(const struct template_set *set, size_t v)
{
    CHECK(v < set->list.count);
    return variable_list_column(&set->list, v);
}

struct text template_set_case(const struct template_set *set, size_t v, size_t language,
                              struct text value)
{
    CHECK(v < set->list.count && language < set->language_count);
    return variable_list_case(&set->list, v, text_of(set->languages[language].name),
                              value);
}

size_t template_set_languages(const struct template_set *set)
{
    return set->language_count;
}

const char *template_set_language_name(const struct template_set *set, size_t language)
{
    CHECK(language < set->language_count);
    return set->languages[language].name;
}

int template_set_language(const struct template_set *set, struct text locale)
{
    char name[LANGUAGE_BYTES_MAX + 1];
    struct text t = locale;
    for (size_t i = 0; i < t.bytes; i++) {
        if (t.data[i] == '.' || t.data[i] == '@') /* it_IT.UTF-8@euro */
            t.bytes = i;
    }
    if (!language_name(t, name))
        return -1;
    for (struct text wanted = text_of(name);; wanted.bytes = strcspn(name, "-")) {
        for (size_t i = 0; i < set->language_count; i++) {
            if (text_equal_nocase(text_of(set->languages[i].name), wanted))
                return (int)i;
        }
        if (wanted.bytes == strcspn(name, "-"))
            return -1;
    }
}

const struct template *template_set_part(const struct template_set *set, size_t language,
                                         enum template_part part)
{
    CHECK(language < set->language_count && part < PART_COUNT);
    /* cppcheck-suppress CastIntegerToAddressAtReturn ; it is a pointer */
    return set->languages[language].parts[part];
}

bool template_set_serves(const struct template_set *set, size_t language,
                         enum channel channel)
{
    CHECK(language < set->language_count);
    struct template *const *part = set->languages[language].parts;
    switch (channel) {
    case CHANNEL_SMS:
        return part[PART_SMS];
    case CHANNEL_EMAIL:
        return part[PART_EMAIL_HTML] || part[PART_EMAIL_TEXT];
    case CHANNEL_PUSH:
        return part[PART_PUSH];
    case CHANNEL_INAPP:
        return part[PART_INAPP];
    default:
        return false;
    }
}
