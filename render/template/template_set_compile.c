/* template_set_compile: the texts of a folder made templates, with what they take in from partials/. */
#include "render/template/template_set_private.h"

#include "render/template/footer.h"

#include <stdio.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

int template_set_read_text(struct open_set *open, struct buffer *out)
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
    int rc = template_set_read_text(open, out);
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

static bool uses_footer(const struct template_set *set, const struct template *template)
{
    for (size_t v = 0; v < set->list.count; v++) {
        if (text_is(set->list.variables[v].name, FOOTER_VARIABLE))
            return template_uses(template, v);
    }
    return false;
}

int template_set_compile_file(struct open_set *open, const struct template_file *file,
                              struct language *language)
{
    struct buffer source = {0};
    int rc = template_set_read_text(open, &source);
    if (rc == 0)
        rc = compile(open, buffer_view(&source), open->path, language, file->part,
                     file->escape);
    bool email = file->part == PART_EMAIL_HTML || file->part == PART_EMAIL_TEXT;
    if (rc == 0 && email && !uses_footer(open->set, language->parts[file->part])) {
        template_note_fn *note_fn = open->note_fn;
        open->note_fn = NULL; /* everything has been said once */
        template_destroy(&language->parts[file->part]);
        footer_add(&source, file->escape, language->name);
        rc = compile(open, buffer_view(&source), open->path, language, file->part,
                     file->escape);
        open->note_fn = note_fn;
    }
    buffer_fini(&source);
    return rc;
}

int template_set_compile_subjects(struct open_set *open, const struct yaml_node *subjects)
{
    for (size_t i = 0; subjects && i < subjects->child_count; i++) {
        const struct yaml_node *node = &subjects->children[i];
        char name[TEMPLATE_LANGUAGE_BYTES + 1], place[PATH_BYTES + 64];
        if (node->kind != YAML_SCALAR || !node->value.data)
            return error_set(open->err, ERROR_INPUT, "%s:%u: a subject is a text",
                             open->path, node->key_line);
        struct language *language = template_language_name(node->key, name)
                                        ? template_set_find(open->set, text_of(name))
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
