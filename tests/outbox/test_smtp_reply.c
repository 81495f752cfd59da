#include "base/check.h"
#include "outbox/wire/smtp_reply.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Every reply of the bytes as one line of text, fed in pieces of `piece` bytes. */
static void read_all(const char *bytes, size_t count, size_t piece, char *out,
                     size_t out_bytes)
{
    struct smtp_reply_parser parser = {0};
    size_t used = 0;
    out[0] = '\0';
    for (size_t at = 0; at < count; at += piece) {
        const char *from = bytes + at;
        const char *end = bytes + (at + piece < count ? at + piece : count);
        struct smtp_reply reply;
        int got;
        while ((got = smtp_reply_next(&parser, &from, end, &reply)) == 1) {
            used += (size_t)snprintf(out + used, out_bytes - used, "[%u %u.%u.%u %.*s]",
                                     reply.code, reply.status[0], reply.status[1],
                                     reply.status[2], TEXT_ARGS(reply.words));
            cr_assert_lt(used, out_bytes);
        }
        if (got < 0) {
            snprintf(out + used, out_bytes - used, "BAD");
            return;
        }
        cr_assert_eq(from, end, "0 means that everything was read");
    }
}

static const struct {
    const char *bytes;
    const char *replies;
} cases[] = {
    {"250 ok\r\n", "[250 0.0.0 ok]"},
    {"250 2.1.5 fine\r\n", "[250 2.1.5 2.1.5 fine]"},
    {"550 5.1.10 null mx\r\n", "[550 5.1.10 5.1.10 null mx]"},
    {"250\r\n", "[250 0.0.0 ]"},
    {"250 \r\n", "[250 0.0.0 ]"},
    {"250 ok\n", "[250 0.0.0 ok]"},
    {"250-a\r\n250-b\r\n250 c\r\n", "[250 0.0.0 a\nb\nc]"},
    {"550-5.7.1 a\r\n550 5.7.1 b\r\n", "[550 5.7.1 5.7.1 a\n5.7.1 b]"},
    {"250-\r\n250 c\r\n", "[250 0.0.0 \nc]"},
    {"250 a\r\n354 b\r\n", "[250 0.0.0 a][354 0.0.0 b]"},
    {"250 4.1.1 class does not match\r\n", "[250 0.0.0 4.1.1 class does not match]"},
    {"250 2.1.5000 no\r\n", "[250 0.0.0 2.1.5000 no]"},
    {"250 2.1\r\n", "[250 0.0.0 2.1]"},
    {"250 2.1.5\r\n", "[250 2.1.5 2.1.5]"},
    {"250 unfinished", ""},
    {"199 no\r\n", "BAD"},
    {"600 no\r\n", "BAD"},
    {"25 no\r\n", "BAD"},
    {"2500 no\r\n", "BAD"},
    {"\r\n", "BAD"},
    {"hello\r\n", "BAD"},
    {"250-a\r\n550 b\r\n", "BAD"},
    {"250 a\r\nx\r\n", "[250 0.0.0 a]BAD"},
};

Test(smtp_reply, reads_replies_however_they_are_cut)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t piece = 1; piece <= 40; piece++) {
            char got[512];
            read_all(cases[i].bytes, strlen(cases[i].bytes), piece, got, sizeof(got));
            cr_expect_str_eq(got, cases[i].replies, "%zu bytes at a time: %s", piece,
                             cases[i].bytes);
        }
    }
}

Test(smtp_reply, has_limits)
{
    static char many[128 * 8], lengthy[SMTP_REPLY_LINE_MAX * 2], got[4096];
    for (int lines = SMTP_REPLY_LINES_MAX - 1; lines <= SMTP_REPLY_LINES_MAX; lines++) {
        size_t bytes = 0;
        for (int i = 0; i < lines; i++)
            bytes += (size_t)sprintf(many + bytes, "250-x\r\n");
        bytes += (size_t)sprintf(many + bytes, "250 x\r\n");
        read_all(many, bytes, 7, got, sizeof(got));
        cr_expect_eq(strcmp(got, "BAD") == 0, lines == SMTP_REPLY_LINES_MAX);
    }
    memset(lengthy, '2', sizeof(lengthy));
    read_all(lengthy, sizeof(lengthy), 100, got, sizeof(got));
    cr_expect_str_eq(got, "BAD", "a line without end");
}

Test(smtp_reply, keeps_a_bounded_part_of_a_long_reply)
{
    struct smtp_reply_parser parser = {0};
    struct smtp_reply reply = {0};
    char line[128];
    for (int i = 0; i < 60; i++) {
        int bytes =
            snprintf(line, sizeof(line), "250%c%0100d\r\n", i < 59 ? '-' : ' ', i);
        const char *at = line;
        cr_assert_eq(smtp_reply_next(&parser, &at, line + bytes, &reply), i == 59);
    }
    cr_expect_eq(reply.words.bytes, SMTP_REPLY_KEPT_MAX);
}

Test(smtp_reply, reads_what_a_server_offers)
{
    struct smtp_offer offer;
    smtp_offer_parse(
        TEXT("mx PIPELINING\nsize 1000\nPipelining\n8BITMIME\nSMTPUTF8\nCHUNKING"),
        &offer);
    cr_expect(offer.pipelining && offer.chunking && offer.eight_bit && offer.utf8 &&
              offer.size);
    cr_expect_eq(offer.size_max_bytes, 1000);
    smtp_offer_parse(TEXT("mx CHUNKING\nSIZE\nPIPELININGS\nX-8BITMIME\n"), &offer);
    cr_expect_not(offer.pipelining || offer.chunking || offer.eight_bit || offer.utf8);
    cr_expect(offer.size);
    cr_expect_eq(offer.size_max_bytes, 0);
    smtp_offer_parse(TEXT("SIZE 99999999999999999999"), &offer);
    cr_expect_not(offer.size, "the first line is a greeting");
    smtp_offer_parse(TEXT("mx\nSIZE 99999999999999999999"), &offer);
    cr_expect_eq(offer.size_max_bytes, 0);
    smtp_offer_parse(TEXT(""), &offer);
    cr_expect_not(offer.pipelining);
}
