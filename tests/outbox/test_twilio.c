#include "outbox/providers/twilio_lookup.h"
#include "outbox/providers/twilio_reply.h"
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define UNNAMED                                                                          \
    "2xx without a sid; volley looks for the message in Twilio's list and books what "   \
    "it finds"

static const struct {
    unsigned status;
    const char *body;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool dead, stop, slow, broken;
    const char *words; /* provider id when sent, else detail */
} cases[] = {
    {201,
     "{\"body\":\"\\\"sid\\\": \", \"sid\" : \n\"SM0123456789abcdef0123456789abcdef\"}",
     DELIVERY_SENT, DELIVERY_OK, .words = "SM0123456789abcdef0123456789abcdef"},
    {201, "{\"sid\":\"SM0123456789abcdef0123456789abcdef\",\"error_code\":null}",
     DELIVERY_SENT, DELIVERY_OK, .words = "SM0123456789abcdef0123456789abcdef"},
    {201, "{\"sid\":\"MM0123456789abcdef0123456789abcdef\"}", DELIVERY_SENT, DELIVERY_OK,
     .words = "MM0123456789abcdef0123456789abcdef"},
    {201, "{\"sid\":\"SM012345678\"}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     .words = UNNAMED},
    {201, "{\"sid\":7}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .words = UNNAMED},
    {201, "<html>", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .words = UNNAMED},
    {200, "", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .words = UNNAMED},
    {400, "{\"code\":21211,\"message\":\"bad To\"}", DELIVERY_FAILED,
     DELIVERY_INVALID_ADDRESS, .dead = true, .words = "bad To"},
    {400, "{\"code\":21614,\"message\":\"landline\"}", DELIVERY_FAILED,
     DELIVERY_INVALID_ADDRESS, .dead = true, .words = "landline"},
    {400, "{\"code\":21408,\"message\":\"region\"}", DELIVERY_FAILED, DELIVERY_REJECTED,
     .words = "region"},
    {400, "{\"code\":21610,\"message\":\"STOP\"}", DELIVERY_FAILED, DELIVERY_OPTED_OUT,
     .words = "STOP"},
    {400, "{\"code\":21617}", DELIVERY_FAILED, DELIVERY_TOO_LARGE, .words = ""},
    {429, "{\"code\":21611,\"message\":\"queue\"}", DELIVERY_DEFERRED, DELIVERY_TEMPORARY,
     .words = "queue"},
    {400, "{\"code\":99999,\"message\":\"new\"}", DELIVERY_FAILED, DELIVERY_REJECTED,
     .words = "new"},
    {400, "garbage", DELIVERY_FAILED, DELIVERY_REJECTED, .words = ""},
    {401, "{\"code\":20003,\"message\":\"Authenticate\"}", DELIVERY_FAILED,
     DELIVERY_CREDENTIALS, .stop = true, .words = "Authenticate"},
    {403, "", DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true, .words = ""},
    {404, "{\"code\":20404}", DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true,
     .words = ""},
    {429, "{\"code\":20429,\"message\":\"slow\"}", DELIVERY_DEFERRED, DELIVERY_THROTTLED,
     .slow = true, .words = "slow"},
    {429, "", DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true, .words = ""},
    {500, "{\"code\":20500}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .broken = true,
     .words = ""},
    {503, "oops", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .broken = true, .words = ""},
    {302, "", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, .words = ""},
};

Test(twilio, every_answer_has_its_meaning)
{
    struct buffer scratch = {0};
    struct delivery_result result;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_reply reply = {.end = HTTP_REPLY,
                                   .status = cases[i].status,
                                   .body = text_of(cases[i].body),
                                   .retry_after_ns = 3 * NS_PER_S};
        buffer_clear(&scratch);
        struct api_verdict v = twilio_judge(&reply, &scratch, &result);
        cr_expect_eq(result.verdict, cases[i].verdict, "case %zu", i);
        cr_expect_eq(result.reason, cases[i].reason, "case %zu", i);
        cr_expect_eq(result.address_dead, cases[i].dead, "case %zu", i);
        cr_expect_eq(v.stop, cases[i].stop, "case %zu", i);
        cr_expect_eq(v.slow_down, cases[i].slow, "case %zu", i);
        cr_expect_eq(v.broken, cases[i].broken, "case %zu", i);
        cr_expect_eq(v.wait_ns, result.verdict == DELIVERY_DEFERRED ? 3 * NS_PER_S : 0);
        struct text words =
            cases[i].verdict == DELIVERY_SENT ? result.provider_id : result.detail;
        cr_expect(text_equal(words, text_of(cases[i].words)), "case %zu: %.*s", i,
                  TEXT_ARGS(words));
    }
    buffer_fini(&scratch);
}

#define NOT_FOUND                                                                        \
    "not found at Twilio, so most likely never sent; see its log before you send it "    \
    "again"

#define LIST(messages) "{\"messages\":[" messages "],\"next_page_uri\":null}"
#define MESSAGE(from, to, body, date, more)                                              \
    "{\"from\":\"" from "\",\"to\":\"" to "\",\"body\":\"" body                          \
    "\",\"date_created\":\"" date "\",\"sid\":\"SM1\"" more "}"
#define US    "+15005550006"
#define THEM  "+15550000001"
#define TODAY "Sun, 22 Nov 2026 18:00:00 +0000"
#define OURS  MESSAGE(US, THEM, "hi", TODAY, ",\"status\":\"queued\"")
#define PAGE2 "/2010-04-01/Accounts/AC1/Messages.json?To=x&Page=1&PageToken=PASM"

static const struct {
    const char *page;
    enum twilio_find find;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    const char *words;
} pages[] = {
    {"", .find = TWILIO_NO_LIST},
    {"{\"messages\":7}", .find = TWILIO_NO_LIST},
    {LIST(""), .find = TWILIO_NOT_FOUND},
    {LIST(OURS), TWILIO_FOUND, DELIVERY_SENT, DELIVERY_OK, "SM1"},
    {LIST(MESSAGE("+15", THEM, "hi", TODAY, "") "," OURS), TWILIO_FOUND, DELIVERY_SENT,
     DELIVERY_OK, "SM1"},
    {LIST(MESSAGE(US, THEM, "Sent from your Twilio trial account - hi", TODAY, "")),
     TWILIO_FOUND, DELIVERY_SENT, DELIVERY_OK, "SM1"},
    {LIST("{\"from\":null,\"messaging_service_sid\":\"" US "\",\"to\":\"" THEM
          "\",\"body\":\"hi\",\"sid\":\"SM2\"}"), /* no date: it may be ours */
     TWILIO_FOUND, DELIVERY_SENT, DELIVERY_OK, "SM2"},
    {LIST(MESSAGE(US, THEM, "hi", TODAY, ",\"status\":\"failed\",\"error_code\":30005")),
     TWILIO_FOUND, DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, ""},
    {LIST(MESSAGE(US, THEM, "hi", TODAY,
                  ",\"status\":\"undelivered\",\"error_code\":30008,"
                  "\"error_message\":\"Unknown\"")),
     TWILIO_FOUND, DELIVERY_FAILED, DELIVERY_REJECTED, "Unknown"},
    {LIST(MESSAGE(US, THEM, "hi", "Sun, 22 Nov 2026 17:59:00 +0000", "")),
     .find = TWILIO_NOT_FOUND},
    {LIST(MESSAGE(US, THEM, "hi!", TODAY, "")), .find = TWILIO_NOT_FOUND},
    {LIST(MESSAGE(US, "+15550000002", "hi", TODAY, "")), .find = TWILIO_NOT_FOUND},
    {LIST(MESSAGE("+15", THEM, "hi", TODAY, "")), .find = TWILIO_NOT_FOUND},
    {"{\"messages\":[" MESSAGE("+15", THEM, "hi", TODAY,
                               "") "],\"next_page_uri\":\"" PAGE2 "\"}",
     TWILIO_NEXT_PAGE, .words = PAGE2},
    /* nothing on this page is as young as the job */
    {"{\"messages\":[" MESSAGE(US, THEM, "hi", "Sat, 21 Nov 2026 18:00:00 +0000",
                               "") "],\"next_page_uri\":\"" PAGE2 "\"}",
     .find = TWILIO_NOT_FOUND},
    /* not to another host */
    {"{\"messages\":[" MESSAGE("+15", THEM, "hi", TODAY,
                               "") "],\"next_page_uri\":\"//evil.example/\"}",
     .find = TWILIO_NOT_FOUND},
};

Test(twilio, a_message_is_found_in_the_list_or_not)
{
    bool has_offset;
    struct twilio_wanted wanted = {
        .from = TEXT(US), .to = TEXT(THEM), .body = TEXT("hi")};
    clock_parse(TEXT("2026-11-22T17:59:55Z"), &wanted.since_ns, &has_offset);
    struct buffer scratch = {0};
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        struct delivery_result result = {0};
        enum twilio_find find =
            twilio_find(text_of(pages[i].page), &wanted, &scratch, &result);
        cr_expect_eq(find, pages[i].find, "page %zu: %d", i, find);
        struct text words = find == TWILIO_NEXT_PAGE          ? buffer_view(&scratch)
                            : result.verdict == DELIVERY_SENT ? result.provider_id
                                                              : result.detail;
        if (find == TWILIO_FOUND) {
            cr_expect_eq(result.verdict, pages[i].verdict, "page %zu", i);
            cr_expect_eq(result.reason, pages[i].reason, "page %zu", i);
        }
        cr_expect(text_equal(words, text_of(pages[i].words)), "page %zu: %.*s", i,
                  TEXT_ARGS(words));
    }
    buffer_fini(&scratch);
}

