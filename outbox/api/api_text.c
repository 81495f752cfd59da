/* api_text: values as they stand in the bodies of requests. */
#include "outbox/api/api.h"

/* What stands for itself in a form (WHATWG URL, application/x-www-form-urlencoded). */
static const bool form_plain[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true,
    ['.'] = true,         ['_'] = true,         ['*'] = true,
};

void api_form_value(struct buffer *out, struct text value)
{
    static const char hex[] = "0123456789ABCDEF";
    char *start = buffer_room(out, value.bytes * 3);
    char *at = start;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (form_plain[c]) {
            *at++ = (char)c;
        } else if (c == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    out->bytes += (size_t)(at - start);
}

void api_form(struct buffer *out, const char *name, struct text value)
{
    if (out->bytes > 0)
        buffer_byte(out, '&');
    buffer_string(out, name);
    buffer_byte(out, '=');
    api_form_value(out, value);
}

/* The bytes that stand in a JSON string as they are: everything but quotes, backslashes, control
 * characters (RFC 8259, 7) and ill-formed UTF-8. */
static const char *json_plain_end(const char *at, const char *end)
{
    while (at < end) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\' || c < 0x20)
            break;
        const char *next = at + 1;
        if (c >= 0x80) {
            next = at;
            if (utf8_next(&next, end) == UTF8_BAD)
                break;
        }
        at = next;
    }
    return at;
}

void api_json_value(struct buffer *out, struct text value)
{
    const char *at = value.data ? value.data : "";
    const char *end = at + value.bytes;
    while (at < end) {
        const char *plain_end = json_plain_end(at, end);
        buffer_add(out, at, (size_t)(plain_end - at));
        at = plain_end;
        if (at == end)
            break;
        unsigned char c = (unsigned char)*at++;
        if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else if (c == '\n')
            buffer_string(out, "\\n");
        else if (c < 0x20)
            buffer_format(out, "\\u%04x", c);
        else
            buffer_string(out, "\\ufffd");
    }
}

void api_json(struct buffer *out, struct text value)
{
    buffer_byte(out, '"');
    api_json_value(out, value);
    buffer_byte(out, '"');
}
