/* Replies must come out the same however the bytes are cut, and within their limits. */
#include "base/check.h"
#include "base/hash.h"
#include "outbox/wire/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t digest(const char *data, size_t bytes, size_t piece)
{
    struct smtp_reply_parser parser = {0};
    uint64_t sum = 1;
    for (size_t at = 0; at < bytes; at += piece) {
        const char *from = data + at;
        const char *end = data + (bytes - at < piece ? bytes : at + piece);
        struct smtp_reply reply;
        int got;
        while ((got = smtp_reply_next(&parser, &from, end, &reply)) == 1) {
            CHECK(reply.code >= 200 && reply.code <= 599 && reply.words.data);
            CHECK(reply.words.bytes <= SMTP_REPLY_LINE_MAX);
            struct smtp_offer offer;
            smtp_offer_parse(reply.words, &offer);
            sum = hash64_seeded(reply.words.data, reply.words.bytes, sum + reply.code);
            sum += reply.status[1] * 1000u + reply.status[2];
        }
        if (got < 0)
            return sum ^ 1;
        CHECK(from == end);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    /* longer lines are only refused when they come in pieces */
    size_t line = 0;
    for (size_t i = 0; i < bytes; i++) {
        line = data[i] == '\n' ? 0 : line + 1;
        if (line > SMTP_REPLY_LINE_MAX - 2)
            return 0;
    }
    if (bytes == 0)
        return 0;
    uint64_t whole = digest((const char *)data, bytes, bytes);
    CHECK(whole == digest((const char *)data, bytes, 1));
    CHECK(whole == digest((const char *)data, bytes, 7));
    return 0;
}
