/* Any body, error type and status give every message a verdict that the status allows, with texts that
 * are still there. */
#include "outbox/providers/ses_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 4)
        return 0;
    size_t type_bytes = data[3] % 64 < bytes - 4 ? data[3] % 64 : 0;
    const char *rest = (const char *)data + 4;
    struct http_reply reply = {.end = HTTP_REPLY,
                               .status = 200 + (data[0] * 256u + data[1]) % 400,
                               .body = {rest + type_bytes, bytes - 4 - type_bytes}};
    struct api_call call = {.count = 1 + data[2] % 4};
    struct delivery_result results[4] = {0};
    struct text type = type_bytes ? (struct text){rest, type_bytes} : TEXT_NONE;
    bool bulk = data[2] & 128;
    call.count = bulk ? call.count : 1;
    buffer_room(&call.scratch, reply.body.bytes);
    const char *scratch = call.scratch.data;
    ses_judge(&call, &reply, type, bulk, results);
    CHECK(call.scratch.data == scratch);
    uint64_t sum = 0;
    for (size_t i = 0; i < call.count; i++) {
        CHECK(results[i].verdict != DELIVERY_SENT || reply.status < 300);
        CHECK(results[i].verdict == DELIVERY_SENT || reply.status >= 300 || bulk);
        CHECK(results[i].reason < DELIVERY_REASON_COUNT);
        const struct text texts[] = {results[i].detail, results[i].provider_id};
        for (size_t t = 0; t < 2; t++) {
            for (size_t b = 0; b < texts[t].bytes; b++)
                sum += (unsigned char)texts[t].data[b];
        }
    }
    CHECK(sum < UINT64_MAX);
    buffer_fini(&call.scratch);
    return 0;
}
