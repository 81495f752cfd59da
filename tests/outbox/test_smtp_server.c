#include "outbox/sandbox/smtp_server.h"

#include "outbox/sandbox/smtp_command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* --- what a session says and takes --- */

static struct buffer taken; /* "from|to,to|raw;" per message */
static enum fault fate;

static enum fault take(void *arg, const struct smtp_message *message)
{
    (void)arg;
    if (fate == FAULT_THROTTLE || fate == FAULT_ERROR)
        return fate;
    buffer_format(&taken, "%.*s|", TEXT_ARGS(message->from));
    const char *to = message->recipients;
    for (size_t i = 0; i < message->recipient_count; i++) {
        buffer_format(&taken, "%s%s", i ? "," : "", to);
        to += strlen(to) + 1;
    }
    buffer_byte(&taken, '|');
    buffer_text(&taken, message->raw);
    buffer_byte(&taken, ';');
    return fate;
}

/* talk: the whole input in pieces of step bytes. Returns whether the connection stays. */
static bool talk(const char *input, size_t step, struct buffer *out)
{
    struct smtp_server server;
    smtp_server_init(&server, false, false, take, NULL);
    buffer_clear(&taken);
    bool stays = true;
    for (size_t at = 0, bytes = strlen(input); stays && at < bytes; at += step)
        stays = smtp_server_feed(&server, input + at,
                                 bytes - at < step ? bytes - at : step, out);
    smtp_server_fini(&server);
    return stays;
}

#define HELLO "EHLO me\r\n"
#define HELLO_REPLY                                                                      \
    "250-sandbox\r\n250-PIPELINING\r\n250-SIZE "                                         \
    "33554432\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"                                       \
    "250 CHUNKING\r\n"
#define MAIL     "MAIL FROM:<a@b.c>\r\n"
#define RCPT     "RCPT TO:<d@e.f>\r\n"
#define OK       "250 OK\r\n"
#define GO_AHEAD "354 End with a line that is a single dot\r\n"

