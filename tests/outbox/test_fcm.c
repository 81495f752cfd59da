#include "outbox/api/bearer.h"
#include "outbox/providers/fcm_account.h"
#include "outbox/providers/fcm_reply.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#define DETAIL(code)                                                                     \
    "{\"error\":{\"message\":\"m\",\"details\":[{\"errorCode\":\"" code "\"}]}}"
#define BLAME(field)                                                                     \
    "{\"error\":{\"details\":[{\"errorCode\":\"INVALID_ARGUMENT\"},{"                    \
    "\"fieldViolations\":"                                                               \
    "[{\"field\":\"" field "\"}]}]}}"

static const struct {
    unsigned status;
    const char *body;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool dead, stop, slow, broken;
    const char *words; /* provider id when sent, else detail */
} cases[] = {
    {200, "{\"name\":\"projects/p/messages/1\"}", DELIVERY_SENT, DELIVERY_OK,
     .words = "projects/p/messages/1"},
    {200, "", DELIVERY_SENT, DELIVERY_OK, .words = ""},
    {404, DETAIL("UNREGISTERED"), DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, .dead = true,
     .words = "m"},
    /* the project, not the device */
    {404, "{\"error\":{\"status\":\"NOT_FOUND\"}}", DELIVERY_FAILED, DELIVERY_REJECTED,
     .words = ""},
    {404, "<html>", DELIVERY_FAILED, DELIVERY_REJECTED, .words = ""},
    {403, DETAIL("SENDER_ID_MISMATCH"), DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS,
     .words = "m"},
    {403, "{\"error\":{\"status\":\"PERMISSION_DENIED\"}}", DELIVERY_FAILED,
     DELIVERY_CREDENTIALS, .stop = true, .words = ""},
    {400, DETAIL("INVALID_ARGUMENT"), DELIVERY_FAILED, DELIVERY_REJECTED, .words = "m"},
    {400, BLAME("message.token"), DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, .dead = true,
     .words = ""},
    {400, BLAME("message.data"), DELIVERY_FAILED, DELIVERY_REJECTED, .words = ""},
    {401, "{\"error\":{\"message\":\"m\",\"status\":\"UNAUTHENTICATED\"}}",
     DELIVERY_FAILED, DELIVERY_CREDENTIALS, .stop = true, .words = "m"},
    {401, DETAIL("THIRD_PARTY_AUTH_ERROR"), DELIVERY_FAILED, DELIVERY_CREDENTIALS,
     .words = "m"},
    {429, DETAIL("QUOTA_EXCEEDED"), DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true,
     .words = "m"},
    {503, DETAIL("UNAVAILABLE"), DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true,
     .words = "m"},
    {503, "", DELIVERY_DEFERRED, DELIVERY_THROTTLED, .slow = true, .words = ""},
    {500, DETAIL("INTERNAL"), DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .broken = true,
     .words = "m"},
    {502, "<!DOCTYPE html>", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, .broken = true,
     .words = ""},
};

static struct api_verdict judge(unsigned status, const char *body, unsigned attempt,
                                int64_t retry_after_ns, struct buffer *scratch,
                                struct delivery_result *result)
{
    struct http_reply reply = {.end = HTTP_REPLY,
                               .status = status,
                               .body = text_of(body),
                               .retry_after_ns = retry_after_ns};
    return fcm_judge(&reply, attempt, 0, scratch, result);
}

Test(fcm, every_answer_has_its_meaning)
{
    struct buffer scratch = {0};
    struct delivery_result r;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct api_verdict v = judge(cases[i].status, cases[i].body, 1, 0, &scratch, &r);
        cr_expect_eq(r.verdict, cases[i].verdict, "case %zu", i);
        cr_expect_eq(r.reason, cases[i].reason, "case %zu", i);
        cr_expect_eq(r.address_dead, cases[i].dead, "case %zu", i);
        cr_expect_eq(v.stop, cases[i].stop, "case %zu", i);
        cr_expect_eq(v.slow_down, cases[i].slow, "case %zu", i);
        cr_expect_eq(v.broken, cases[i].broken, "case %zu", i);
        struct text words = r.verdict == DELIVERY_SENT ? r.provider_id : r.detail;
        cr_expect(text_equal(words, text_of(cases[i].words)), "case %zu: %.*s", i,
                  TEXT_ARGS(words));
    }
    buffer_fini(&scratch);
}

