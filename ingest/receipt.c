/* receipt: see receipt.h. */
#include "ingest/receipt.h"

#include "base/message.h"

static const char *const names[] = {
    [RECEIPT_NONE] = "none",
    [RECEIPT_DELIVERED] = "delivered",
    [RECEIPT_UNDELIVERED] = "undelivered",
    [RECEIPT_BOUNCED] = "bounced",
    [RECEIPT_READ] = "read",
    [RECEIPT_COMPLAINED] = "complained",
};
_Static_assert(ARRAY_COUNT(names) == RECEIPT_STATUS_COUNT, "every status has a name");

const char *receipt_status_name(enum receipt_status status)
{
    CHECK(status < RECEIPT_STATUS_COUNT);
    return names[status];
}

enum receipt_status receipt_status_parse(struct text name)
{
    for (int i = RECEIPT_DELIVERED; i < RECEIPT_STATUS_COUNT; i++) {
        if (text_is(name, names[i]))
            return (enum receipt_status)i;
    }
    return RECEIPT_NONE;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

struct text receipt_message_id(struct text value)
{
    value = text_trim(value);
    if (value.bytes > 0 && value.data[0] == '<')
        value = (struct text){value.data + 1, value.bytes - 1};
    if (value.bytes < MESSAGE_ID_HEX_BYTES ||
        (value.bytes > MESSAGE_ID_HEX_BYTES && value.data[MESSAGE_ID_HEX_BYTES] != '@'))
        return TEXT_NONE;
    for (size_t i = 0; i < MESSAGE_ID_HEX_BYTES; i++) {
        if (!is_hex(value.data[i]))
            return TEXT_NONE;
    }
    return (struct text){value.data, MESSAGE_ID_HEX_BYTES};
}

struct text receipt_code(struct text value, struct arena *arena)
{
    value = text_trim(value);
    size_t bytes = value.bytes < RECEIPT_CODE_BYTES ? value.bytes : RECEIPT_CODE_BYTES;
    for (size_t i = 0; i < bytes; i++) {
        if (value.data[i] <= ' ' || value.data[i] > '~')
            bytes = i;
    }
    return arena_text(arena, (struct text){bytes ? value.data : "", bytes});
}
