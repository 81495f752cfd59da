/* Any bytes in every field of a mail, divided by NUL bytes: lines and headers keep their
 * shape. */
#include "render/mail/mime.h"

#include <stdlib.h>

/* check_lines: CRLF only, no dot in front, columns kept; returns the lines before the
 * first empty one that begin a field. */
static size_t check_lines(struct text t, size_t columns_max)
{
    size_t fields = 0;
    bool header = true;
    for (size_t from = 0; from < t.bytes;) {
        const char *cr = memchr(t.data + from, '\r', t.bytes - from);
        CHECK(cr && cr + 1 < t.data + t.bytes && cr[1] == '\n');
        size_t to = (size_t)(cr - t.data);
        CHECK(!memchr(t.data + from, '\n', to - from) && t.data[from] != '.');
        CHECK(to - from <= (header ? columns_max : 76));
        header &= to > from;
        fields += header && t.data[from] != ' ';
        from = to + 2;
    }
    return fields;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct arena arena;
    if (!arena.base && arena_init(&arena, 256 << 20, NULL))
        abort();
    arena_reset(&arena);
    struct text parts[9] = {{0}};
    const char *at = (const char *)data, *end = at + bytes;
    size_t longest = 78;
    for (int i = 0; i < 9 && at < end; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        parts[i] = (struct text){at, (size_t)((nul && i < 8 ? nul : end) - at)};
        at += parts[i].bytes + 1;
        /* an address, an id or an URI is one word, three columns a byte at most */
        if (i >= 3 && i <= 6 && 3 * parts[i].bytes + 3 > longest)
            longest = 3 * parts[i].bytes + 3;
    }
    struct mime_mail mail = {.from_name = parts[0],
                             .to_name = parts[1],
                             .subject = parts[2],
                             .from = parts[3],
                             .to = parts[4],
                             .message_id = parts[5],
                             .unsubscribe = parts[6],
                             .text = parts[7],
                             .html = parts[8],
                             .date_ns = (int64_t)bytes * 1000000000000};
    struct text out;
    bool ascii = mime_compose(&mail, &arena, &out);
    if (!out.data)
        return 0;
    for (size_t i = 0; ascii && i < out.bytes; i++)
        CHECK((unsigned char)out.data[i] < 0x80);
    size_t fields = check_lines(out, longest);
    size_t wanted = 7 + (mail.unsubscribe.data ? 2u : 0u);
    CHECK(fields == wanted ||
          fields == wanted + 1); /* one part has its encoding in the header */
    mime_address_ok(mail.to);
    return 0;
}
