#include "tests/outbox/harness.h"
#include "tests/outbox/fake_peer.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>

#define MAIL  "Subject: hi\r\n\r\nhello\r\n.leading dot\r\n"
#define HELLO "S 220 fake\nE EHLO\nS 250-fake\nS 250-PIPELINING\nS 250 8BITMIME\n"
#define LONE  "S 220 fake\nE EHLO\nS 250 fake\n"
#define ENVELOPE                                                                         \
    "E MAIL FROM:<bounce@test.example>\nE RCPT TO:<u0@test.example>\nE DATA\n"

/* What a server does to the first mail, and what must become of it and of the others. */
static const struct {
    const char *name;
    const char *script;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool dead;
    int taken; /* how often the server took the first mail in the end */
} cases[] = {
    {"no fault", NULL, DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"rcpt unknown",
     HELLO ENVELOPE
     "S 250 ok\nS 550 5.1.1 no such user\nS 503 no rcpt\nE RSET\nS 250 ok\nV",
     DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, true, 0},
    {"rcpt unknown, data accepted",
     HELLO ENVELOPE "S 250 ok\nS 550 no such user\nS 354 go\nE .\nS 554 no recipients\nV",
     DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, false, 0},
    {"rcpt policy",
     HELLO ENVELOPE "S 250 ok\nS 550 5.7.1 policy\nS 503 no rcpt\nE RSET\nS 250 ok\nV",
     DELIVERY_FAILED, DELIVERY_REJECTED, false, 0},
    {"rcpt greylisted",
     HELLO ENVELOPE "S 250 ok\nS 450 4.2.0 later\nS 503 no rcpt\nE RSET\nS 250 ok\nV",
     DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, 0},
    {"mail refused", HELLO ENVELOPE "S 550 5.7.1 no\nS 503 no mail\nS 503 no mail\nV",
     DELIVERY_FAILED, DELIVERY_REJECTED, false, 0},
    {"mail refused, data accepted",
     HELLO ENVELOPE "S 550 5.7.1 no\nS 250 ok\nS 354 go\nT", DELIVERY_FAILED,
     DELIVERY_REJECTED, false, 0},
    {"data refused",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 451 4.3.0 no\nE RSET\nS 250 ok\nV",
     DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, 0},
    {"body refused",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS 554 5.7.1 spam\nV",
     DELIVERY_FAILED, DELIVERY_REJECTED, false, 0},
    {"body too large",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS 552 5.3.4 large\nV",
     DELIVERY_FAILED, DELIVERY_TOO_LARGE, false, 0},
    {"body deferred",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS 451 4.3.0 later\nV",
     DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, 0},
    {"body 421",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS 421 4.3.2 going down\nC",
     DELIVERY_DEFERRED, DELIVERY_THROTTLED, false, 0},
    {"closed behind the body", HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nA\nC",
     DELIVERY_UNKNOWN, DELIVERY_CONNECTION_LOST, false, 1},
    {"reset behind the body", HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nA\nR",
     DELIVERY_UNKNOWN, DELIVERY_CONNECTION_LOST, false, 1},
    {"closed in the last reply",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nA\nX 250 2.0\nC", DELIVERY_UNKNOWN,
     DELIVERY_CONNECTION_LOST, false, 1},
    {"silent behind the body", HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nA\nT",
     DELIVERY_UNKNOWN, DELIVERY_TIMEOUT, false, 1},
    {"garbage behind the body",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS hello?\nT", DELIVERY_UNKNOWN,
     DELIVERY_BAD_REPLY, false, 0},
    {"354 behind the body",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nS 354 go\nD\nS 354 more\nT", DELIVERY_UNKNOWN,
     DELIVERY_BAD_REPLY, false, 0},
    {"late reply",
     HELLO ENVELOPE "S 250 ok\nS 250 ok\nW 100\nS 354 go\nD\nW 100\nA\nS 250 ok\nV",
     DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"reply in pieces",
     HELLO ENVELOPE
     "X 25\nW 20\nX 0 ok|25\nW 20\nS 0 ok\nS 354 go\nD\nA\nX 2\nW 20\nS 50 ok\nV",
     DELIVERY_SENT, DELIVERY_OK, false, 1},
    /* nothing was handed over: the next connection takes it */
    {"closed at once", "C", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"reset at once", "R", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"greeting 421", "S 421 busy\nC", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"greeting 554", "S 554 go away\nT", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"no greeting", "T", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"banner without end", "F 10000000\nT", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"http instead", "S HTTP/1.1 400 Bad Request\nT", DELIVERY_SENT, DELIVERY_OK, false,
     1},
    {"closed behind EHLO", "S 220 fake\nE EHLO\nC", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"EHLO refused", "S 220 fake\nE EHLO\nS 502 no\nE HELO\nS 250 fake\nV", DELIVERY_SENT,
     DELIVERY_OK, false, 1},
    {"closed behind the envelope", HELLO ENVELOPE "C", DELIVERY_SENT, DELIVERY_OK, false,
     1},
    {"reset behind the envelope", HELLO ENVELOPE "S 250 ok\nR", DELIVERY_SENT,
     DELIVERY_OK, false, 1},
    {"closed behind rcpt", HELLO ENVELOPE "S 250 ok\nS 250 ok\nC", DELIVERY_SENT,
     DELIVERY_OK, false, 1},
    {"stalled at rcpt", HELLO ENVELOPE "S 250 ok\nT", DELIVERY_SENT, DELIVERY_OK, false,
     1},
    {"answers before it is asked",
     HELLO ENVELOPE "S 250 ok\nX 250 ok|354 go|250 taken|\nT", DELIVERY_SENT, DELIVERY_OK,
     false, 1},
    {"answers before EHLO", "X 220 fake|250-fake|250 SIZE|250 ok|250 ok|\nT",
     DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"garbage at mail", HELLO ENVELOPE "S nonsense\nT", DELIVERY_SENT, DELIVERY_OK, false,
     1},
    /* without PIPELINING */
    {"lock-step", LONE "V", DELIVERY_SENT, DELIVERY_OK, false, 1},
    {"lock-step, mail refused", LONE "E MAIL\nS 550 no\nV", DELIVERY_FAILED,
     DELIVERY_REJECTED, false, 0},
    {"lock-step, rcpt refused",
     LONE "E MAIL\nS 250 ok\nE RCPT\nS 550 5.1.1 who\nE RSET\nS 250 ok\nV",
     DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, true, 0},
    {"lock-step, data refused",
     LONE "E MAIL\nS 250 ok\nE RCPT\nS 250 ok\nE DATA\nS 451 later\nE RSET\nS 250 ok\nV",
     DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, 0},
    {"lock-step, closed behind the body",
     LONE "E MAIL\nS 250 ok\nE RCPT\nS 250 ok\nE DATA\nS 354 go\nD\nA\nC",
     DELIVERY_UNKNOWN, DELIVERY_CONNECTION_LOST, false, 1},
};

