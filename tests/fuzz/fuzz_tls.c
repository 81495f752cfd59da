/* A TLS client fed with anything, in pieces of any size: it must end in a state with a sentence, and
 * what it says and reads must not depend on the pieces. */
#include "outbox/wire/tls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *context;

static enum tls_state feed(const uint8_t *data, size_t size, size_t piece)
{
    struct tls *tls = tls_create(context);
    struct buffer plain = {0}, cipher = {0};
    enum tls_state state = tls_feed(tls, TEXT_NONE, &plain, &cipher);
    CHECK(state == TLS_HANDSHAKE && cipher.bytes > 0);
    for (size_t at = 0; at < size && state == TLS_HANDSHAKE; at += piece) {
        size_t bytes = size - at < piece ? size - at : piece;
        char *copy = malloc(bytes); /* of its own, so that reading too far is seen */
        memcpy(copy, data + at, bytes);
        state = tls_feed(tls, (struct text){copy, bytes}, &plain, &cipher);
        free(copy);
    }
    CHECK(state == TLS_HANDSHAKE || state == TLS_FAILED); /* nobody guesses the keys */
    CHECK(plain.bytes == 0);
    CHECK((tls_why(tls)[0] != '\0') == (state == TLS_FAILED));
    tls_close(tls, &cipher);
    buffer_fini(&plain);
    buffer_fini(&cipher);
    tls_destroy(&tls);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_settings settings = {
        .host = "mx.example", .ca_file = "/dev/null", .unverified = true};
    struct error err;
    if (!context && tls_context_create(&settings, &context, &err) != 0)
        abort();
    if (size < 1)
        return 0;
    feed(data + 1, size - 1, size);
    feed(data + 1, size - 1, 1 + data[0] % 32);
    return 0;
}
