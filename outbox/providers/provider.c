/* provider: the table of provider types, and the names of what can become of a delivery.
 */
#include "outbox/providers/types.h"

const struct provider_type *const provider_types[] = {
    &provider_fcm, &provider_http_api, &provider_relay,   &provider_sendgrid,
    &provider_ses, &provider_twilio,   &provider_webhook, NULL,
};

const struct provider_type *provider_type_find(struct text name)
{
    for (size_t i = 0; provider_types[i]; i++) {
        if (text_is(name, provider_types[i]->name))
            return provider_types[i];
    }
    return NULL;
}

static const char *const reasons[] = {
    [DELIVERY_OK] = "ok",
    [DELIVERY_REJECTED] = "rejected",
    [DELIVERY_INVALID_ADDRESS] = "invalid_address",
    [DELIVERY_OPTED_OUT] = "opted_out",
    [DELIVERY_THROTTLED] = "throttled",
    [DELIVERY_TEMPORARY] = "temporary",
    [DELIVERY_UNREACHABLE] = "unreachable",
    [DELIVERY_CONNECTION_LOST] = "connection_lost",
    [DELIVERY_TIMEOUT] = "timeout",
    [DELIVERY_BAD_REPLY] = "bad_reply",
    [DELIVERY_CREDENTIALS] = "credentials",
    [DELIVERY_TOO_LARGE] = "too_large",
    [DELIVERY_RETRIES_USED_UP] = "retries_used_up",
    [DELIVERY_INTERRUPTED] = "interrupted",
    [DELIVERY_CANCELLED] = "cancelled",
    [DELIVERY_EXPIRED] = "expired",
};
_Static_assert(ARRAY_COUNT(reasons) == DELIVERY_REASON_COUNT, "every reason has a name");

const char *delivery_reason_name(enum delivery_reason reason)
{
    CHECK(reason < DELIVERY_REASON_COUNT);
    return reasons[reason];
}