Test(twilio, writes_forms_and_json)
{
    struct buffer out = {0};
    api_form(&out, "To", TEXT("+1 5&=%"));
    api_form(&out, "Body", TEXT("a-b._*~\n\xC3\xA9"));
    cr_expect(text_is(buffer_view(&out), "To=%2B1+5%26%3D%25&Body=a-b._*%7E%0A%C3%A9"));
    buffer_clear(&out);
    api_json(&out, TEXT("a\"b\\c\n\xC3\xA9\xFFz"));
    cr_expect(text_is(buffer_view(&out), "\"a\\\"b\\\\c\\n\xC3\xA9\\ufffdz\""), "%.*s",
              TEXT_ARGS(buffer_view(&out)));
    buffer_fini(&out);
}

/* --- over the wire --- */

#define TAKEN                                                                            \
    "S HTTP/1.1 201 Created\nS Content-Length: 44\n"                                     \
    "X |{\"sid\":\"SM0123456789abcdef0123456789abcdef\"}\n"

/* What a server does to the first request. Steps: H reads a request, A counts it as
 * taken. */
static const struct {
    const char *name;
    const char *script;
    const char *later; /* the second connection's script; NULL: no fault */
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    int taken;
} faults[] = {
    {"no fault", NULL, NULL, DELIVERY_SENT, DELIVERY_OK, 1},
    {"closed at once, unread", "C", NULL, DELIVERY_UNKNOWN, DELIVERY_CONNECTION_LOST, 0},
    {"closed behind the request", "H\nA\nC", NULL, DELIVERY_UNKNOWN,
     DELIVERY_CONNECTION_LOST, 1},
    {"reset behind the request", "H\nA\nR", NULL, DELIVERY_UNKNOWN,
     DELIVERY_CONNECTION_LOST, 1},
    {"silent", "H\nA\nT", NULL, DELIVERY_UNKNOWN, DELIVERY_TIMEOUT, 1},
    {"not HTTP", "H\nS hello there\nC", NULL, DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, 0},
    {"cut in the head", "H\nA\nX HTTP/1.1 201 Crea\nC", NULL, DELIVERY_UNKNOWN,
     DELIVERY_CONNECTION_LOST, 1},
    {"cut in the body", "H\nA\nS HTTP/1.1 201 Created\nS Content-Length: 50\nX |{\nC",
     NULL, DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, 1},
    {"late", "H\nA\nW 100\n" TAKEN "V", NULL, DELIVERY_SENT, DELIVERY_OK, 1},
    {"an error inside",
     "H\nA\nS HTTP/1.1 200 OK\nS Content-Length: 14\nX |{\"code\":20500}\nV", NULL,
     DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, 1},
    {"opted out", "H\nS HTTP/1.1 400 Bad\nS Content-Length: 14\nX |{\"code\":21610}\nV",
     NULL, DELIVERY_FAILED, DELIVERY_OPTED_OUT, 0},
    {"too fast", "H\nS HTTP/1.1 429 Busy\nS Content-Length: 0\nX |\nV", NULL,
     DELIVERY_DEFERRED, DELIVERY_THROTTLED, 0},
    {"redirect",
     "H\nS HTTP/1.1 302 Found\nS Location: http://127.0.0.1:1/\nS Content-Length: 0\nX "
     "\r\n\nV",
     NULL, DELIVERY_DEFERRED, DELIVERY_TEMPORARY, 0},
    {"10 MB answer",
     "H\nA\nS HTTP/1.1 201 Created\nS Content-Length: 10002432\nX |\nF 10000000\nV", NULL,
     DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, 1},
};

