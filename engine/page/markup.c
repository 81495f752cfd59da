/* markup: see markup.h. */
#include "engine/page/markup.h"

/* Controls that turn the direction of text around would let a provider's words rearrange
 * what stands beside them (Unicode Technical Report 36, 2.10). */
static bool allowed(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    if ((c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
        (c >= 0x2066 && c <= 0x2069))
        return false;
    return c < 0xD800 || (c >= 0xE000 && c < 0xFFFE) || (c >= 0x10000 && c < 0x110000);
}

static const char *reference(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put(struct buffer *out, struct text t, bool escape)
{
    const char *at = t.data, *end = t.data ? t.data + t.bytes : NULL;
    while (at < end) {
        const char *start = at;
        uint32_t c = utf8_next(&at, end);
        const char *name = escape ? reference(c) : NULL;
        if (name)
            buffer_string(out, name);
        else if (c == UTF8_BAD || !allowed(c))
            buffer_string(out, "\xEF\xBF\xBD");
        else
            buffer_add(out, start, (size_t)(at - start));
    }
}

/* Nearly everything is: worth a look at all bytes at once. */
static bool is_plain(struct text t)
{
    bool plain = true;
    for (size_t i = 0; i < t.bytes; i++)
        plain &= (unsigned char)(t.data[i] - 0x20) < 0x7F - 0x20;
    return plain;
}

void markup_clean(struct buffer *out, struct text t)
{
    if (is_plain(t))
        buffer_text(out, t);
    else
        put(out, t, false);
}

void markup_text(struct buffer *out, struct text t)
{
    put(out, t, true);
}
