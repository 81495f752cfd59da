/* Any body with any status has a verdict that is one of those allowed for the status. */
#include "outbox/providers/twilio_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    struct http_reply reply = {.end = HTTP_REPLY,
                               .status = 200 + (data[0] * 256u + data[1]) % 400,
                               .body = {(const char *)data + 2, bytes - 2}};
    struct delivery_result verdict, *result = &verdict;
    struct buffer scratch = {0};
    twilio_judge(&reply, &scratch, result);
    CHECK((result->verdict == DELIVERY_SENT) == (result->provider_id.data != NULL));
    CHECK(result->verdict != DELIVERY_SENT || reply.status < 300);
    CHECK(result->provider_id.data == NULL || result->provider_id.bytes == 34);
    CHECK(result->reason < DELIVERY_REASON_COUNT);
    CHECK(!result->address_dead || result->reason == DELIVERY_INVALID_ADDRESS);
    uint64_t sum = 0; /* the texts must still be there */
    for (size_t i = 0; i < result->detail.bytes; i++)
        sum += (unsigned char)result->detail.data[i];
    CHECK(sum < UINT64_MAX);
    buffer_fini(&scratch);
    return 0;
}