#define MESSAGES 20

static void run_fault(size_t i)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer->scripts[0] = faults[i].script;
    peer->scripts[1] = faults[i].later;
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("twilio", peer->url);
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, MESSAGES, CHANNEL_SMS, "hello");
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 5 * NS_PER_S), "%s: %zu done", faults[i].name, h.done);
    cr_expect(h.fates[0].verdict == faults[i].verdict &&
                  h.fates[0].reason == faults[i].reason,
              "%s: verdict %d reason %s (%s)", faults[i].name, h.fates[0].verdict,
              delivery_reason_name(h.fates[0].reason), h.fates[0].detail);
    cr_expect_eq(peer->taken[0], faults[i].taken, "%s: taken %d", faults[i].name,
                 peer->taken[0]);
    for (size_t row = 0; row < MESSAGES; row++) {
        cr_expect_eq(h.fates[row].done, 1, "%s: row %zu", faults[i].name, row);
        cr_expect(row == 0 || h.fates[row].verdict == DELIVERY_SENT, "%s: row %zu: %s",
                  faults[i].name, row, h.fates[row].detail);
        cr_expect(row == 0 || peer->taken[row] == 1, "%s: row %zu taken %d times",
                  faults[i].name, row, peer->taken[row]);
    }
    cr_expect(harness_stop(&h), "%s: close hangs", faults[i].name);
    peer_stop(peer);
    free(peer);
}

