/* Calls of many messages, tried through sendgrid, whose calls say the least about themselves. */
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define TAKEN "HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n\r\n"
#define BAD   "HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\ngarbage"

static const struct delivery_mail same = {.subject = TEXT("Hi"), .text = TEXT("for all")};
static const struct delivery_mail other = {.subject = TEXT("Hi"), .html = TEXT("<p>all")};

struct bench {
    struct peer *peer;
    struct harness h;
    uint32_t order[400]; /* rows, as they are done */
};

static void note_order(struct harness *h, struct delivery *delivery)
{
    struct bench *b = (struct bench *)((char *)h - offsetof(struct bench, h));
    b->order[h->done - 1] = delivery->row;
}

static struct bench *start(const char *reply, const char *script, unsigned connections,
                           unsigned batch, double rate_per_s)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->peer = calloc(1, sizeof(*b->peer));
    b->peer->http = true;
    b->peer->http_reply = reply;
    b->peer->scripts[0] = script;
    peer_start(b->peer);
    b->h = (struct harness){.intend_ns = 5 * NS_PER_MS, .on_done = note_order};
    struct provider_config config = harness_config("sendgrid", b->peer->url);
    config.api_key = "SG.x";
    config.max_connections = connections;
    config.batch = batch;
    config.max_message_rate_per_s = rate_per_s;
    config.timeout_ns = 2 * NS_PER_S;
    struct error err = {0};
    cr_assert_eq(harness_start(&b->h, &config, 1, &err), 0, "%s", err.text);
    return b;
}

static void fill(struct bench *b, size_t count)
{
    harness_fill(&b->h, count, CHANNEL_EMAIL, "");
    for (size_t i = 0; i < count; i++)
        b->h.deliveries[i].mail = &same;
}

static void stop(struct bench *b)
{
    cr_expect(harness_stop(&b->h));
    peer_stop(b->peer);
    free(b->peer);
    free(b);
}

static void expect_all(struct bench *b, enum delivery_verdict verdict)
{
    for (size_t i = 0; i < b->h.count; i++) {
        cr_expect_eq(b->h.fates[i].done, 1, "row %zu: %d", i, b->h.fates[i].done);
        cr_expect_eq(b->h.fates[i].verdict, verdict, "row %zu", i);
        cr_expect_eq(b->order[i], i, "row %u is the %zuth", b->order[i], i);
    }
}

Test(api, calls_fill_up_while_intents_are_written)
{
    struct bench *b = start(TAKEN, NULL, 1, 100, 0);
    fill(b, 400);
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    expect_all(b, DELIVERY_SENT);
    cr_expect(b->peer->total <= 5, "%d calls", b->peer->total);
    stop(b);
}

Test(api, a_rate_does_not_break_calls_up)
{
    struct bench *b = start(TAKEN, NULL, 8, 50, 1000);
    fill(b, 200);
    int64_t begun_ns = clock_steady_ns();
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    int64_t took_ns = clock_steady_ns() - begun_ns;
    expect_all(b, DELIVERY_SENT);
    /* 20 saved up, then about 15 every 15 ms */
    cr_expect(b->peer->total <= 25, "%d calls", b->peer->total);
    cr_expect(took_ns < 600 * NS_PER_MS, "%lld ms", (long long)(took_ns / NS_PER_MS));
    stop(b);
}

Test(api, a_lonely_message_does_not_wait)
{
    struct bench *b = start(TAKEN, NULL, 1, 0, 0);
    b->h.intend_at_once = true;
    fill(b, 1);
    int64_t begun_ns = clock_steady_ns();
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    /* connecting and answering included */
    cr_expect(clock_steady_ns() - begun_ns < 100 * NS_PER_MS);
    expect_all(b, DELIVERY_SENT);
    stop(b);
}

Test(api, what_does_not_join_leads_the_next_call)
{
    struct bench *b = start(TAKEN, NULL, 1, 0, 0);
    fill(b, 60);
    for (size_t i = 20; i < 40; i++)
        b->h.deliveries[i].mail = &other;
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    expect_all(b, DELIVERY_SENT);
    cr_expect_eq(b->peer->total, 3, "%d calls", b->peer->total);
    stop(b);
}

Test(api, what_cannot_be_sent_is_refused_beside_the_call)
{
    static const struct delivery_mail empty = {.subject = TEXT("Hi")};
    struct bench *b = start(TAKEN, NULL, 1, 0, 0);
    fill(b, 30);
    b->h.deliveries[7].mail = &empty;
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    for (size_t i = 0; i < 30; i++)
        cr_expect_eq(b->h.fates[i].verdict, i == 7 ? DELIVERY_FAILED : DELIVERY_SENT);
    cr_expect_eq(b->peer->total, 1);
    stop(b);
}