static const struct {
    const char *what;
    const char *input;
    const char *replies;
    const char *taken;
    bool closes;
} sessions[] = {
    {"one message", HELLO MAIL RCPT "DATA\r\nHi\r\n.\r\nQUIT\r\n",
     HELLO_REPLY OK OK GO_AHEAD OK "221 Bye\r\n", "a@b.c|d@e.f|Hi\r\n;", true},
    {"pipelined behind the final dot",
     "HELO me\r\n" MAIL RCPT "DATA\r\n1\r\n.\r\n" MAIL RCPT "DATA\r\n2\r\n.\r\n",
     "250 sandbox\r\n" OK OK GO_AHEAD OK OK OK GO_AHEAD OK,
     "a@b.c|d@e.f|1\r\n;a@b.c|d@e.f|2\r\n;", false},
    {"dots unstuffed", HELLO MAIL RCPT "DATA\r\n..a\r\n...\r\n.x\r\na.b\r\n.\r\n",
     HELLO_REPLY OK OK GO_AHEAD OK, "a@b.c|d@e.f|.a\r\n..\r\nx\r\na.b\r\n;", false},
    {"an empty message", HELLO MAIL RCPT "DATA\r\n.\r\n", HELLO_REPLY OK OK GO_AHEAD OK,
     "a@b.c|d@e.f|;", false},
    {"bare LF ends nothing", HELLO MAIL RCPT "DATA\r\na\n.\nb\r\n.\nc\r\n.\r\n",
     HELLO_REPLY OK OK GO_AHEAD OK, "a@b.c|d@e.f|a\n.\nb\r\n\nc\r\n;", false},
    {"bare CR ends nothing", HELLO MAIL RCPT "DATA\r\na\r.\r\n.\rb\r\n.\r\n",
     HELLO_REPLY OK OK GO_AHEAD OK, "a@b.c|d@e.f|a\r.\r\n\rb\r\n;", false},
    {"several recipients", HELLO MAIL RCPT "RCPT TO:<g@h.i>\r\nDATA\r\n\r\n.\r\n",
     HELLO_REPLY OK OK OK GO_AHEAD OK, "a@b.c|d@e.f,g@h.i|\r\n;", false},
    {"chunks", HELLO MAIL RCPT "BDAT 4\r\n.\r\n.BDAT 3 LAST\r\nabcRSET\r\n",
     HELLO_REPLY OK OK "250 4 octets received\r\n" OK OK, "a@b.c|d@e.f|.\r\n.abc;",
     false},
    {"an empty last chunk",
     HELLO MAIL RCPT "BDAT 2\r\nhi"
                     "BDAT 0 LAST\r\n",
     HELLO_REPLY OK OK "250 2 octets received\r\n" OK, "a@b.c|d@e.f|hi;", false},
    {"a refused chunk is skipped", HELLO "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
     HELLO_REPLY "503 BDAT comes after MAIL and RCPT\r\n" OK, "", false},
    {"DATA not after BDAT", HELLO MAIL RCPT "BDAT 2\r\nhiDATA\r\n",
     HELLO_REPLY OK OK "250 2 octets received\r\n"
                       "503 DATA comes after MAIL and RCPT, and not after BDAT\r\n",
     "", false},
    {"BDAT without a size loses its place", HELLO MAIL RCPT "BDAT x\r\nNOOP\r\n",
     HELLO_REPLY OK OK "501 Syntax: BDAT size [LAST]\r\n", "", true},
    {"no greeting", MAIL, "503 Say EHLO first\r\n", "", false},
    {"no sender", HELLO RCPT, HELLO_REPLY "503 MAIL comes before RCPT\r\n", "", false},
    {"no recipient", HELLO MAIL "DATA\r\n", HELLO_REPLY OK "554 No valid recipients\r\n",
     "", false},
    {"MAIL twice", HELLO MAIL MAIL,
     HELLO_REPLY OK "503 A transaction is open already\r\n", "", false},
    {"RSET forgets", HELLO MAIL RCPT "RSET\r\nDATA\r\n",
     HELLO_REPLY OK OK OK "503 DATA comes after MAIL and RCPT, and not after BDAT\r\n",
     "", false},
    {"the null sender and a source route",
     HELLO "MAIL FROM:<>\r\nRCPT TO:<@r,@s:d@e.f>\r\nDATA\r\n.\r\n",
     HELLO_REPLY OK OK GO_AHEAD OK, "|d@e.f|;", false},
    {"a quoted local part", HELLO "MAIL FROM:<\"a>\\\"b\"@c>\r\n", HELLO_REPLY OK, "",
     false},
    {"lower case and parameters", HELLO "mail from:<a@b> size=5 BODY=8BITMIME\r\n",
     HELLO_REPLY OK, "", false},
    {"too large by its own word", HELLO "MAIL FROM:<a@b> SIZE=99999999\r\n",
     HELLO_REPLY "552 The message is larger than SIZE allows\r\n", "", false},
    {"an unknown parameter", HELLO "MAIL FROM:<a@b> RET=FULL\r\n",
     HELLO_REPLY "555 MAIL takes SIZE, BODY and SMTPUTF8\r\n", "", false},
    {"no brackets", HELLO "MAIL FROM:a@b\r\n",
     HELLO_REPLY "501 The address must be in angle brackets\r\n", "", false},
    {"no domain", HELLO MAIL "RCPT TO:<d>\r\n",
     HELLO_REPLY OK "501 This is not an address\r\n", "", false},
    {"UTF-8 needs its extension", HELLO MAIL "RCPT TO:<\xC3\xA8@e.f>\r\n",
     HELLO_REPLY OK "553 An address that is not ASCII needs SMTPUTF8\r\n", "", false},
    {"UTF-8 with its extension",
     HELLO "MAIL FROM:<\xC3\xA0@b> SMTPUTF8\r\nRCPT TO:<\xC3\xA8@e.f>\r\n",
     HELLO_REPLY OK OK, "", false},
    {"the rest", "VRFY x\r\nHELP\r\nFOO\r\nEHLO\r\nNOOP\nNOOP x\r\n",
     "252 Cannot verify, but will take the message\r\n"
     "214 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\r\n"
     "500 Unknown command\r\n501 Say who you are: a domain or an address literal\r\n"
     "500 A line ends with CR LF\r\n" OK,
     "", false},
};

Test(smtp_server, answers_sessions_however_they_are_cut)
{
    static const size_t steps[] = {1, 2, 3, 7, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(sessions); i++) {
        for (size_t s = 0; s < ARRAY_COUNT(steps); s++) {
            struct buffer out = {0};
            bool stays = talk(sessions[i].input, steps[s], &out);
            cr_assert_str_eq(buffer_view(&out).data, sessions[i].replies, "%s, step %zu",
                             sessions[i].what, steps[s]);
            cr_assert_str_eq(buffer_view(&taken).data, sessions[i].taken, "%s, step %zu",
                             sessions[i].what, steps[s]);
            cr_assert_eq(stays, !sessions[i].closes, "%s", sessions[i].what);
            buffer_fini(&out);
            buffer_fini(&taken);
        }
    }
}

