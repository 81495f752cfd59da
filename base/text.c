/* text: see text.h. */
#include "base/text.h"

#include "base/check.h"

#include <stdlib.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

struct text text_trim(struct text t)
{
    while (t.bytes > 0 && is_space(t.data[0])) {
        t.data++;
        t.bytes--;
    }
    while (t.bytes > 0 && is_space(t.data[t.bytes - 1]))
        t.bytes--;
    return t;
}

char *text_copy(struct text t)
{
    char *copy = malloc(t.bytes + 1);
    CHECK(copy != NULL);
    if (t.bytes > 0)
        memcpy(copy, t.data, t.bytes);
    copy[t.bytes] = '\0';
    return copy;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_equal_nocase(struct text a, struct text b)
{
    if (a.bytes != b.bytes)
        return false;
    for (size_t i = 0; i < a.bytes; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

uint32_t utf8_next(const char **at, const char *end)
{
    const unsigned char *p = (const unsigned char *)*at;
    size_t left = (size_t)(end - *at);
    uint32_t c = p[0];
    size_t length = c < 0x80                ? 1
                    : c >= 0xC2 && c < 0xE0 ? 2
                    : c >= 0xE0 && c < 0xF0 ? 3
                    : c >= 0xF0 && c < 0xF5 ? 4
                                            : 0;
    if (length == 1) {
        *at += 1;
        return c;
    }
    if (length == 0 || length > left)
        goto bad;
    c &= 0x7Fu >> length;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80)
            goto bad;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        goto bad;
    *at += length;
    return c;
bad:
    *at += 1;
    return UTF8_BAD;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    CHECK(c < 0x110000);
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* behind_ascii: behind the blocks of 32 bytes that are all ASCII. */
static const char *behind_ascii(const char *at, const char *end)
{
    for (; end - at >= 32; at += 32) {
        uint64_t words[4];
        memcpy(words, at, sizeof(words));
        if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u)
            break;
    }
    return at;
}

bool utf8_valid(struct text t)
{
    const char *at = t.data;
    const char *end = t.data + t.bytes;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8) { /* eight ASCII bytes at once: most text is ASCII */
            memcpy(&word, at, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                at = behind_ascii(at + 8, end);
                continue;
            }
        } else if (t.bytes >= 8) { /* some of these are seen twice */
            memcpy(&word, end - 8, sizeof(word));
            if ((word & 0x8080808080808080u) == 0)
                return true;
        }
        if (utf8_next(&at, end) == UTF8_BAD)
            return false;
    }
    return true;
}
