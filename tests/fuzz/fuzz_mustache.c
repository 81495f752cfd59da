/* Template, partial and JSON, divided by NUL bytes. */
#include "render/template/mustache.h"

static int partial(void *arg, struct text name, struct buffer *out, struct error *err)
{
    (void)err;
    if (!text_is(name, "p"))
        return 0;
    buffer_text(out, *(const struct text *)arg);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct text parts[3] = {{"", 0}, {"", 0}, {"", 0}};
    const char *at = (const char *)data, *end = at + bytes;
    for (int i = 0; i < 3 && at < end; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        parts[i] = (struct text){at, (size_t)((nul && i < 2 ? nul : end) - at)};
        at += parts[i].bytes + 1;
    }
    json_t *json =
        json_loadb(parts[2].data, parts[2].bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!json)
        json = json_pack("{s:s, s:[i, f, b], s:{s:s}}", "a", "<&", "l", 1, 2.5, 1, "o",
                         "x", "y");
    for (int flags = 0; flags < 4; flags++) {
        struct mustache_options options = {.open = TEXT("{{"),
                                           .close = TEXT("}}"),
                                           .missing_literal = flags & 1,
                                           .escape_html = flags & 2,
                                           .partial_fn = partial,
                                           .partial_arg = &parts[1]};
        struct buffer out = {0};
        struct error err;
        int rc = mustache_render(parts[0], "t", json, &options, &out, &err);
        CHECK(rc == 0 || rc == -ERROR_INPUT);
        buffer_fini(&out);
        if (rc)
            break;
    }
    json_decref(json);
    return 0;
}
