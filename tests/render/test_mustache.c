/* The specification's own cases (tests/render/mustache/, from github.com/mustache/spec),
 * then what it leaves open and what hostile templates try. */
#include "render/template/mustache.h"

#include <criterion/criterion.h>
#include <stdio.h>

static int partial_from_json(void *arg, struct text name, struct buffer *out,
                             struct error *err)
{
    (void)err;
    const json_t *partial = json_object_getn(arg, name.data, name.bytes);
    if (!partial)
        return 0;
    buffer_string(out, json_string_value(partial));
    return 1;
}

static void run_specification(const char *file)
{
    char path[256];
    snprintf(path, sizeof(path), "tests/render/mustache/%s.json", file);
    json_error_t problem;
    json_t *specification = json_load_file(path, 0, &problem);
    cr_assert(specification, "%s: %s", path, problem.text);
    size_t i;
    json_t *test, *tests = json_object_get(specification, "tests");
    cr_assert(json_array_size(tests) > 10);
    json_array_foreach(tests, i, test)
    {
        const char *name = json_string_value(json_object_get(test, "name"));
        struct mustache_options options = {.open = TEXT("{{"),
                                           .close = TEXT("}}"),
                                           .escape_html = true,
                                           .partial_fn = partial_from_json,
                                           .partial_arg =
                                               json_object_get(test, "partials")};
        struct buffer out = {0};
        struct error err = {0};
        int rc =
            mustache_render(text_of(json_string_value(json_object_get(test, "template"))),
                            name, json_object_get(test, "data"), &options, &out, &err);
        cr_expect(rc == 0, "%s: %s: %s", file, name, err.text);
        cr_expect_str_eq(out.data ? out.data : "",
                         json_string_value(json_object_get(test, "expected")), "%s: %s",
                         file, name);
        buffer_fini(&out);
    }
    json_decref(specification);
}

Test(mustache, specification)
{
    static const char *const files[] = {"comments", "delimiters", "interpolation",
                                        "inverted", "partials",   "sections"};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        run_specification(files[i]);
}

static void check(const char *source, const char *data, struct mustache_options options,
                  const char *expected)
{
    json_t *json = json_loads(data, JSON_DECODE_ANY, NULL);
    cr_assert(json, "%s", data);
    struct buffer out = {0};
    struct error err = {0};
    int rc = mustache_render(text_of(source), "t", json, &options, &out, &err);
    if (rc)
        cr_expect_str_eq(err.text, expected, "%s", source);
    else
        cr_expect_str_eq(out.data ? out.data : "", expected, "%s", source);
    buffer_fini(&out);
    json_decref(json);
}

#define CURLY .open = TEXT("{{"), .close = TEXT("}}")
#define PLAIN ((struct mustache_options){CURLY})
#define LITERAL                                                                          \
    ((struct mustache_options){CURLY, .missing_literal = true, .escape_html = true})
#define OURS ((struct mustache_options){.escape_html = true})

Test(mustache, beyond_the_specification)
{
    check("{{a}}", "{\"a\": \"<'&\"}", PLAIN, "<'&");
    check("{{a}}", "{\"a\": \"<'&\"}", LITERAL, "&lt;&#39;&amp;");
    check("{{a}} {{ b }} {{{c}}} {{&d}}", "{\"a\": null}", LITERAL,
          " {{ b }} {{{c}}} {{&d}}");
    check("{{#no}}x{{/no}}{{^no}}y{{/no}}", "{}", LITERAL, "y");
    check("{{a.b}}|{{a.b.c}}", "{\"a\": {\"b\": 1}}", LITERAL, "1|{{a.b.c}}");
    check("##{{a}} ##{{{a}}} {{a}} ##{{#l}}##{{.}},##{{/l}}",
          "{\"a\": \"<\", \"l\": [1, 2]}", OURS, "&lt; < {{a}} 1,2,");
    check("##{{a}}", "{\"a\": \"##{{b}}\", \"b\": 1}", OURS, "##{{b}}");
    check("{{.}}", "[1, {\"a\": true}]", PLAIN, "[1,{\"a\":true}]");
    check("{{a}} {{b}} {{c}} {{d}}",
          "{\"a\": 3.0, \"b\": 0.1, \"c\": true, \"d\": 1e300}", PLAIN,
          "3 0.1 true 1e+300");
    check("{{#z}}x{{/z}}{{#e}}x{{/e}}{{^z}}0{{/z}}", "{\"z\": 0, \"e\": \"\"}", PLAIN,
          "0");
}

Test(mustache, syntax_errors)
{
    check("a\n{{b", "{}", PLAIN, "t:2: a tag without end: \"{{b\"");
    check("{{a {{b}}", "{}", PLAIN, "t:1: a tag without end: \"{{a \"");
    check("{{{a}} ", "{}", PLAIN, "t:1: a tag without end: \"{{{a}} \"");
    check("{{#a}}\n{{/b}}", "{}", PLAIN, "t:2: the section to end here is \"a\"");
    check("{{/b}}", "{}", PLAIN, "t:1: no section to end: \"b\"");
    check("x\n\n{{#a}}\n", "{}", PLAIN, "t:3: a section without end: \"a\"");
    check("\n{{=a=}}", "{}", PLAIN,
          "t:2: \"a\" is no pair of delimiters (write two words, like <% %>)");
}

static int endless(void *arg, struct text name, struct buffer *out, struct error *err)
{
    (void)name;
    (void)err;
    buffer_string(out, arg);
    return 1;
}

Test(mustache, is_bounded)
{
    struct mustache_options options = {CURLY, .partial_fn = endless,
                                       .partial_arg = "{{>p}}{{>p}}"};
    check("{{>p}}", "{}", options, "p:1: sections and partials nested too deep at \"p\"");
    options.partial_arg = " {{>p}}\n";
    check("{{>p}}", "{}", options, "p:1: sections and partials nested too deep at \"p\"");
    char list[4096] = "{\"l\": [1";
    for (int i = 0; i < 300; i++)
        strcat(list, ",1");
    strcat(list, "]}");
    check("{{#l}}{{#l}}{{#l}}{{#l}}x{{/l}}{{/l}}{{/l}}{{/l}}", list, PLAIN,
          "t:1: too many repetitions at \"\"");
}
