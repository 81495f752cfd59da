/* A request ends where it ends: with more bytes behind it, or with fewer, nothing
 * changes; and a connection answers the same however its bytes are cut. The first byte
 * says how. */
#include "outbox/sandbox/http_server.h"

#include <stdlib.h>

static bool note(void *arg, const struct http_request *request, struct buffer *out)
{
    (void)arg;
    buffer_text(out, request->method);
    buffer_text(out, request->path);
    buffer_text(out, request->query);
    buffer_text(out, request->authorization);
    buffer_text(out, request->idempotency_key);
    buffer_text(out, request->body);
    return true;
}

static void talk(const char *data, size_t size, size_t step, struct buffer *out)
{
    struct http_server server;
    http_server_init(&server, note, NULL);
    bool stays = true;
    for (size_t at = 0; stays && at < size; at += step)
        stays = http_server_feed(&server, data + at, size - at < step ? size - at : step,
                                 out);
    http_server_fini(&server);
}

/* 100 Continue depends on when the bytes come, so it is left out of the comparison. */
static void remove_continue(struct buffer *out)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *at;
    while (out->bytes && (at = memmem(out->data, out->bytes, text, sizeof(text) - 1))) {
        size_t behind = out->bytes - (size_t)(at - out->data) - (sizeof(text) - 1);
        memmove(at, at + sizeof(text) - 1, behind);
        out->bytes -= sizeof(text) - 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t bytes = size - 1;
    char *copy = malloc(bytes + 1);
    memcpy(copy, data + 1, bytes);
    struct buffer chunks = {0}, whole = {0}, pieces = {0};
    struct http_request request;
    int64_t used = http_request_parse((struct text){copy, bytes}, &chunks, &request);
    CHECK(used <= (int64_t)bytes);
    if (used > 0) {
        size_t cut = data[0] % (size_t)used;
        CHECK(http_request_parse((struct text){copy, (size_t)used}, &chunks, &request) ==
              used);
        CHECK(http_request_parse((struct text){copy, cut}, &chunks, &request) == 0);
    }
    talk(copy, bytes, bytes + 1, &whole);
    talk(copy, bytes, 1 + data[0] % 16, &pieces);
    remove_continue(&whole);
    remove_continue(&pieces);
    CHECK(text_equal(buffer_view(&whole), buffer_view(&pieces)));
    free(copy);
    buffer_fini(&chunks);
    buffer_fini(&whole);
    buffer_fini(&pieces);
    return 0;
}
