#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define REPLY(status, body_bytes, body)                                                  \
    "HTTP/1.1 " status "\r\nContent-Length: " body_bytes "\r\n\r\n" body

static const struct {
    const char *reply;
    enum channel channel;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool dead;
    const char *id;
} cases[] = {
    {REPLY("200 OK", "12", "{\"id\":\"a-7\"}"), CHANNEL_PUSH, DELIVERY_SENT, DELIVERY_OK,
     false, "a-7"},
    {REPLY("204 No Content", "0", ""), CHANNEL_INAPP, DELIVERY_SENT, DELIVERY_OK, false,
     ""},
    {REPLY("200 OK", "5", "<htm>"), CHANNEL_PUSH, DELIVERY_SENT, DELIVERY_OK, false, ""},
    {REPLY("410 Gone", "0", ""), CHANNEL_PUSH, DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS,
     true, ""},
    {REPLY("404 Not Found", "0", ""), CHANNEL_INAPP, DELIVERY_FAILED,
     DELIVERY_INVALID_ADDRESS, false, ""},
    {REPLY("400 Bad", "2", "no"), CHANNEL_PUSH, DELIVERY_FAILED, DELIVERY_REJECTED, false,
     ""},
    {REPLY("403 No", "0", ""), CHANNEL_PUSH, DELIVERY_FAILED, DELIVERY_REJECTED, false,
     ""},
    {REPLY("401 Who", "0", ""), CHANNEL_PUSH, DELIVERY_FAILED, DELIVERY_CREDENTIALS,
     false, ""},
    {REPLY("413 Large", "0", ""), CHANNEL_PUSH, DELIVERY_FAILED, DELIVERY_TOO_LARGE,
     false, ""},
    {REPLY("429 Slow\r\nRetry-After: 7", "0", ""), CHANNEL_PUSH, DELIVERY_DEFERRED,
     DELIVERY_THROTTLED, false, ""},
    {REPLY("503 Slow", "0", ""), CHANNEL_PUSH, DELIVERY_DEFERRED, DELIVERY_THROTTLED,
     false, ""},
    {REPLY("500 Oops", "0", ""), CHANNEL_PUSH, DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     false, ""},
    {REPLY("302 There\r\nLocation: /x", "0", ""), CHANNEL_PUSH, DELIVERY_DEFERRED,
     DELIVERY_TEMPORARY, false, ""},
};

Test(webhook, every_status_has_its_meaning)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        peer->http = true;
        peer->http_reply = cases[i].reply;
        peer_start(peer);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = harness_config("webhook", peer->url);
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 1, cases[i].channel, "hello");
        h.deliveries[0].title = TEXT("T\"itle");
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 3 * NS_PER_S), "case %zu", i);
        const struct fate *fate = &h.fates[0];
        cr_expect_eq(fate->verdict, cases[i].verdict, "case %zu: %d", i, fate->verdict);
        cr_expect_eq(fate->reason, cases[i].reason, "case %zu: %s", i,
                     delivery_reason_name(fate->reason));
        cr_expect_eq(fate->address_dead, cases[i].dead, "case %zu", i);
        cr_expect_str_eq(fate->provider_id, cases[i].id, "case %zu", i);
        if (strstr(cases[i].reply, "Retry-After"))
            cr_expect(fate->wait_ns > 6 * NS_PER_S && fate->wait_ns <= 7 * NS_PER_S);
        cr_expect_eq(peer->total, 1);
        cr_expect(harness_stop(&h));
        peer_stop(peer);
        free(peer);
    }
}

static void submit_next(struct harness *h, struct delivery *delivery)
{
    if (delivery->row == 0)
        dispatch_submit(h->dispatch, &h->deliveries[1]);
}

/* Nothing is under way then whose answer would wake anybody. */
Test(webhook, what_comes_during_a_pause_goes_behind_it)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer->scripts[0] = "H\nX HTTP/1.1 429 Slow|Retry-After: 1|Content-Length: 0||\nC\n";
    peer->http_reply = REPLY("200 OK", "0", "");
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS, .on_done = submit_next};
    struct error err = {0};
    struct provider_config config = harness_config("webhook", peer->url);
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 2, CHANNEL_PUSH, "hello");
    h.deliveries[0].next = NULL;
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 5 * NS_PER_S));
    cr_expect_eq(h.fates[0].reason, DELIVERY_THROTTLED);
    cr_expect_eq(h.fates[1].verdict, DELIVERY_SENT);
    cr_expect(harness_stop(&h));
    peer_stop(peer);
    free(peer);
}
