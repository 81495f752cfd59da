/* Templates over listed variables: what is rendered, what is noted, what is refused. */
#include "render/template/template.h"

#include "render/template/escape.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const struct template_variable variables[] = {
    {.name = {"first_name", 10}, .fallback = {"friend", 6}},
    {.name = {"url", 3}, .required = true},
    {.name = {"credits", 7}},
};

static struct arena arena;
static char notes[2048];

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, 1 << 20, NULL), 0);
}

static void teardown(void)
{
    arena_fini(&arena);
}

TestSuite(template, .init = setup, .fini = teardown);

static void take_note(void *arg, unsigned line, const char *sentence)
{
    (void)arg;
    size_t used = strlen(notes);
    snprintf(notes + used, sizeof(notes) - used, "%u: %s\n", line, sentence);
}

static int partial(void *arg, struct text name, struct buffer *out, struct error *err)
{
    (void)arg;
    (void)err;
    if (text_is(name, "footer"))
        buffer_string(out, "Bye ##{{first_name}}\n##{{#url}}-> ##{{.}}##{{/url}}\n");
    else if (text_is(name, "loop"))
        buffer_string(out, "##{{> loop}}");
    else if (text_is(name, "half"))
        buffer_string(out, "##{{/url}}");
    else
        return 0;
    return 1;
}

/* render_or_fail: the rendering, or the error's sentence. */
static struct text render_or_fail(const char *source, enum template_escape escape,
                                  const char *name, const char *url, const char *credits)
{
    struct template_options options = {
        escape, variables, ARRAY_COUNT(variables), take_note, NULL, partial, NULL};
    struct template *template = NULL;
    static struct error err;
    notes[0] = '\0';
    if (template_compile_with(text_of(source), "t", &options, &template, &err))
        return text_of(err.text);
    struct text values[] = {text_of(name), text_of(url), text_of(credits)}, out;
    template_render(template, values, &arena, &out);
    template_destroy(&template);
    return out;
}

#define EXPECT(wanted, ...)                                                              \
    do {                                                                                 \
        struct text got = render_or_fail(__VA_ARGS__);                                   \
        cr_expect(text_is(got, wanted), "wanted <%s>, got <%.*s>", wanted,               \
                  TEXT_ARGS(got));                                                       \
    } while (0)

