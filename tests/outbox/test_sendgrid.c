#include "outbox/providers/sendgrid_reply.h"
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define ERRORS(field, message)                                                           \
    "{\"errors\":[{\"message\":\"" message "\",\"field\":" field ",\"help\":null}]}"
#define AGAIN DELIVERY_DEFERRED, DELIVERY_OK

/* Calls of three; the second message's fate stands beside the others'. */
static const struct {
    unsigned status;
    const char *body;
    enum delivery_verdict others;
    enum delivery_reason others_reason;
    enum delivery_verdict second;
    enum delivery_reason second_reason;
    bool stop, slow, broken, split, dead;
    int64_t wait_s;
} cases[] = {
    {202, "", DELIVERY_SENT, DELIVERY_OK, DELIVERY_SENT, DELIVERY_OK, .stop = false},
    {200, "", DELIVERY_SENT, DELIVERY_OK, DELIVERY_SENT, DELIVERY_OK, .stop = false},
    {202, "{\"errors\":[{\"message\":\"x\"}]}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .stop = false},
    {400,
     ERRORS("\"personalizations.1.to.0.email\"", "Does not contain a valid address."),
     AGAIN, DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, .dead = true},
    {400, ERRORS("\"personalizations.1.headers\"", "no"), AGAIN, DELIVERY_FAILED,
     DELIVERY_REJECTED, .stop = false},
    {400, ERRORS("\"personalizations.7.to\"", "not of this call"), DELIVERY_FAILED,
     DELIVERY_REJECTED, DELIVERY_FAILED, DELIVERY_REJECTED, .split = true},
    {400, ERRORS("\"personalizations.99999999999999999999.to\"", "no"), DELIVERY_FAILED,
     DELIVERY_REJECTED, DELIVERY_FAILED, DELIVERY_REJECTED, .split = true},
    {400, ERRORS("null", "Bad Request"), DELIVERY_FAILED, DELIVERY_REJECTED,
     DELIVERY_FAILED, DELIVERY_REJECTED, .split = true},
    {400, ERRORS("\"content.0.value\"", "empty"), DELIVERY_FAILED, DELIVERY_REJECTED,
     DELIVERY_FAILED, DELIVERY_REJECTED, .stop = false},
    {400, "garbage", DELIVERY_FAILED, DELIVERY_REJECTED, DELIVERY_FAILED,
     DELIVERY_REJECTED, .split = true},
    {401, ERRORS("null", "authorization"), DELIVERY_FAILED, DELIVERY_CREDENTIALS,
     DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true},
    {401, ERRORS("null", "Maximum credits exceeded"), DELIVERY_DEFERRED,
     DELIVERY_THROTTLED, DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true,
     .wait_s = 3600},
    {403, "", DELIVERY_FAILED, DELIVERY_CREDENTIALS, DELIVERY_FAILED,
     DELIVERY_CREDENTIALS, .stop = true},
    {403, ERRORS("\"from\"", "not a verified Sender Identity"), DELIVERY_FAILED,
     DELIVERY_REJECTED, DELIVERY_FAILED, DELIVERY_REJECTED, .stop = false},
    {413, "", DELIVERY_FAILED, DELIVERY_TOO_LARGE, DELIVERY_FAILED, DELIVERY_TOO_LARGE,
     .split = true},
    {429, "", DELIVERY_DEFERRED, DELIVERY_THROTTLED, DELIVERY_DEFERRED,
     DELIVERY_THROTTLED, .slow = true, .wait_s = 9},
    {408, "", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, DELIVERY_DEFERRED,
     DELIVERY_TEMPORARY, .stop = false},
    {302, "", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, DELIVERY_DEFERRED,
     DELIVERY_TEMPORARY, .broken = true},
    {500, "", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     .broken = true},
};

Test(sendgrid, every_answer_has_its_meaning)
{
    struct api_call call = {.count = 3};
    const struct sendgrid_headers headers = {TEXT("m-1"), TEXT("1009")};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct http_reply reply = {
            .end = HTTP_REPLY, .status = cases[i].status, .body = text_of(cases[i].body)};
        struct delivery_result results[3] = {0};
        buffer_clear(&call.scratch);
        buffer_room(&call.scratch, reply.body.bytes);
        struct api_verdict verdict =
            sendgrid_judge(&call, &reply, headers, 1000, results);
        for (size_t m = 0; m < 3; m++) {
            cr_expect_eq(results[m].verdict, m == 1 ? cases[i].second : cases[i].others,
                         "case %zu, message %zu: %d", i, m, results[m].verdict);
            cr_expect_eq(results[m].reason,
                         m == 1 ? cases[i].second_reason : cases[i].others_reason,
                         "case %zu, message %zu", i, m);
            cr_expect_eq(results[m].address_dead, m == 1 && cases[i].dead, "case %zu", i);
            cr_expect_eq(text_is(results[m].provider_id, "m-1"),
                         results[m].verdict == DELIVERY_SENT);
        }
        cr_expect_eq(verdict.stop, cases[i].stop, "case %zu", i);
        cr_expect_eq(verdict.slow_down, cases[i].slow, "case %zu", i);
        cr_expect_eq(verdict.broken, cases[i].broken, "case %zu", i);
        cr_expect_eq(verdict.split, cases[i].split, "case %zu", i);
        cr_expect_eq(verdict.wait_ns, cases[i].wait_s * NS_PER_S, "case %zu", i);
    }
    buffer_fini(&call.scratch);
}

/* Through the real client: the id comes from a header, and is there when results are told. */
Test(sendgrid, takes_the_id_from_the_header)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer->http_reply =
        "HTTP/1.1 202 Accepted\r\nx-message-id: abc-7\r\nContent-Length: 0\r\n\r\n";
    peer_start(peer);
    struct harness h = {.intend_ns = NS_PER_MS};
    struct error err = {0};
    struct provider_config config = harness_config("sendgrid", peer->url);
    config.access_key = config.region = config.session_token = "";
    config.api_key = "SG.x";
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 40, CHANNEL_EMAIL, "");
    const struct delivery_mail mail = {.subject = TEXT("Hi"), .text = TEXT("the same")};
    for (size_t i = 0; i < h.count; i++)
        h.deliveries[i].mail = &mail;
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 3 * NS_PER_S));
    for (size_t i = 0; i < h.count; i++) {
        cr_expect_eq(h.fates[i].verdict, DELIVERY_SENT);
        cr_expect_str_eq(h.fates[i].provider_id, "abc-7");
    }
    cr_expect_eq(peer->total, 1, "one call for all: %d", peer->total);
    cr_expect(harness_stop(&h));
    peer_stop(peer);
    free(peer);
}
