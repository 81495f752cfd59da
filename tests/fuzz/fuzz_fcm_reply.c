/* Any body with any status has a verdict, and any answer of a token endpoint gives a header of one
 * line or none. */
#include "outbox/api/bearer.h"
#include "outbox/providers/fcm_account.h"
#include "outbox/providers/fcm_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    struct text body = {(const char *)data + 2, bytes - 2};
    struct http_reply reply = {.end = HTTP_REPLY,
                               .status = 200 + (data[0] * 256u + data[1]) % 400,
                               .body = body};
    struct buffer scratch = {0}, header = {0};
    struct delivery_result result;
    struct api_verdict verdict = fcm_judge(&reply, data[0], data[1], &scratch, &result);
    CHECK((result.verdict == DELIVERY_SENT) == (reply.status < 300));
    CHECK(!result.address_dead || result.reason == DELIVERY_INVALID_ADDRESS);
    CHECK(result.verdict != DELIVERY_DEFERRED || verdict.wait_ns > 0);
    CHECK(result.detail.bytes == 0 || result.detail.data == scratch.data);
    int64_t life_ns = 0;
    buffer_clear(&scratch);
    if (bearer_parse(body, &header, &life_ns, &scratch) == 0)
        CHECK(life_ns > 0 && strcspn(header.data, "\r\n") == header.bytes);
    struct fcm_account account;
    if (fcm_account_parse(body, &account, NULL) == 0)
        CHECK(account.key && account.project_id[0]);
    fcm_account_fini(&account);
    buffer_fini(&header);
    buffer_fini(&scratch);
    return 0;
}
