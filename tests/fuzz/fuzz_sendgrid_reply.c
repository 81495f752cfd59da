/* Any body and status give every message a verdict that the status allows; of a call that is refused
 * some message is blamed. */
#include "outbox/providers/sendgrid_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 3)
        return 0;
    struct http_reply reply = {.end = HTTP_REPLY,
                               .status = 200 + (data[0] * 256u + data[1]) % 400,
                               .body = {(const char *)data + 3, bytes - 3}};
    struct api_call call = {.count = 1 + data[2] % 12};
    struct delivery_result results[12] = {0};
    buffer_room(&call.scratch, reply.body.bytes);
    const char *scratch = call.scratch.data;
    struct sendgrid_headers headers = {TEXT("m"), {(const char *)data + 2, 1}};
    sendgrid_judge(&call, &reply, headers, 1, results);
    CHECK(call.scratch.data == scratch);
    bool blamed = false;
    uint64_t sum = 0;
    for (size_t i = 0; i < call.count; i++) {
        CHECK((results[i].verdict == DELIVERY_SENT) == (reply.status < 300));
        CHECK(results[i].reason < DELIVERY_REASON_COUNT);
        CHECK(!results[i].address_dead || results[i].reason == DELIVERY_INVALID_ADDRESS);
        blamed |= results[i].verdict == DELIVERY_FAILED;
        for (size_t b = 0; b < results[i].detail.bytes; b++)
            sum += (unsigned char)results[i].detail.data[b];
    }
    CHECK(sum < UINT64_MAX);
    CHECK(reply.status != 400 || blamed);
    buffer_fini(&call.scratch);
    return 0;
}
