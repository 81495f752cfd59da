/* message: see message.h. */
#include "base/message.h"

#include "base/check.h"

#include <endian.h>

static const char *const channels[] = {
    [CHANNEL_SMS] = "sms",
    [CHANNEL_EMAIL] = "email",
    [CHANNEL_PUSH] = "push",
    [CHANNEL_INAPP] = "inapp",
};

static const char *const categories[] = {
    [CATEGORY_MARKETING] = "marketing",
    [CATEGORY_TRANSACTIONAL] = "transactional",
    [CATEGORY_MANUAL] = "manual",
};

static const char *const dispositions[] = {
    [DISPOSITION_NONE] = "none",
    [DISPOSITION_SEND] = "send",
    [DISPOSITION_FALLBACK_EMAIL] = "fallback_email",
    [DISPOSITION_FROM_FALLBACK] = "from_fallback",
    [DISPOSITION_OPTED_OUT] = "opted_out",
    [DISPOSITION_NOT_ENROLLED] = "not_enrolled",
    [DISPOSITION_NO_ADDRESS] = "no_address",
    [DISPOSITION_INVALID_ADDRESS] = "invalid_address",
    [DISPOSITION_NOT_VERIFIED] = "not_verified",
    [DISPOSITION_NOTIFICATIONS_OFF] = "notifications_off",
    [DISPOSITION_DUPLICATE] = "duplicate",
    [DISPOSITION_OTHER_CHANNEL] = "other_channel",
    [DISPOSITION_OVER_LIMIT] = "over_limit",
    [DISPOSITION_DEAD_ADDRESS] = "dead_address",
    [DISPOSITION_EMPTY_TEXT] = "empty_text",
    [DISPOSITION_TOO_LONG] = "too_long",
    [DISPOSITION_QUOTA] = "quota",
    [DISPOSITION_QUOTA_THEN_OPTED_OUT] = "quota_then_opted_out",
    [DISPOSITION_QUOTA_THEN_NO_ADDRESS] = "quota_then_no_address",
    [DISPOSITION_QUOTA_THEN_INVALID_ADDRESS] = "quota_then_invalid_address",
    [DISPOSITION_QUOTA_THEN_NOT_VERIFIED] = "quota_then_not_verified",
    [DISPOSITION_QUOTA_THEN_NOTIFICATIONS_OFF] = "quota_then_notifications_off",
    [DISPOSITION_QUOTA_THEN_DUPLICATE] = "quota_then_duplicate",
    [DISPOSITION_QUOTA_THEN_DEAD_ADDRESS] = "quota_then_dead_address",
    [DISPOSITION_QUOTA_THEN_EMPTY_TEXT] = "quota_then_empty_text",
    [DISPOSITION_SETTLED_BEFORE] = "settled_before",
    [DISPOSITION_FREQUENCY_CAP] = "frequency_cap",
};
_Static_assert(ARRAY_COUNT(dispositions) == DISPOSITION_COUNT,
               "every disposition has a name");

static const char *const priorities[] = {
    [PRIORITY_HIGH] = "high", [PRIORITY_NORMAL] = "normal", [PRIORITY_LOW] = "low"};

static const char *const outcomes[] = {
    [OUTCOME_PENDING] = "pending",     [OUTCOME_SENT] = "sent",
    [OUTCOME_FAILED] = "failed",       [OUTCOME_UNKNOWN] = "unknown",
    [OUTCOME_CANCELLED] = "cancelled", [OUTCOME_EXPIRED] = "expired",
};

const char *channel_name(enum channel channel)
{
    CHECK(channel < CHANNEL_COUNT);
    return channels[channel];
}

const char *category_name(enum category category)
{
    CHECK(category < CATEGORY_COUNT);
    return categories[category];
}

const char *priority_name(enum priority priority)
{
    CHECK(priority < PRIORITY_COUNT);
    return priorities[priority];
}

const char *disposition_name(enum disposition disposition)
{
    CHECK(disposition < DISPOSITION_COUNT);
    return dispositions[disposition];
}

const char *outcome_name(enum outcome outcome)
{
    CHECK(outcome < OUTCOME_COUNT);
    return outcomes[outcome];
}

static int name_index(const char *const *names, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, names[i]))
            return (int)i;
    }
    return -1;
}

int channel_parse(struct text name)
{
    return name_index(channels, ARRAY_COUNT(channels), name);
}

int category_parse(struct text name)
{
    return name_index(categories, ARRAY_COUNT(categories), name);
}

int priority_parse(struct text name)
{
    return name_index(priorities, ARRAY_COUNT(priorities), name);
}

enum disposition disposition_after_quota(enum disposition email_reason)
{
    switch (email_reason) {
    case DISPOSITION_OPTED_OUT:
        return DISPOSITION_QUOTA_THEN_OPTED_OUT;
    case DISPOSITION_NO_ADDRESS:
        return DISPOSITION_QUOTA_THEN_NO_ADDRESS;
    case DISPOSITION_INVALID_ADDRESS:
        return DISPOSITION_QUOTA_THEN_INVALID_ADDRESS;
    case DISPOSITION_NOT_VERIFIED:
        return DISPOSITION_QUOTA_THEN_NOT_VERIFIED;
    case DISPOSITION_NOTIFICATIONS_OFF:
        return DISPOSITION_QUOTA_THEN_NOTIFICATIONS_OFF;
    case DISPOSITION_DUPLICATE:
        return DISPOSITION_QUOTA_THEN_DUPLICATE;
    case DISPOSITION_DEAD_ADDRESS:
        return DISPOSITION_QUOTA_THEN_DEAD_ADDRESS;
    case DISPOSITION_EMPTY_TEXT:
        return DISPOSITION_QUOTA_THEN_EMPTY_TEXT;
    default:
        CHECK(!"email was not suppressed, or for a reason that SMS shares");
        return DISPOSITION_QUOTA;
    }
}

struct hash128 message_id(struct text account, struct text job, struct text customer,
                          enum channel channel)
{
    struct text parts[] = {account, job, customer, text_of(channel_name(channel))};
    char key[1024];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        /* Ids are limited to 255 bytes where they come in (snapshot, job file, account).
         */
        CHECK(parts[i].bytes < 256);
        memcpy(key + used, parts[i].data, parts[i].bytes);
        used += parts[i].bytes;
        key[used++] = '\0';
    }
    return hash128(key, used);
}

/* hex_digits: the eight of a 32-bit number, the first one in the highest byte; all at once, as every
 * message has an id. */
static uint64_t hex_digits(uint64_t number)
{
    uint64_t x = number >> 16 << 32 | (number & 0xFFFF);
    x = (x | x << 8) & 0x00FF00FF00FF00FFu;
    x = (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
    uint64_t letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
    return x + 0x3030303030303030u + letters * ('a' - '0' - 10);
}

void message_id_hex(struct hash128 id, char out[MESSAGE_ID_HEX_BYTES + 1])
{
    const uint64_t words[4] = {id.high >> 32, id.high & UINT32_MAX, id.low >> 32,
                               id.low & UINT32_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        uint64_t digits = htobe64(hex_digits(words[i]));
        memcpy(out + 8 * i, &digits, 8);
    }
    out[MESSAGE_ID_HEX_BYTES] = '\0';
}
