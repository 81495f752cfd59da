/* escape: see escape.h.
 *
 * Nearly every value is a short run of harmless ASCII. So a value is copied sixteen bytes
 * at a time while its bytes are tested in the same registers, and only a value that holds
 * something special is written once more, byte by byte. Loads never leave the value: a
 * rest shorter than sixteen bytes is read as two overlapping words. */
#include "render/template/escape.h"

typedef uint8_t lanes __attribute__((vector_size(16)));

static inline uint64_t load64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

static inline uint64_t load32(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

static inline bool any(lanes v)
{
    uint64_t words[2];
    memcpy(words, &v, sizeof(words));
    return (words[0] | words[1]) != 0;
}

static inline lanes special(lanes v, bool html)
{
    lanes found = v & 0x80;
    if (html)
        found |= (lanes)(v == '&') | (lanes)(v == '<') | (lanes)(v == '>') |
                 (lanes)(v == '"') | (lanes)(v == '\'');
    return found;
}

/* copy_short: 1 … 16 bytes; returns them as lanes (some of them twice, zeros elsewhere).
 */
static inline lanes copy_short(char *out, const char *p, size_t bytes)
{
    uint64_t words[2];
    if (bytes >= 8) {
        words[0] = load64(p);
        words[1] = load64(p + bytes - 8);
        memcpy(out, &words[0], 8);
        memcpy(out + bytes - 8, &words[1], 8);
    } else if (bytes >= 4) {
        words[0] = load32(p);
        words[1] = load32(p + bytes - 4);
        memcpy(out, &words[0], 4);
        memcpy(out + bytes - 4, &words[1], 4);
    } else {
        out[0] = p[0];
        out[bytes / 2] = p[bytes / 2];
        out[bytes - 1] = p[bytes - 1];
        words[0] = (uint8_t)p[0];
        words[1] = (uint64_t)(uint8_t)p[bytes / 2] | (uint64_t)(uint8_t)p[bytes - 1] << 8;
    }
    lanes v;
    memcpy(&v, words, sizeof(v));
    return v;
}

/* copy_plain: copy value and say whether it was plain; if not, what stands in out is
 * worthless. */
static inline bool copy_plain(char *out, struct text value, bool html)
{
    if (value.bytes == 0)
        return true;
    if (value.bytes <= 16)
        return !any(special(copy_short(out, value.data, value.bytes), html));
    lanes found = {0}, v;
    size_t i = 0;
    for (; i + 16 <= value.bytes; i += 16) {
        memcpy(&v, value.data + i, 16);
        memcpy(out + i, &v, 16);
        found |= special(v, html);
    }
    memcpy(&v, value.data + value.bytes - 16, 16);
    memcpy(out + value.bytes - 16, &v, 16);
    return !any(found | special(v, html));
}

static struct text entity(char c)
{
    switch (c) {
    case '&':
        return TEXT("&amp;");
    case '<':
        return TEXT("&lt;");
    case '>':
        return TEXT("&gt;");
    case '"':
        return TEXT("&quot;");
    case '\'':
        return TEXT("&#39;");
    default:
        return TEXT_NONE;
    }
}

static char *copy_special(char *out, struct text value, bool html)
{
    const char *at = value.data, *end = value.data + value.bytes;
    while (at < end) {
        const char *from = at;
        struct text copied;
        if (utf8_next(&at, end) == UTF8_BAD)
            copied = TEXT("\xEF\xBF\xBD");
        else if (!html || !(copied = entity(*from)).data)
            copied = (struct text){from, (size_t)(at - from)};
        memcpy(out, copied.data, copied.bytes);
        out += copied.bytes;
    }
    return out;
}

char *escape_text(char *out, struct text value)
{
    return copy_plain(out, value, false) ? out + value.bytes
                                         : copy_special(out, value, false);
}

char *escape_html(char *out, struct text value)
{
    return copy_plain(out, value, true) ? out + value.bytes
                                        : copy_special(out, value, true);
}
