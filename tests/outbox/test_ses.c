#include "outbox/providers/ses_reply.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* What each refusal of a call of two means for its messages. */
static const struct {
    unsigned status;
    const char *type; /* the header */
    const char *body;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool stop, slow, broken, split;
    int64_t wait_s;
    const char *detail;
} refusals[] = {
    {429, "TooManyRequestsException", "{\"message\":\"Maximum sending rate exceeded.\"}",
     DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true, .wait_s = 7,
     .detail = "Maximum sending rate exceeded."},
    {400, "ThrottlingException:http://x/",
     "{\"message\":\"Daily message quota exceeded\"}", DELIVERY_DEFERRED,
     DELIVERY_THROTTLED, .slow = true, .wait_s = 3600,
     .detail = "Daily message quota exceeded"},
    {400, NULL, "{\"__type\":\"com.amazonaws#AccountSuspendedException\"}",
     DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true,
     .detail = "AccountSuspendedException"},
    {400, "SendingPausedException", "", DELIVERY_FAILED, DELIVERY_CREDENTIALS,
     .stop = true, .detail = "SendingPausedException"},
    {403, "SignatureDoesNotMatch", "{\"Message\":\"no\"}", DELIVERY_FAILED,
     DELIVERY_CREDENTIALS, .stop = true, .detail = "no"},
    {403, NULL, "<html>", DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true,
     .detail = ""},
    {400, "BadRequestException", "{\"message\":\"bad\"}", DELIVERY_FAILED,
     DELIVERY_REJECTED, .split = true, .detail = "bad"},
    {400, "MessageRejected", "{\"message\":\"virus\"}", DELIVERY_FAILED,
     DELIVERY_REJECTED, .split = true, .detail = "virus"},
    {400, "MailFromDomainNotVerifiedException", "{\"message\":\"whose\"}",
     DELIVERY_FAILED, DELIVERY_REJECTED, .detail = "whose"},
    {404, "NotFoundException", "{}", DELIVERY_FAILED, DELIVERY_REJECTED,
     .detail = "NotFoundException"},
    {413, NULL, "", DELIVERY_FAILED, DELIVERY_TOO_LARGE, .split = true, .detail = ""},
    {500, "InternalFailure", "{}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .broken = true,
     .detail = "InternalFailure"},
    {503, "ThrottlingException", "{}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     .broken = true, .detail = "ThrottlingException"},
    {302, NULL, "", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, .broken = true, .detail = ""},
    {200, NULL, "no JSON", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     .detail = "no status for each mail in a 2xx, so it may be sent; find its volley_id "
               "in SES's events"},
    {200, NULL, "{\"BulkEmailEntryResults\":[{\"Status\":\"SUCCESS\"}]}",
     DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY,
     .detail = "no status for each mail in a 2xx, so it may be sent; find its volley_id "
               "in SES's events"},
};

static struct api_verdict judge(struct api_call *call, unsigned status, const char *type,
                                const char *body, bool bulk,
                                struct delivery_result *results)
{
    const struct http_reply reply = {.end = HTTP_REPLY,
                                     .status = status,
                                     .body = text_of(body),
                                     .retry_after_ns = 7 * NS_PER_S};
    buffer_clear(&call->scratch);
    buffer_room(&call->scratch, reply.body.bytes);
    memset(results, 0, call->count * sizeof(*results));
    return ses_judge(call, &reply, text_of(type), bulk, results);
}

static void expect_text(struct text t, const char *want, size_t i)
{
    cr_expect(text_equal(t, text_of(want)) || (t.bytes == 0 && !*want),
              "case %zu: \"%.*s\"", i, TEXT_ARGS(t));
}

Test(ses, every_refusal_has_its_meaning)
{
    struct api_call call = {.count = 2};
    struct delivery_result results[2];
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        struct api_verdict verdict = judge(&call, refusals[i].status, refusals[i].type,
                                           refusals[i].body, true, results);
        for (size_t m = 0; m < 2; m++) {
            cr_expect_eq(results[m].verdict, refusals[i].verdict, "case %zu", i);
            cr_expect_eq(results[m].reason, refusals[i].reason, "case %zu", i);
            expect_text(results[m].detail, refusals[i].detail, i);
        }
        cr_expect_eq(verdict.stop, refusals[i].stop, "case %zu", i);
        cr_expect_eq(verdict.slow_down, refusals[i].slow, "case %zu", i);
        cr_expect_eq(verdict.broken, refusals[i].broken, "case %zu", i);
        cr_expect_eq(verdict.split, refusals[i].split, "case %zu", i);
        if (refusals[i].slow)
            cr_expect_eq(verdict.wait_ns, refusals[i].wait_s * NS_PER_S, "case %zu", i);
    }
    buffer_fini(&call.scratch);
}

