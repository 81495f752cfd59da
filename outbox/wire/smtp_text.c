/* smtp_text: see smtp_text.h. */
#include "outbox/wire/smtp_text.h"

#include <stdio.h>

/* What an unquoted addr-spec cannot have: all but printable ASCII without its specials, and
 * UTF-8 (RFC 6531). A table, as every mail has two addresses. */
static const bool address_byte_bad[256] = {
    [0 ... ' '] = true, ['<'] = true, ['>'] = true, ['('] = true,  [')'] = true,
    ['['] = true,       [']'] = true, [':'] = true, [';'] = true,  [','] = true,
    ['\\'] = true,      ['"'] = true, ['@'] = true, [0x7F] = true,
};

bool smtp_address_ok(struct text address)
{
    const char *at = address.bytes ? memchr(address.data, '@', address.bytes) : NULL;
    if (!at)
        return false;
    size_t local_bytes = (size_t)(at - address.data);
    size_t domain_bytes = address.bytes - local_bytes - 1;
    if (local_bytes < 1 || local_bytes > 64 || domain_bytes < 1 || domain_bytes > 255)
        return false;
    for (size_t i = 0; i < address.bytes; i++) {
        if (i != local_bytes && address_byte_bad[(unsigned char)address.data[i]])
            return false;
    }
    return utf8_valid(address);
}

bool smtp_verp(struct text to, struct text domain, char out[SMTP_VERP_BYTES])
{
    const char *at = to.bytes ? memchr(to.data, '@', to.bytes) : NULL;
    if (!at)
        return false;
    size_t local = (size_t)(at - to.data);
    int bytes = snprintf(out, SMTP_VERP_BYTES, "bounce+%.*s=%.*s@%.*s", (int)local,
                         to.data, (int)(to.bytes - local - 1), at + 1, TEXT_ARGS(domain));
    return bytes < SMTP_VERP_BYTES && smtp_address_ok((struct text){out, (size_t)bytes});
}

bool smtp_text_eight_bit(struct text t)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; i + 8 <= t.bytes; i += 8) {
        uint64_t word;
        memcpy(&word, t.data + i, 8);
        all |= word;
    }
    for (; i < t.bytes; i++)
        all |= (uint64_t)(unsigned char)t.data[i];
    return all & 0x8080808080808080ull;
}

/* RFC 5321 4.5.2. A dot behind a bare LF is doubled as well: some servers take LF for a
 * line end, and then a lone dot would end the message and let its rest speak as commands.
 */
void smtp_text_stuff(struct buffer *out, struct text body)
{
    const char *start = body.data;
    const char *end = body.data + body.bytes;
    for (const char *line = start; line < end;) {
        if (*line == '.') {
            buffer_add(out, start, (size_t)(line - start));
            buffer_byte(out, '.');
            start = line;
        }
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline ? newline + 1 : end;
    }
    buffer_add(out, start, (size_t)(end - start));
    bool ends = body.bytes == 0 || (body.bytes >= 2 && memcmp(end - 2, "\r\n", 2) == 0);
    buffer_string(out, ends ? ".\r\n" : "\r\n.\r\n");
}
