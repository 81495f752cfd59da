/* Any text as a template and its partial, rendered with any values. What is rendered with
 * harmless values must not depend on escaping. */
#include "render/template/template.h"

#include <stdlib.h>

static struct text partial_source;

static int partial(void *arg, struct text name, struct buffer *out, struct error *err)
{
    (void)arg;
    (void)name;
    (void)err;
    buffer_text(out, partial_source);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct arena arena;
    if (!arena.base && arena_init(&arena, 64 << 20, NULL))
        abort();
    arena_reset(&arena);
    /* template, partial and value, divided by NUL bytes */
    struct text parts[3] = {{"", 0}, {"", 0}, {"", 0}};
    const char *at = (const char *)data, *end = at + bytes;
    for (int i = 0; i < 3 && at < end; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        parts[i] = (struct text){at, (size_t)((nul && i < 2 ? nul : end) - at)};
        at += parts[i].bytes + 1;
    }
    partial_source = parts[1];
    const struct template_variable variables[] = {
        {.name = {"a", 1}, .fallback = parts[2]}, {.name = {"b", 1}}};
    for (int escape = TEMPLATE_TEXT; escape <= TEMPLATE_HTML; escape++) {
        struct template_options options = {.escape = (enum template_escape)escape,
                                           .variables = variables,
                                           .variable_count = 2,
                                           .partial_fn = partial};
        struct template *template;
        struct error err;
        if (template_compile_with(parts[0], "t", &options, &template, &err))
            return 0;
        struct text values[2] = {{NULL, 0}, parts[2]}, out;
        template_render(template, values, &arena, &out);
        CHECK(out.data || arena_overflowed(&arena));
        CHECK(!utf8_valid(parts[0]) || !utf8_valid(parts[1]) || !out.data ||
              utf8_valid(out));
        template_destroy(&template);
    }
    return 0;
}
