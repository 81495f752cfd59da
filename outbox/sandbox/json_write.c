/* json_write: see json_write.h. */
#include "outbox/sandbox/json_write.h"

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void write_escape(struct buffer *out, unsigned char c)
{
    static const char names[] = "btn?fr"; /* 8 … 13; 11 has none */
    static const char digits[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (c == '"' || c == '\\')
        escape[1] = (char)c;
    else if (c >= 8 && c <= 13 && c != 11)
        escape[1] = names[c - 8];
    buffer_add(out, escape, escape[1] == 'u' ? 6 : 2);
}

void json_write_string(struct buffer *out, struct text t)
{
    const char *at = t.data, *end = t.data + t.bytes;
    buffer_byte(out, '"');
    while (at < end) {
        const char *run = at;
        while (at < end && is_plain((unsigned char)*at))
            at++;
        buffer_add(out, run, (size_t)(at - run));
        if (at == end)
            break;
        if ((unsigned char)*at < 0x80) {
            write_escape(out, (unsigned char)*at++);
            continue;
        }
        run = at;
        if (utf8_next(&at, end) == UTF8_BAD)
            buffer_add(out, "\\ufffd", 6);
        else
            buffer_add(out, run, (size_t)(at - run));
    }
    buffer_byte(out, '"');
}

void json_write_name(struct buffer *out, const char *name)
{
    if (out->bytes > 0 && out->data[out->bytes - 1] != '{')
        buffer_byte(out, ',');
    buffer_byte(out, '"');
    buffer_string(out, name);
    buffer_add(out, "\":", 2);
}

void json_write_member(struct buffer *out, const char *name, struct text value)
{
    json_write_name(out, name);
    json_write_string(out, value);
}
