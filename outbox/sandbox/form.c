/* form: see form.h. */
#include "outbox/sandbox/form.h"

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

void form_begin(struct buffer *decoded, struct text form)
{
    buffer_clear(decoded);
    buffer_room(decoded, form.bytes);
}

/* Decoding never makes a text longer, so the room of form_begin is enough. */
static struct text decode(struct text t, struct buffer *decoded)
{
    CHECK(decoded->bytes + t.bytes < decoded->capacity_bytes);
    char *start = decoded->data + decoded->bytes, *out = start;
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < t.bytes && hex(t.data[i + 1]) >= 0 &&
                   hex(t.data[i + 2]) >= 0) {
            c = (char)(hex(t.data[i + 1]) * 16 + hex(t.data[i + 2]));
            i += 2;
        }
        *out++ = c;
    }
    decoded->bytes += (size_t)(out - start);
    return (struct text){start, (size_t)(out - start)};
}

bool form_next(struct text *rest, struct buffer *decoded, struct text *name_out,
               struct text *value_out)
{
    while (rest->bytes > 0 && rest->data[0] == '&') {
        rest->data++;
        rest->bytes--;
    }
    if (rest->bytes == 0)
        return false;
    const char *end = memchr(rest->data, '&', rest->bytes);
    struct text pair = {rest->data, end ? (size_t)(end - rest->data) : rest->bytes};
    rest->data += pair.bytes;
    rest->bytes -= pair.bytes;
    const char *equals = memchr(pair.data, '=', pair.bytes);
    size_t name_bytes = equals ? (size_t)(equals - pair.data) : pair.bytes;
    *name_out = decode((struct text){pair.data, name_bytes}, decoded);
    *value_out =
        equals ? decode((struct text){equals + 1, pair.bytes - name_bytes - 1}, decoded)
               : TEXT("");
    return true;
}