Test(template, values_and_defaults)
{
    EXPECT("Hi Ada!", "Hi ##{{first_name}}!", TEMPLATE_TEXT, "Ada", NULL, NULL);
    EXPECT("Hi friend!", "Hi ##{{ first_name }}!", TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("Hi !", "Hi ##{{first_name}}!", TEMPLATE_TEXT, "", NULL, NULL);
    EXPECT("", "##{{url}}##{{url}}", TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("", "", TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("a <b> & \"c\" 'd'", "##{{url}}", TEMPLATE_TEXT, NULL, "a <b> & \"c\" 'd'",
           NULL);
    EXPECT("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;", "##{{url}}", TEMPLATE_HTML,
           NULL, "a <b> & \"c\" 'd'", NULL);
    EXPECT("<b> <b> &lt;b&gt;", "##{{{url}}} ##{{&url}} ##{{url}}", TEMPLATE_HTML, NULL,
           "<b>", NULL);
    EXPECT("\xEF\xBF\xBD|\xC3\xA8", "##{{url}}|##{{credits}}", TEMPLATE_HTML, NULL,
           "\xC3", "\xC3\xA8");
    EXPECT("one\n two", "##{{! a note }}\none\n##{{! again }} two", TEMPLATE_TEXT, NULL,
           NULL, NULL);
}

Test(template, a_value_is_never_a_tag)
{
    EXPECT("##{{first_name}}", "##{{url}}", TEMPLATE_TEXT, "Ada", "##{{first_name}}",
           NULL);
    EXPECT("##{{first_name}}", "##{{url}}##{{credits}}", TEMPLATE_TEXT, "Ada",
           "##{{first_na", "me}}");
}

Test(template, sections)
{
    const char *source =
        "##{{#credits}}##{{.}} left##{{/credits}}##{{^credits}}none##{{/credits}}";
    EXPECT("3 left", source, TEMPLATE_TEXT, NULL, NULL, "3");
    EXPECT("none", source, TEMPLATE_TEXT, NULL, NULL, "0");
    EXPECT("none", source, TEMPLATE_TEXT, NULL, NULL, "false");
    EXPECT("none", source, TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("x friend y",
           "##{{#first_name}}x ##{{#first_name}}##{{.}}##{{/first_name}} y"
           "##{{/first_name}}",
           TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("a\nb\n", "a\n##{{#url}}\nlink\n##{{/url}}\nb\n", TEMPLATE_TEXT, NULL, NULL,
           NULL);
    EXPECT("a\nlink u\nb\n", "a\n##{{#url}}\nlink ##{{url}}\n##{{/url}}\nb\n",
           TEMPLATE_TEXT, NULL, "u", NULL);
}

Test(template, partials)
{
    EXPECT("Hi\n  Bye Ada\n  -> u\n", "Hi\n  ##{{> footer}}\n", TEMPLATE_TEXT, "Ada", "u",
           NULL);
    EXPECT("t:1: there is no partial \"foot\"", "##{{> foot}}", TEMPLATE_TEXT, NULL, NULL,
           NULL);
    EXPECT("t:2: half:1: there is no section \"url\" to end", "##{{#url}}\n##{{> half}}",
           TEMPLATE_TEXT, NULL, NULL, NULL);
    struct text got = render_or_fail("##{{> loop}}", TEMPLATE_TEXT, NULL, NULL, NULL);
    cr_expect(memmem(got.data, got.bytes, "more than 16 partials", 21), "%.*s",
              TEXT_ARGS(got));
}

Test(template, unlisted_variables_stay_and_are_noted)
{
    EXPECT("Hi ##{{ frist_name }} u", "Hi ##{{ frist_name }} ##{{url}}", TEMPLATE_TEXT,
           NULL, "u", NULL);
    cr_expect_str_eq(
        notes, "1: the variable \"frist_name\" is not on the list and stays as typed "
               "(did you mean \"first_name\"?)\n");
    EXPECT("\n##{{{nix}}}", "\n##{{{nix}}}", TEMPLATE_HTML, NULL, NULL, NULL);
    cr_expect_str_eq(notes,
                     "2: the variable \"nix\" is not on the list and stays as typed\n");
    EXPECT("##{{}} {{url}} #{{url}}", "##{{}} {{url}} #{{url}}", TEMPLATE_TEXT, NULL, "u",
           NULL);
    EXPECT("##{{url u ##{{", "##{{url ##{{url}} ##{{", TEMPLATE_TEXT, NULL, "u", NULL);
    cr_expect_str_eq(notes, "1: a tag without end stays as typed: \"##{{url \"\n"
                            "1: a tag without end stays as typed: \"##{{\"\n");
}

Test(template, syntax_errors)
{
    EXPECT("t:2: the section \"url\" has no end", "\n##{{#url}}\n\n##{{url}}",
           TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("t:1: there is no section \"url\" to end", "##{{/url}}", TEMPLATE_TEXT, NULL,
           NULL, NULL);
    EXPECT("t:1: the section to end here is \"url\"", "##{{#url}}##{{/credits}}",
           TEMPLATE_TEXT, NULL, NULL, NULL);
    EXPECT("t:3: a section over \"urls\", which is no variable of the list (did you mean "
           "\"url\"?)",
           "\n\n##{{#urls}}##{{/urls}}", TEMPLATE_TEXT, NULL, NULL, NULL);
}

Test(template, uses_and_overflow)
{
    struct template *template;
    cr_assert_eq(template_compile(TEXT("a ##{{#url}}x##{{/url}}"), "t", TEMPLATE_TEXT,
                                  variables, ARRAY_COUNT(variables), NULL, NULL,
                                  &template, NULL),
                 0);
    cr_expect(template_uses(template, 1));
    cr_expect_not(template_uses(template, 0));
    struct arena small;
    struct text values[3] = {{NULL, 0}}, out;
    cr_assert_eq(arena_init(&small, 4096, NULL), 0);
    cr_assert(arena_alloc(&small, 4090));
    template_render(template, values, &small, &out);
    cr_expect(arena_overflowed(&small) && !out.data);
    arena_fini(&small);
    template_destroy(&template);
}

/* The bytewise definition of escaping, to hold the word-wise one against. */
static size_t escape_slowly(char *out, struct text value, bool html)
{
    size_t bytes = 0;
    for (const char *at = value.data, *end = at + value.bytes; at < end;) {
        const char *from = at;
        bool bad = utf8_next(&at, end) == UTF8_BAD;
        const char *entity = bad             ? "\xEF\xBF\xBD"
                             : !html         ? NULL
                             : *from == '&'  ? "&amp;"
                             : *from == '<'  ? "&lt;"
                             : *from == '>'  ? "&gt;"
                             : *from == '"'  ? "&quot;"
                             : *from == '\'' ? "&#39;"
                                             : NULL;
        size_t n = entity ? strlen(entity) : (size_t)(at - from);
        memcpy(out + bytes, entity ? entity : from, n);
        bytes += n;
    }
    return bytes;
}

Test(template, escaping_is_the_same_at_every_length)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz ABCDEFG&<>\"'\xC3\xA8\xFF";
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t bytes = (size_t)(rand() % 70);
        int letters = round % 2 ? 34 : (int)sizeof(alphabet) - 1;
        char *value = malloc(bytes + 1), *got = malloc(6 * bytes + 1), wanted[6 * 70];
        for (size_t i = 0; i < bytes; i++)
            value[i] = alphabet[rand() % letters];
        for (int html = 0; html < 2; html++) {
            struct text t = {value, bytes};
            size_t n = escape_slowly(wanted, t, html);
            char *end = html ? escape_html(got, t) : escape_text(got, t);
            cr_assert((size_t)(end - got) == n && memcmp(got, wanted, n) == 0);
        }
        free(value);
        free(got);
    }
}