#define MAILS 20

static void run_case(size_t i, const char *offers, const char *script)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->offers = offers;
    peer->scripts[0] = script;
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("smtp", peer->url);
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, MAILS, CHANNEL_EMAIL, MAIL);
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 8 * NS_PER_S), "%s: %zu of %d done", cases[i].name, h.done,
              MAILS);
    const struct fate *first = &h.fates[0];
    cr_expect(first->verdict == cases[i].verdict && first->reason == cases[i].reason,
              "%s: verdict %d reason %s (%s)", cases[i].name, first->verdict,
              delivery_reason_name(first->reason), first->detail);
    cr_expect_eq(first->address_dead, cases[i].dead, "%s", cases[i].name);
    cr_expect_eq(peer->taken[0], cases[i].taken, "%s: taken %d", cases[i].name,
                 peer->taken[0]);
    for (size_t row = 0; row < MAILS; row++) {
        cr_expect_eq(h.fates[row].done, 1, "%s: row %zu done %d times", cases[i].name,
                     row, h.fates[row].done);
        cr_expect(row == 0 || h.fates[row].verdict == DELIVERY_SENT, "%s: row %zu: %s",
                  cases[i].name, row, h.fates[row].detail);
        cr_expect(row == 0 || peer->taken[row] == 1, "%s: row %zu taken %d times",
                  cases[i].name, row, peer->taken[row]);
    }
    cr_expect_eq(peer->mismatches, 0, "%s", cases[i].name);
    cr_expect(harness_stop(&h), "%s: close hangs", cases[i].name);
    peer_stop(peer);
    free(peer);
}