Test(smtp_server, faults_have_their_replies)
{
    static const struct {
        enum fault fate;
        const char *reply;
        bool closes, takes;
    } cases[] = {
        {FAULT_ERROR, "451 The sandbox was told to fail now and then\r\n", false, false},
        {FAULT_THROTTLE, "421 Too fast, closing the channel\r\n", true, false},
        {FAULT_DROP, "", true, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer out = {0};
        fate = cases[i].fate;
        bool stays = talk("HELO x\r\n" MAIL RCPT "DATA\r\nx\r\n.\r\n", 1000, &out);
        const char *last = strstr(out.data, "354 ");
        cr_assert_str_eq(strchr(last, '\n') + 1, cases[i].reply);
        cr_assert_eq(stays, !cases[i].closes);
        cr_assert_eq(taken.bytes > 0, cases[i].takes);
        buffer_fini(&out);
    }
    buffer_fini(&taken);
}

Test(smtp_server, a_line_without_end_is_refused_and_bounded)
{
    struct smtp_server server;
    struct buffer out = {0};
    char piece[700];
    memset(piece, 'x', sizeof(piece));
    smtp_server_init(&server, false, false, take, NULL);
    for (int i = 0; i < 100; i++)
        cr_assert(smtp_server_feed(&server, piece, sizeof(piece), &out));
    cr_assert_eq(out.bytes, 0);
    cr_assert(smtp_server_feed(&server, "\r\nNOOP\r\n", 8, &out));
    cr_assert_str_eq(out.data, "500 The line is too long\r\n" OK);
    smtp_server_fini(&server);
    buffer_fini(&out);
}

Test(smtp_server, a_message_over_the_limit_is_refused_and_not_kept)
{
    struct smtp_server server;
    struct buffer out = {0};
    char *piece = calloc(1, 1 << 20);
    smtp_server_init(&server, false, false, take, NULL);
    const char *start = "HELO x\r\n" MAIL RCPT "DATA\r\n";
    cr_assert(smtp_server_feed(&server, start, strlen(start), &out));
    for (int i = 0; i < 40; i++)
        cr_assert(smtp_server_feed(&server, piece, 1 << 20, &out));
    cr_assert_leq(server.raw.bytes, SMTP_MESSAGE_BYTES_MAX + (1u << 20));
    buffer_clear(&out);
    cr_assert(smtp_server_feed(&server, "\r\n.\r\n", 5, &out));
    cr_assert_str_eq(out.data, "552 The message is larger than SIZE allows\r\n");
    cr_assert_eq(taken.bytes, 0);
    smtp_server_fini(&server);
    buffer_fini(&out);
    free(piece);
}

/* --- smtp_data_feed against a twin that looks at one byte at a time --- */

/* unstuff: RFC 5321, 4.5.2, in the plainest way. Returns the bytes used, or 0 without an
 * end. */
static size_t unstuff(const char *data, size_t bytes, struct buffer *out)
{
    bool at_line_start = true;
    for (size_t i = 0; i < bytes; i++) {
        if (at_line_start && data[i] == '.') {
            if (i + 2 < bytes && data[i + 1] == '\r' && data[i + 2] == '\n')
                return i + 3;
            at_line_start = false;
            continue;
        }
        buffer_byte(out, data[i]);
        at_line_start = data[i] == '\n' && i > 0 && data[i - 1] == '\r';
    }
    return 0;
}

Test(smtp_server, data_is_unstuffed_as_by_the_plain_twin)
{
    static const char alphabet[] = "..\r\n\r\nab";
    uint64_t random = 42;
    int ends = 0;
    for (int round = 0; round < 100000; round++) {
        char data[24];
        size_t bytes = 0;
        for (; bytes < sizeof(data); bytes++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            data[bytes] = alphabet[random >> 61];
        }
        struct buffer expected = {0}, got = {0};
        size_t expected_used = unstuff(data, bytes, &expected);
        enum smtp_data_state state = SMTP_DATA_LINE_START;
        size_t cut = random % bytes, used = 0;
        bool end = false;
        used = smtp_data_feed(&state, data, cut, &got, &end);
        if (!end)
            used += smtp_data_feed(&state, data + cut, bytes - cut, &got, &end);
        ends += end;
        cr_assert_eq(end, expected_used > 0);
        if (end) {
            cr_assert_eq(used, expected_used);
            cr_assert(text_equal(buffer_view(&got), buffer_view(&expected)));
        }
        buffer_fini(&expected);
        buffer_fini(&got);
    }
    cr_assert_gt(ends, 1000);
}
