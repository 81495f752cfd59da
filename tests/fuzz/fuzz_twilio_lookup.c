/* Any page is no list, or the message is in it or not, and a next page is a path on the same host. */
#include "outbox/providers/twilio_lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct twilio_wanted wanted = {.from = TEXT("+15005550006"),
                                   .to = TEXT("+15550000001"),
                                   .body = TEXT("hi"),
                                   .since_ns = 1000};
    struct buffer scratch = {0};
    struct delivery_result result = {0};
    enum twilio_find find =
        twilio_find((struct text){(const char *)data, bytes}, &wanted, &scratch, &result);
    if (find == TWILIO_FOUND)
        CHECK(result.verdict == DELIVERY_SENT || result.verdict == DELIVERY_FAILED);
    if (find == TWILIO_NEXT_PAGE)
        CHECK(scratch.bytes > 1 && scratch.data[0] == '/' && scratch.data[1] != '/' &&
              strlen(scratch.data) == scratch.bytes);
    buffer_fini(&scratch);
    return 0;
}