Test(relay, each_fault_has_its_verdict_and_costs_nobody_else)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        run_case(i, "PIPELINING 8BITMIME", cases[i].script);
}

/* --- with CHUNKING several mails are under way at once --- */

#define CHUNKING "S 220 fake\nE EHLO\nS 250-fake\nS 250-PIPELINING\nS 250 CHUNKING\n"
#define CHUNK    "E RSET\nE MAIL\nE RCPT TO:<u0@\nB\nS 250 reset\n"

static const struct {
    const char *name;
    const char *script;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    size_t unknown_most; /* how many others may become unknown */
} chunk_cases[] = {
    {"rcpt refused", CHUNKING CHUNK "S 250 ok\nS 550 5.1.1 who\nS 503 no rcpt\nV",
     DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, 0},
    {"mail refused", CHUNKING CHUNK "S 550 5.7.1 no\nS 503 no mail\nS 503 no mail\nV",
     DELIVERY_FAILED, DELIVERY_REJECTED, 0},
    {"body deferred", CHUNKING CHUNK "S 250 ok\nS 250 ok\nS 452 4.3.1 full\nV",
     DELIVERY_DEFERRED, DELIVERY_THROTTLED, 0},
    {"body refused", CHUNKING CHUNK "S 250 ok\nS 250 ok\nS 554 5.6.0 spam\nV",
     DELIVERY_FAILED, DELIVERY_REJECTED, 0},
    {"closed before any reply", CHUNKING CHUNK "C", DELIVERY_UNKNOWN,
     DELIVERY_CONNECTION_LOST, 7},
    {"closed behind the first", CHUNKING CHUNK "A\nS 250 ok\nS 250 ok\nS 250 ok\nC",
     DELIVERY_SENT, DELIVERY_OK, 15},
    {"421 for the first", CHUNKING CHUNK "S 250 ok\nS 250 ok\nS 421 down\nC",
     DELIVERY_DEFERRED, DELIVERY_THROTTLED, 0},
    {"one reply too many",
     CHUNKING CHUNK "A\nS 250 ok\nS 250 ok\nS 250 ok\nE RSET\nE MAIL\nE RCPT\nB\n"
                    "S 250 ok\nS 250 ok\nS 250 ok\nA\nS 250 ok\nS 354 what\nT",
     DELIVERY_SENT, DELIVERY_OK, 15},
};

