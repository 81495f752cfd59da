#include "outbox/providers/http_api_body.h"

#include <criterion/criterion.h>
#include <jansson.h>

static void fill(struct text values[HTTP_API_VALUES])
{
    for (size_t i = 0; i < HTTP_API_VALUES; i++)
        values[i] = TEXT_NONE;
    values[HTTP_API_TO] = TEXT("ann@example.org");
    values[HTTP_API_SUBJECT] = TEXT("\"Ciao\" \\ & 5=5\n\x01 \xC3\xA8 \xFF");
    values[HTTP_API_TEXT] = TEXT("a b");
    values[HTTP_API_TITLE] = TEXT("");
}

static const struct {
    const char *source;
    bool form;
    const char *written;
} cases[] = {
    {"{\"To\":\"##{{to}}\"}", false, "{\"To\":\"ann@example.org\"}"},
    {"{\"S\":\"<##{{subject}}>\"}", false,
     "{\"S\":\"<\\\"Ciao\\\" \\\\ & 5=5\\n\\u0001 \xC3\xA8 \\ufffd>\"}"},
    /* outside a string: one with its quotes, or null */
    {"[##{{ text }}, ##{{title}}, ##{{html}}]", false, "[\"a b\", \"\", null]"},
    {"[\"##{{text}}\", \"##{{title}}\", \"##{{html}}\"]", false, "[\"a b\", \"\", \"\"]"},
    /* an escaped quote does not end a string */
    {"[\"\\\"##{{text}}\", ##{{text}}]", false, "[\"\\\"a b\", \"a b\"]"},
    {"[\"\\\\\", ##{{text}}]", false, "[\"\\\\\", \"a b\"]"},
    {"{\"a\":1##{{#text}},\"t\":##{{text}}##{{/text}}##{{#html}},\"h\":1##{{/html}}}",
     false, "{\"a\":1,\"t\":\"a b\"}"},
    {"[1##{{#text}}##{{#html}},2##{{/html}},3##{{/text}}##{{#html}},4##{{#text}},5##{{/"
     "text}}##{{/html}}]",
     false, "[1,3]"},
    {"[\"a##{{#text}} <##{{text}}>##{{/text}}\"]", false, "[\"a <a b>\"]"},
    {"{}", false, "{}"},
    {"to=##{{to}}&s=##{{subject}}&none=##{{html}}", true,
     "to=ann%40example.org&s=%22Ciao%22+%5C+%26+5%3D5%0A%01+%C3%A8+%FF&none="},
    /* on several lines */
    {"  to=##{{to}} &\n  o:tag = x y\n&t=##{{text}} z\n", true,
     "to=ann%40example.org&o:tag+=+x+y&t=a+b+z"},
    {"a=1##{{#text}}\n&t=##{{text}}##{{/text}}##{{#html}}&h=1##{{/html}}", true,
     "a=1&t=a+b"},
};

Test(http_api_body, values_are_written_as_fits_their_place)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_api_body *body;
        struct error err = {0};
        struct text values[HTTP_API_VALUES];
        struct buffer out = {0};
        fill(values);
        cr_assert_eq(
            http_api_body_parse(text_of(cases[i].source), cases[i].form, &body, &err), 0,
            "case %zu: %s", i, err.text);
        http_api_body_write(body, values, &out);
        cr_expect(text_is(buffer_view(&out), cases[i].written), "case %zu: %.*s", i,
                  TEXT_ARGS(buffer_view(&out)));
        buffer_fini(&out);
        http_api_body_destroy(&body);
        cr_expect_null(body);
    }
}

static const struct {
    const char *source;
    bool form;
    const char *complaint;
} wrong[] = {
    {"{\n\"To\": \"##{{too}}\"}", false,
     "line 2 of it: there is no value \"too\" (did you mean \"to\"?)"},
    {"s=##{{subjet}}", true,
     "line 1 of it: there is no value \"subjet\" (did you mean \"subject\"?)"},
    {"{\"a\": \"##{{to\"}", false, "line 1 of it: ##{{ without }}"},
    {"[##{{#to}}1]", false, "line 1 of it: the section ##{{#to}} is not closed"},
    {"[1\n##{{/to}}]", false, "line 2 of it: ##{{/to}} closes what was not opened"},
    {"[##{{#to}}##{{#text}}##{{/to}}##{{/text}}]", false,
     "line 1 of it: ##{{/to}} stands where ##{{/text}} must"},
    {"[##{{#to}}\"##{{/to}}x\"]", false,
     "line 1 of it: the section ##{{#to}} has one quote without its other"},
    {"{\"a\": \"##{{to}}}", false, "is no JSON when every value is there: line 1: "},
    {"{\"a\": 1,##{{#to}} \"b\": 2 ##{{/to}}}", false,
     "is no JSON when values are missing: line 1: "},
    {"", false, "is no JSON when every value is there: line "},
};

Test(http_api_body, mistakes_are_named_before_anything_is_sent)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct http_api_body *body = NULL;
        struct error err = {0};
        cr_expect_eq(
            http_api_body_parse(text_of(wrong[i].source), wrong[i].form, &body, &err),
            -ERROR_CONFIG, "case %zu", i);
        cr_expect_null(body);
        cr_expect_eq(strncmp(err.text, wrong[i].complaint, strlen(wrong[i].complaint)), 0,
                     "case %zu: %s", i, err.text);
    }
}

/* Whatever the values hold, the JSON comes out as JSON and gives them back. */
Test(http_api_body, json_gives_back_what_was_written)
{
    struct http_api_body *body;
    struct error err = {0};
    cr_assert_eq(
        http_api_body_parse(TEXT("[\"##{{text}}\", ##{{text}}]"), false, &body, &err), 0);
    uint32_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        char bytes[64];
        size_t count = (size_t)round % 60;
        for (size_t i = 0; i < count; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(1 + (seed >> 24) %
                                      127); /* ASCII; NUL is not taken by json_loadb */
        }
        struct text values[HTTP_API_VALUES];
        struct buffer out = {0};
        fill(values);
        values[HTTP_API_TEXT] = (struct text){bytes, count};
        http_api_body_write(body, values, &out);
        json_t *root = json_loadb(out.data, out.bytes, 0, NULL);
        cr_assert(root, "%.*s", TEXT_ARGS(buffer_view(&out)));
        for (size_t i = 0; i < 2; i++) {
            const json_t *one = json_array_get(root, i);
            struct text got = {json_string_value(one), json_string_length(one)};
            cr_assert(text_equal(got, values[HTTP_API_TEXT]));
        }
        json_decref(root);
        buffer_fini(&out);
    }
    http_api_body_destroy(&body);
}
