/* The parts of type http: any template is refused with words or writes something, as JSON when it says
 * so; any path, rule and reply has a meaning. Input: template, status, field, is, reply, each behind a
 * NUL. */
#include "outbox/providers/http_api_body.h"
#include "outbox/providers/http_api_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define PARTS 5

static void try_body(struct text source, bool form)
{
    static const char *const samples[] = {"", "plain", "\"\\\n\x01", "\xC3\xA8\xFF%&=+"};
    struct http_api_body *body = NULL;
    struct error err = {0};
    if (http_api_body_parse(source, form, &body, &err)) {
        CHECK(err.kind == ERROR_CONFIG && err.text[0] && !body);
        return;
    }
    struct text values[HTTP_API_VALUES];
    struct buffer out = {0};
    for (size_t i = 0; i < HTTP_API_VALUES; i++)
        values[i] = i % 5 == 4 ? TEXT_NONE : text_of(samples[i % 5]);
    http_api_body_write(body, values, &out);
    if (form && out.bytes > 0)
        CHECK(!memchr(out.data, ' ', out.bytes) && !memchr(out.data, '\n', out.bytes));
    buffer_fini(&out);
    http_api_body_destroy(&body);
}

static void try_reply(const char *const part[PARTS], size_t reply_bytes)
{
    struct provider_reply reply = {
        .status = part[1], .field = part[2], .is = part[3], .means = PROVIDER_MEANS_DEAD};
    struct http_api_rules *rules = NULL;
    struct error err = {0};
    json_t *root = json_loadb(part[4], reply_bytes, JSON_DECODE_ANY, NULL);
    http_api_find(root, part[2]);
    if (http_api_rules_parse(&reply, 1, &rules, &err) == 0) {
        for (unsigned status = 100; status < 600; status += 101) {
            int means = http_api_rules_match(rules, status, root);
            CHECK(means == -1 || means == PROVIDER_MEANS_DEAD);
        }
    } else {
        CHECK(err.kind == ERROR_CONFIG && err.text[0]);
    }
    http_api_rules_destroy(&rules);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct buffer copy = {0};
    const char *part[PARTS];
    buffer_add(&copy, data, bytes); /* and a NUL behind it */
    const char *at = copy.data ? copy.data : "", *end = at + copy.bytes;
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = at < end ? at : "";
        if (i + 1 < PARTS && at < end)
            at += strnlen(at, (size_t)(end - at)) + 1;
    }
    try_body(text_of(part[0]), false);
    try_body(text_of(part[0]), true);
    try_reply(part, at < end ? (size_t)(end - at) : 0);
    buffer_fini(&copy);
    return 0;
}