Test(relay, a_window_of_chunks_is_matched_reply_by_reply)
{
    for (size_t i = 0; i < ARRAY_COUNT(chunk_cases); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        peer->offers = "PIPELINING CHUNKING";
        peer->scripts[0] = chunk_cases[i].script;
        peer_start(peer);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = harness_config("smtp", peer->url);
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 100, CHANNEL_EMAIL, MAIL);
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 8 * NS_PER_S), "%s: %zu", chunk_cases[i].name, h.done);
        cr_expect(h.fates[0].verdict == chunk_cases[i].verdict &&
                      h.fates[0].reason == chunk_cases[i].reason,
                  "%s: verdict %d reason %s (%s)", chunk_cases[i].name,
                  h.fates[0].verdict, delivery_reason_name(h.fates[0].reason),
                  h.fates[0].detail);
        size_t unknown = 0;
        for (size_t row = 0; row < 100; row++) {
            bool lost = h.fates[row].verdict == DELIVERY_UNKNOWN;
            cr_expect_eq(h.fates[row].done, 1, "%s: row %zu", chunk_cases[i].name, row);
            cr_expect(row == 0 || lost || h.fates[row].verdict == DELIVERY_SENT,
                      "%s: row %zu: %s", chunk_cases[i].name, row, h.fates[row].detail);
            cr_expect(peer->taken[row] <= 1, "%s: row %zu twice", chunk_cases[i].name,
                      row);
            cr_expect(h.fates[row].verdict != DELIVERY_SENT || peer->taken[row] == 1,
                      "%s: row %zu lost", chunk_cases[i].name, row);
            unknown += row > 0 && lost;
        }
        cr_expect_leq(unknown, chunk_cases[i].unknown_most, "%s: %zu unknown",
                      chunk_cases[i].name, unknown);
        cr_expect_eq(peer->mismatches, 0, "%s", chunk_cases[i].name);
        cr_expect(harness_stop(&h), "%s: close hangs", chunk_cases[i].name);
        peer_stop(peer);
        free(peer);
    }
}

/* --- Postfix's smtp-sink, a server that is not ours --- */

static pid_t sink_start(const char *port, const char *option, const char *value)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%s", port);
    pid_t pid = fork();
    if (pid == 0) {
        const char *arguments[8] = {"smtp-sink"};
        size_t count = 1;
        if (geteuid() == 0) { /* it will not run as root */
            arguments[count++] = "-u";
            arguments[count++] = "nobody";
        }
        if (option)
            arguments[count++] = option;
        if (value)
            arguments[count++] = value;
        arguments[count++] = address;
        arguments[count] = "100";
        execvp("smtp-sink", (char **)(uintptr_t)arguments);
        execv("/usr/sbin/smtp-sink", (char **)(uintptr_t)arguments);
        _exit(127);
    }
    return pid;
}

Test(relay, agrees_with_smtp_sink_and_its_faults)
{
    static const struct {
        const char *option, *value;
        enum delivery_verdict verdict;
        enum delivery_reason reason;
    } sinks[] = {
        {NULL, NULL, DELIVERY_SENT, DELIVERY_OK},
        {"-p", NULL, DELIVERY_SENT, DELIVERY_OK},   /* no PIPELINING */
        {"-e", NULL, DELIVERY_SENT, DELIVERY_OK},   /* no ESMTP */
        {"-E", NULL, DELIVERY_SENT, DELIVERY_OK},   /* no status codes like 2.0.0 */
        {"-P", NULL, DELIVERY_SENT, DELIVERY_OK},   /* a greeting of many stars */
        {"-f", "EHLO", DELIVERY_SENT, DELIVERY_OK}, /* HELO then */
        {"-f", "DATA", DELIVERY_FAILED, DELIVERY_REJECTED},
        {"-r", "MAIL", DELIVERY_DEFERRED, DELIVERY_THROTTLED},
        {"-r", "DATA", DELIVERY_DEFERRED, DELIVERY_TEMPORARY},
        {"-r", ".", DELIVERY_DEFERRED, DELIVERY_TEMPORARY},
        {"-f", "RCPT", DELIVERY_FAILED, DELIVERY_REJECTED},    /* 500 */
        {"-f", "MAIL", DELIVERY_FAILED, DELIVERY_REJECTED},    /* 500 */
        {"-f", ".", DELIVERY_FAILED, DELIVERY_REJECTED},       /* 500 */
        {"-r", "RCPT", DELIVERY_DEFERRED, DELIVERY_TEMPORARY}, /* 450 */
        {"-q", ".", DELIVERY_UNKNOWN,
         DELIVERY_CONNECTION_LOST},                         /* closes without a reply */
        {"-Q", ".", DELIVERY_DEFERRED, DELIVERY_THROTTLED}, /* 421 */
    };
    for (size_t i = 0; i < ARRAY_COUNT(sinks); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        peer_start(peer); /* for a free port */
        peer_stop(peer);
        char port[8];
        snprintf(port, sizeof(port), "%d", peer->port);
        pid_t pid = sink_start(port, sinks[i].option, sinks[i].value);
        cr_assert_gt(pid, 0);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = harness_config("smtp", peer->url);
        config.max_connections = 4;
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 4, CHANNEL_EMAIL, MAIL);
        peer_sleep_ms(
            60); /* until it listens; else the first connections fail and try again */
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 10 * NS_PER_S), "sink %zu: %zu done", i, h.done);
        for (size_t row = 0; row < 4; row++) {
            cr_expect_eq(h.fates[row].done, 1);
            cr_expect(h.fates[row].verdict == sinks[i].verdict &&
                          h.fates[row].reason == sinks[i].reason,
                      "sink %zu row %zu: verdict %d reason %s (%s)", i, row,
                      h.fates[row].verdict, delivery_reason_name(h.fates[row].reason),
                      h.fates[row].detail);
        }
        cr_expect(harness_stop(&h));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        free(peer);
    }
}

