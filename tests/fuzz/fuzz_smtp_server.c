/* An SMTP session must say and take the same, however its bytes are cut. The first byte
 * is the seed of the cuts. */
#include "outbox/sandbox/smtp_server.h"

#include <stdlib.h>

static enum fault take(void *arg, const struct smtp_message *message)
{
    struct buffer *taken = arg;
    const char *to = message->recipients;
    buffer_text(taken, message->from);
    for (size_t i = 0; i < message->recipient_count; i++) {
        buffer_string(taken, to);
        buffer_byte(taken, ',');
        to += strlen(to) + 1;
    }
    buffer_text(taken, message->raw);
    CHECK(message->recipient_count > 0);
    return FAULT_NONE;
}

static bool talk(const uint8_t *data, size_t size, uint32_t seed, struct buffer *taken,
                 struct buffer *out)
{
    struct smtp_server server;
    smtp_server_init(&server, false, false, take, taken);
    bool stays = true;
    for (size_t at = 0; stays && at < size;) {
        seed = seed * 1103515245u + 12345u;
        size_t bytes = 1 + (seed >> 16) % 13;
        if (bytes > size - at)
            bytes = size - at;
        char *piece = malloc(bytes); /* of its own, so that reading too far is seen */
        memcpy(piece, data + at, bytes);
        stays = smtp_server_feed(&server, piece, bytes, out);
        free(piece);
        at += bytes;
    }
    smtp_server_fini(&server);
    return stays;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct buffer whole = {0}, pieces = {0};
    struct buffer whole_out = {0}, pieces_out = {0};
    struct smtp_server server;
    smtp_server_init(&server, false, false, take, &whole);
    bool stays = smtp_server_feed(&server, (const char *)data + 1, size - 1, &whole_out);
    smtp_server_fini(&server);
    CHECK(talk(data + 1, size - 1, data[0], &pieces, &pieces_out) == stays);
    CHECK(text_equal(buffer_view(&whole_out), buffer_view(&pieces_out)));
    CHECK(text_equal(buffer_view(&whole), buffer_view(&pieces)));
    buffer_fini(&whole);
    buffer_fini(&pieces);
    buffer_fini(&whole_out);
    buffer_fini(&pieces_out);
    return 0;
}