/* Nobody is named: 64 go again in calls of 8, then alone, where each fails for itself. */
Test(api, a_refused_call_is_split_until_the_culprits_are_alone)
{
    struct bench *b = start(BAD, NULL, 1, 64, 0);
    fill(b, 64);
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 5 * NS_PER_S));
    expect_all(b, DELIVERY_FAILED);
    cr_expect_eq(b->peer->total, 1 + 8 + 64, "%d calls", b->peer->total);
    cr_expect_eq(b->h.intended, 64, "no intent is made twice");
    stop(b);
}

/* The named one fails; the others go again at once, in their order, as the same attempt. */
Test(api, the_innocent_go_again_at_once)
{
    static const char script[] =
        "H\nX HTTP/1.1 400 Bad Request|Content-Length: 98||"
        "{\"errors\":[{\"message\":\"not a valid address\","
        "\"field\":\"personalizations.3.to.0.email\",\"help\":null}]}\nV";
    struct bench *b = start(TAKEN, script, 1, 0, 0);
    fill(b, 40);
    int64_t begun_ns = clock_steady_ns();
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 5 * NS_PER_S));
    cr_expect(clock_steady_ns() - begun_ns < 500 * NS_PER_MS);
    for (size_t i = 0; i < 40; i++) {
        cr_expect_eq(b->h.fates[i].done, 1);
        cr_expect_eq(b->h.fates[i].verdict, i == 3 ? DELIVERY_FAILED : DELIVERY_SENT);
        cr_expect_eq(b->order[i], i == 0 ? 3 : i <= 3 ? i - 1 : i);
    }
    cr_expect(b->h.fates[3].address_dead);
    stop(b);
}

Test(api, closing_waits_for_calls_under_way)
{
    struct bench *b =
        start(TAKEN, "H\nW 150\nX HTTP/1.1 202 Accepted|Content-Length: 0||", 1, 20, 0);
    fill(b, 50);
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    harness_run_for(&b->h, 60 * NS_PER_MS);
    dispatch_close(b->h.dispatch, harness_on_closed, &b->h);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    size_t sent = 0;
    for (size_t i = 0; i < 50; i++) {
        cr_expect_eq(b->h.fates[i].done, 1, "row %zu", i);
        sent += b->h.fates[i].verdict == DELIVERY_SENT;
        cr_expect(b->h.fates[i].verdict == DELIVERY_SENT ||
                  b->h.fates[i].reason == DELIVERY_CANCELLED);
    }
    cr_expect_eq(sent, 20, "%zu sent", sent);
    stop(b);
}

/* Message 20 was taken for the call behind; a pause, and whatever else ends the taking, gets it back. */
Test(api, what_leads_the_next_call_is_taken_back_too)
{
    struct bench *b =
        start(TAKEN, "H\nW 150\nX HTTP/1.1 202 Accepted|Content-Length: 0||", 1, 0, 0);
    fill(b, 40);
    for (size_t i = 20; i < 40; i++)
        b->h.deliveries[i].mail = &other;
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    harness_run_for(&b->h, 60 * NS_PER_MS);
    dispatch_withdraw(b->h.dispatch, &b->h.source);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S), "%zu done", b->h.done);
    for (size_t i = 0; i < 40; i++)
        cr_expect_eq(b->h.fates[i].reason, i < 20 ? DELIVERY_OK : DELIVERY_CANCELLED,
                     "row %zu: %d", i, b->h.fates[i].reason);
    stop(b);
}

/* The same where the provider stops: it gets no other call, and nothing hangs. */
Test(api, what_leads_the_next_call_is_not_sent_to_a_provider_that_refuses_us)
{
    struct bench *b =
        start(TAKEN, "H\nW 50\nX HTTP/1.1 401 Unauthorized|Content-Length: 0||", 1, 0, 0);
    fill(b, 40);
    for (size_t i = 20; i < 40; i++)
        b->h.deliveries[i].mail = &other;
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S), "%zu done", b->h.done);
    for (size_t i = 0; i < 40; i++)
        cr_expect_eq(b->h.fates[i].reason, DELIVERY_CREDENTIALS, "row %zu: %d", i,
                     b->h.fates[i].reason);
    cr_expect_eq(b->peer->total, 0, "%d calls", b->peer->total);
    stop(b);
}

Test(api, a_lost_call_leaves_all_its_messages_unknown)
{
    struct bench *b = start(TAKEN, "H\nC", 1, 20, 0);
    fill(b, 50);
    dispatch_submit(b->h.dispatch, b->h.deliveries);
    cr_expect(harness_run(&b->h, 3 * NS_PER_S));
    for (size_t i = 0; i < 50; i++)
        cr_expect_eq(b->h.fates[i].verdict, i < 20 ? DELIVERY_UNKNOWN : DELIVERY_SENT,
                     "row %zu: %d", i, b->h.fates[i].verdict);
    stop(b);
}