Test(fcm, waits_as_google_says)
{
    struct buffer scratch = {0};
    struct delivery_result r;
    cr_expect_eq(judge(503, "", 1, 3 * NS_PER_S, &scratch, &r).wait_ns, 3 * NS_PER_S);
    cr_expect_eq(judge(503, "", 1, 0, &scratch, &r).wait_ns, 10 * NS_PER_S);
    cr_expect_eq(judge(503, "", 3, 0, &scratch, &r).wait_ns, 40 * NS_PER_S);
    cr_expect_eq(judge(500, "", 2, 0, &scratch, &r).wait_ns, 20 * NS_PER_S);
    cr_expect_eq(judge(429, "", 1, 0, &scratch, &r).wait_ns, 60 * NS_PER_S);
    cr_expect_eq(judge(429, "", 255, 0, &scratch, &r).wait_ns, 3600 * NS_PER_S);
    buffer_fini(&scratch);
}

Test(fcm, a_token_is_read_or_refused)
{
    static const struct {
        const char *reply, *header;
        int64_t life_s;
        const char *words;
    } replies[] = {
        {"{\"access_token\":\"ya29.x\",\"expires_in\":3599}",
         "Authorization: Bearer ya29.x", .life_s = 3599},
        {"{\"access_token\":\"a\",\"expires_in\":999999}", "Authorization: Bearer a",
         .life_s = 3600},
        {"{\"access_token\":\"a\"}", "Authorization: Bearer a", .life_s = 3600},
        {"{\"access_token\":\"a\\r\\nX: y\"}", .words = "no access token in the answer"},
        {"{\"access_token\":\"a\",\"expires_in\":0}",
         .words = "no access token in the answer"},
        {"{\"access_token\":7}", .words = "no access token in the answer"},
        {"<html>", .words = "no access token in the answer"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Bad\"}",
         .words = "invalid_grant: Bad"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
        struct buffer header = {0}, words = {0};
        int64_t life_ns = 0;
        int rc = bearer_parse(text_of(replies[i].reply), &header, &life_ns, &words);
        cr_expect_eq(rc == 0, replies[i].header != NULL, "case %zu", i);
        cr_expect_eq(life_ns, replies[i].life_s * NS_PER_S, "case %zu", i);
        if (rc == 0)
            cr_expect_str_eq(header.data, replies[i].header);
        else
            cr_expect_str_eq(words.data, replies[i].words);
        buffer_fini(&header);
        buffer_fini(&words);
    }
}

Test(fcm, calls_under_way_with_a_refused_token_refuse_it_once)
{
    struct bearer bearer = {.serial = 1, .end_ns = INT64_MAX};
    cr_expect(bearer_refused(&bearer, 1)); /* asks for another */
    cr_expect_eq(bearer.end_ns, 0);
    cr_expect(bearer_refused(&bearer, 1));
    bearer.serial++; /* as the fetch does */
    cr_expect(bearer_refused(&bearer, 1));
    cr_expect_not(bearer_refused(&bearer, bearer.serial)); /* the second in a row */
    bearer_accepted(&bearer, bearer.serial);
    cr_expect(bearer_refused(&bearer, bearer.serial));
}

Test(fcm, what_is_wrong_with_an_account_is_said)
{
    static const struct {
        const char *json, *words;
    } accounts[] = {
        {"", "not JSON"},
        {"{}", "\"project_id\" is missing"},
        {"{\"project_id\":\"p\",\"client_email\":\"\"}", "\"client_email\" is missing"},
        {"{\"project_id\":\"p\",\"client_email\":\"e\"}", "\"private_key\" is missing"},
        {"{\"project_id\":\"a/b\",\"client_email\":\"e\",\"private_key\":\"k\"}",
         "no project's id"},
        {"{\"project_id\":\"p\",\"client_email\":\"e\",\"private_key\":\"k\","
         "\"token_uri\":\"file:///x\"}",
         "token_uri"},
        {"{\"project_id\":\"p\",\"client_email\":\"e\",\"private_key\":\"k\"}",
         "\"private_key\": no private key in PEM"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(accounts); i++) {
        struct fcm_account account;
        struct error err = {0};
        cr_expect_lt(fcm_account_parse(text_of(accounts[i].json), &account, &err), 0);
        cr_expect(strstr(err.text, accounts[i].words), "case %zu: %s", i, err.text);
        fcm_account_fini(&account);
    }
}