Test(twilio, each_fault_has_its_verdict_and_costs_nobody_else)
{
    for (size_t i = 0; i < ARRAY_COUNT(faults); i++)
        run_fault(i);
}

/* Sent again on a new connection, the second request would be taken twice. */
Test(twilio, a_request_on_a_kept_connection_is_not_repeated)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer->scripts[0] = "H\nA\n" TAKEN "H\nA\nC";
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("twilio", peer->url);
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 3, CHANNEL_SMS, "hello");
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 5 * NS_PER_S));
    cr_expect_eq(h.fates[0].verdict, DELIVERY_SENT);
    cr_expect_eq(h.fates[1].verdict, DELIVERY_UNKNOWN);
    cr_expect_eq(h.fates[1].reason, DELIVERY_CONNECTION_LOST);
    cr_expect_eq(h.fates[2].verdict, DELIVERY_SENT);
    for (int row = 0; row < 3; row++)
        cr_expect_eq(peer->taken[row], 1, "row %d taken %d times", row, peer->taken[row]);
    cr_expect(harness_stop(&h));
    peer_stop(peer);
    free(peer);
}

Test(twilio, sends_each_once_over_kept_connections)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("twilio", peer->url);
    config.max_connections = 8;
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 1000, CHANNEL_SMS, "h\xC3\xA9llo");
    h.deliveries[7].to = TEXT("5551234");
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 5 * NS_PER_S), "%zu", h.done);
    for (size_t row = 0; row < 1000; row++) {
        cr_expect_eq(h.fates[row].done, 1);
        cr_expect_eq(h.fates[row].verdict, row == 7 ? DELIVERY_FAILED : DELIVERY_SENT);
        cr_expect_eq(peer->taken[row], row != 7, "row %zu taken %d", row,
                     peer->taken[row]);
    }
    cr_expect_str_eq(h.fates[0].provider_id, "SM0123456789abcdef0123456789abcdef");
    cr_expect_eq(h.fates[7].reason, DELIVERY_INVALID_ADDRESS);
    cr_expect_leq(peer->connections, 8);
    cr_expect(harness_stop(&h));
    peer_stop(peer);
    free(peer);
}

