/* fuzz_receipt: lines and mails that tell what became of messages. Input: a byte, even for a line, odd
 * for a mail; the rest is it. What comes out is complete and
 * within its bounds. */
#include "ingest/receipt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t sum;

static void touch(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++)
        sum += (unsigned char)t.data[i];
}

static void on_receipt(void *arg, const struct receipt *receipt)
{
    int *count = arg;
    ++*count;
    CHECK(receipt->status > RECEIPT_NONE && receipt->status < RECEIPT_STATUS_COUNT);
    CHECK(receipt->message_id.data || receipt->provider_id.data || receipt->address.data);
    CHECK(!receipt->message_id.data || receipt->message_id.bytes == 32);
    CHECK(receipt->code.bytes <= RECEIPT_CODE_BYTES);
    touch(receipt->message_id);
    touch(receipt->provider_id);
    touch(receipt->address);
    touch(receipt->code);
    touch(receipt->detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena arena;
    struct error err;
    int count = 0;
    if (bytes < 1 || arena_init(&arena, (size_t)64 << 20, &err))
        return 0;
    char *copy = malloc(bytes); /* of just that size, so that a byte too far is seen */
    CHECK(copy != NULL);
    memcpy(copy, data + 1, bytes - 1);
    struct text rest = {copy, bytes - 1};
    if (data[0] % 2 == 0) {
        int said = receipt_parse(rest, &arena, on_receipt, &count, &err);
        CHECK(said < 0 || said == count);
        CHECK(said >= 0 || err.text[0] != '\0');
    } else {
        struct receipt receipt;
        if (receipt_parse_mail(rest, &arena, &receipt) == 1)
            on_receipt(&count, &receipt);
    }
    CHECK(sum < UINT64_MAX);
    free(copy);
    arena_fini(&arena);
    return 0;
}
