/* Replies must come out the same however the bytes are cut, and within their limits. */
#include "base/hash.h"
#include "outbox/http/http1_reply.h"

#include <stdlib.h>

#define BODY_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t digest_text(struct text t, uint64_t sum)
{
    return hash64_seeded(t.data ? t.data : "", t.bytes, sum);
}

static uint64_t digest_reply(const struct http1_reply *r)
{
    CHECK(r->status >= 100 && r->status <= 999 && r->body.data);
    CHECK(r->body.bytes <= BODY_MAX && !(r->truncated && r->keeps));
    uint64_t sum = digest_text(r->body, r->status * 4 + r->truncated * 2 + r->keeps);
    sum = digest_text(http1_reply_field(r, "Retry-After"), sum);
    return digest_text(http1_reply_field(r, "x"), sum);
}

/* Each piece is in memory of its own, so that reading too far, or behind its time, is seen. */
static uint64_t digest(const uint8_t *data, size_t bytes, size_t piece)
{
    static struct http1_reply r;
    size_t at = 0;
    int got = 0;
    char *copy = NULL;
    http1_reply_begin(&r, BODY_MAX);
    while (got == 0 && at < bytes) {
        size_t size = bytes - at < piece ? bytes - at : piece;
        free(copy);
        copy = malloc(size);
        memcpy(copy, data + at, size);
        const char *from = copy;
        got = http1_reply_feed(&r, &from, copy + size);
        CHECK(got != 0 || from == copy + size);
        at += (size_t)(from - copy);
    }
    if (got == 0)
        http1_reply_cut(&r, true);
    uint64_t sum = got < 0         ? 1
                   : r.status == 0 ? 2
                                   : digest_reply(&r) + (r.truncated ? 0 : at);
    free(copy);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    uint64_t whole = digest(data, bytes, bytes);
    CHECK(whole == digest(data, bytes, 1));
    CHECK(whole == digest(data, bytes, 7));
    return 0;
}