/* What a server answers to the look-up of the first message, which is in doubt; H reads a request. */
static const struct {
    const char *name, *script;
    enum on_unknown on_unknown;
    bool left_behind;
    enum delivery_verdict verdict;
    bool settled;
    const char *detail;
} lookups[] = {
    {"not there, hold",
     "H\nS HTTP/1.1 200 OK\nS Content-Length: 15\nX |{\"messages\":[]}\nV",
     ON_UNKNOWN_HOLD, false, DELIVERY_UNKNOWN, true, NOT_FOUND},
    {"not there, resend",
     "H\nS HTTP/1.1 200 OK\nS Content-Length: 15\nX |{\"messages\":[]}\nV",
     ON_UNKNOWN_RESEND, false, DELIVERY_SENT, true, ""},
    {"not there, left behind by a crash",
     "H\nS HTTP/1.1 200 OK\nS Content-Length: 15\nX |{\"messages\":[]}\nV",
     ON_UNKNOWN_HOLD, true, DELIVERY_SENT, true, ""},
    {"on no page",
     "H\nS HTTP/1.1 200 OK\nS Content-Length: 50\nX "
     "|{\"messages\":[{}],\"next_page_uri\":\"/2010-04-01/p2\"}\n"
     "H\nS HTTP/1.1 200 OK\nS Content-Length: 15\nX |{\"messages\":[]}\nV",
     ON_UNKNOWN_HOLD, false, DELIVERY_UNKNOWN, true, NOT_FOUND},
    {"garbage", "H\nS HTTP/1.1 200 OK\nS Content-Length: 2\nX |{}\nV", ON_UNKNOWN_RESEND,
     false, DELIVERY_DEFERRED, false,
     "Twilio's list of messages cannot be read; check `url`, volley looks again"},
    {"500", "H\nS HTTP/1.1 500 Oops\nS Content-Length: 2\nX |{}\nV", ON_UNKNOWN_RESEND,
     false, DELIVERY_DEFERRED, false, "the look-up at Twilio failed; volley looks again"},
    {"closed", "H\nC", ON_UNKNOWN_RESEND, false, DELIVERY_DEFERRED, false,
     "it closed the connection without a reply"},
    {"silent", "H\nT", ON_UNKNOWN_RESEND, false, DELIVERY_DEFERRED, false, NULL},
};

Test(twilio, what_is_in_doubt_is_looked_up_first)
{
    for (size_t i = 0; i < ARRAY_COUNT(lookups); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        peer->http = true;
        peer->scripts[0] = lookups[i].script;
        peer_start(peer);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = harness_config("twilio", peer->url);
        config.on_unknown = lookups[i].on_unknown;
        config.on_unknown_given = true;
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 1, CHANNEL_SMS, "hello");
        h.deliveries[0].in_doubt = true;
        h.deliveries[0].attempt = 2;
        h.deliveries[0].left_behind = lookups[i].left_behind;
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 5 * NS_PER_S), "%s", lookups[i].name);
        cr_expect_eq(h.fates[0].verdict, lookups[i].verdict, "%s: %d", lookups[i].name,
                     h.fates[0].verdict);
        cr_expect_eq(h.fates[0].settled, lookups[i].settled, "%s", lookups[i].name);
        if (lookups[i].detail)
            cr_expect_str_eq(h.fates[0].detail, lookups[i].detail);
        cr_expect_eq(peer->taken[0], lookups[i].verdict == DELIVERY_SENT, "%s",
                     lookups[i].name);
        cr_expect(harness_stop(&h));
        peer_stop(peer);
        free(peer);
    }
}

Test(twilio, waits_for_a_server_that_is_not_there)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer_start(peer);
    peer_stop(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("twilio", peer->url);
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 10, CHANNEL_SMS, "hello");
    dispatch_submit(h.dispatch, h.deliveries);
    harness_run_for(&h, 300 * NS_PER_MS);
    cr_expect_eq(h.done, 0);
    struct dispatch_counters counters;
    dispatch_counters_read(h.dispatch, 0, &counters);
    cr_expect(counters.broken && counters.queued == 10, "%s", counters.trouble);
    cr_expect(harness_stop(&h));
    free(peer);
}