/* --- addresses --- */

Test(relay, return_paths_and_addresses_beyond_ascii)
{
    static const struct {
        const char *verp, *from, *to, *script;
        enum delivery_verdict verdict;
    } envelopes[] = {
        {"return.example", "hello@studio.example", "ann@test.example",
         LONE "E MAIL FROM:<bounce+ann=test.example@return.example>\nS 250 ok\nV",
         DELIVERY_SENT},
        {"return.example", "", "ann@test.example", LONE "E MAIL FROM:<>\nS 250 ok\nV",
         DELIVERY_SENT},
        {"return.example", "hello@studio.example",
         "somebody.with.a.name.that.is.rather.long@a.company.example",
         LONE "E MAIL FROM:<hello@studio.example>\nS 250 ok\nV", DELIVERY_SENT},
        {"", "hello@studio.example", "j\xC3\xB6rg@test.example",
         "S 220 fake\nE EHLO\nS 250-fake\nS 250-8BITMIME\nS 250 SMTPUTF8\n"
         "E MAIL FROM:<hello@studio.example> SMTPUTF8\nS 250 ok\n"
         "E RCPT TO:<j\xC3\xB6rg@test.example>\nS 250 ok\nV",
         DELIVERY_SENT},
        /* From stands in the header, too */
        {"return.example", "h\xC3\xA9llo@studio.example", "ann@test.example",
         "S 220 fake\nE EHLO\nS 250-fake\nS 250-8BITMIME\nS 250 SMTPUTF8\n"
         "E MAIL FROM:<bounce+ann=test.example@return.example> SMTPUTF8\nS 250 ok\nV",
         DELIVERY_SENT},
        {"", "hello@studio.example", "j\xC3\xB6rg@test.example", HELLO "E QUIT\nC",
         DELIVERY_FAILED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(envelopes); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        peer->scripts[0] = envelopes[i].script;
        peer_start(peer);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = harness_config("smtp", peer->url);
        config.verp = envelopes[i].verp;
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 1, CHANNEL_EMAIL, MAIL);
        h.deliveries[0].from = text_of(envelopes[i].from);
        h.deliveries[0].to = text_of(envelopes[i].to);
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 3 * NS_PER_S), "%zu", i);
        cr_expect_eq(h.fates[0].verdict, envelopes[i].verdict, "%zu: %s", i,
                     h.fates[0].detail);
        cr_expect(harness_stop(&h));
        cr_expect_eq(peer->mismatches, 0, "%zu", i);
        peer_stop(peer);
        free(peer);
    }
}
