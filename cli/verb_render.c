/* verb_render: one template against one JSON value. */
#include "base/file.h"
#include "cli/verb.h"
#include "render/template/mustache.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {"template", "FILE", "the template"},
    {"data", "FILE", "its data, any JSON value"},
    {"delimiters", "'OPEN CLOSE'", "what encloses a tag (default: '##{{ }}')"},
    {"missing", "literal|empty",
     "an unknown variable stays as typed (default) or is empty"},
    {"escape", "html|none", "default: html for a template *.html, else none"},
    {"partials", "DIR", "where partial x is the file x or x.mustache"},
    VERB_COMMON};

#define FILE_BYTES_MAX ((size_t)64 << 20)

static int choice(const struct options *given, const char *name,
                  const char *const words[2], int fallback, struct error *err)
{
    const char *word = options_value(given, name);
    for (int i = 0; word && i < 2; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    if (word)
        return error_set(err, ERROR_USAGE, "--%s %s: write %s or %s", name, word,
                         words[0], words[1]);
    return fallback;
}

static int read_options(const struct options *given, struct mustache_options *out,
                        struct error *err)
{
    const char *template = options_value(given, "template");
    const char *delimiters = options_value(given, "delimiters");
    const char *blank = delimiters ? strchr(delimiters, ' ') : NULL;
    size_t bytes = strlen(template);
    bool is_html = bytes > 5 && strcmp(template + bytes - 5, ".html") == 0;
    static const char *const missing_words[] = {"literal", "empty"};
    static const char *const escape_words[] = {"html", "none"};
    int missing = choice(given, "missing", missing_words, 0, err);
    int escape = choice(given, "escape", escape_words, is_html ? 0 : 1, err);
    if (missing < 0 || escape < 0)
        return -ERROR_USAGE;
    if (delimiters && (!blank || blank == delimiters || !blank[1]))
        return error_set(err, ERROR_USAGE, "--delimiters needs two words, like '{{ }}'");
    *out = (struct mustache_options){
        .open = delimiters ? (struct text){delimiters, (size_t)(blank - delimiters)}
                           : TEXT("##{{"),
        .close = delimiters ? text_of(blank + 1) : TEXT("}}"),
        .missing_literal = missing == 0,
        .escape_html = escape == 0};
    if (options_value(given, "partials")) {
        out->partial_fn = mustache_partial_from_dir;
        out->partial_arg = (void *)(uintptr_t)options_value(given, "partials");
    }
    return 0;
}

static int render(const struct options *given, struct buffer *out, struct error *err)
{
    const char *template = options_value(given, "template"),
               *data = options_value(given, "data");
    struct mustache_options how;
    struct buffer source = {0}, content = {0};
    json_t *json = NULL;
    json_error_t why;
    if (!template || !data)
        return error_set(err, ERROR_USAGE, "--template FILE and --data FILE are needed");
    int rc = read_options(given, &how, err);
    if (rc == 0)
        rc = file_read(template, FILE_BYTES_MAX, &source, err);
    if (rc == 0)
        rc = file_read(data, FILE_BYTES_MAX, &content, err);
    if (rc == 0) {
        struct text view = buffer_view(&content);
        json = json_loadb(view.data, view.bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        rc = json ? mustache_render(buffer_view(&source), template, json, &how, out, err)
                  : error_set(err, ERROR_INPUT, "%s:%d: %s", data, why.line, why.text);
    }
    json_decref(json);
    buffer_fini(&source);
    buffer_fini(&content);
    return rc;
}

static int run(struct verb_context *context)
{
    struct buffer out = {0};
    struct error err;
    int rc = render(&context->options, &out, &err);
    struct text view = buffer_view(&out);
    if (rc == 0 && context->json)
        verb_print_json(json_pack("{s:s%}", "text", view.data, view.bytes));
    else if (rc == 0)
        fwrite(view.data, 1, view.bytes, stdout);
    buffer_fini(&out);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_render = {
    .name = "render",
    .arguments = "--template FILE --data FILE",
    .summary = "render one template against one JSON value",
    .example = "volley render --template templates/welcome/sms.en.txt --data ada.json",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