static const struct {
    const char *status;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool stop, slow;
} entries[] = {
    {"SUCCESS", DELIVERY_SENT, DELIVERY_OK, false, false},
    {"MESSAGE_REJECTED", DELIVERY_FAILED, DELIVERY_REJECTED, false, false},
    {"MAIL_FROM_DOMAIN_NOT_VERIFIED", DELIVERY_FAILED, DELIVERY_REJECTED, false, false},
    {"ACCOUNT_SUSPENDED", DELIVERY_FAILED, DELIVERY_CREDENTIALS, true, false},
    {"ACCOUNT_SENDING_PAUSED", DELIVERY_FAILED, DELIVERY_CREDENTIALS, true, false},
    {"ACCOUNT_THROTTLED", DELIVERY_DEFERRED, DELIVERY_THROTTLED, false, true},
    {"ACCOUNT_DAILY_QUOTA_EXCEEDED", DELIVERY_DEFERRED, DELIVERY_THROTTLED, false, true},
    {"TRANSIENT_FAILURE", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, false},
    {"A_NEW_ONE", DELIVERY_FAILED, DELIVERY_REJECTED, false, false},
};

Test(ses, every_entry_has_its_own_fate)
{
    struct api_call call = {.count = 3};
    struct delivery_result results[3];
    for (size_t i = 0; i < ARRAY_COUNT(entries); i++) {
        char body[512];
        snprintf(
            body, sizeof(body),
            "{\"BulkEmailEntryResults\":[{\"Status\":\"SUCCESS\",\"MessageId\":\"a\"},"
            "{\"Status\":\"%s\",\"Error\":\"why\",\"MessageId\":\"b\"},"
            "{\"Status\":\"SUCCESS\",\"MessageId\":\"c\"}]}",
            entries[i].status);
        struct api_verdict verdict = judge(&call, 200, NULL, body, true, results);
        expect_text(results[0].provider_id, "a", i);
        expect_text(results[2].provider_id, "c", i);
        cr_expect_eq(results[1].verdict, entries[i].verdict, "case %zu", i);
        cr_expect_eq(results[1].reason, entries[i].reason, "case %zu", i);
        expect_text(entries[i].verdict == DELIVERY_SENT ? results[1].provider_id
                                                        : results[1].detail,
                    entries[i].verdict == DELIVERY_SENT ? "b" : "why", i);
        cr_expect_eq(verdict.stop, entries[i].stop, "case %zu", i);
        cr_expect_eq(verdict.slow_down, entries[i].slow, "case %zu", i);
        cr_expect(!verdict.split && !verdict.broken, "case %zu", i);
    }
    call.count = 1;
    judge(&call, 200, NULL, "{\"MessageId\":\"d\"}", false, results);
    cr_expect_eq(results[0].verdict, DELIVERY_SENT);
    expect_text(results[0].provider_id, "d", 0);
    static const char *const errors[] = {"", "<html>log in", "{\"message\":\"no\"}",
                                         "{\"MessageId\":null}", "{\"MessageId\":\"\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        judge(&call, 200, NULL, errors[i], false, results);
        cr_expect_eq(results[0].verdict, DELIVERY_UNKNOWN, "200 with %s", errors[i]);
    }
    buffer_fini(&call.scratch);
}
