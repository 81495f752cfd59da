/* ses_reply: see ses_reply.h. Sources: Amazon SES API v2 reference, SendEmail, SendBulkEmail,
 * BulkEmailEntryResult and "Common errors". */
#include "outbox/providers/ses_reply.h"

#include "base/clock.h"

#include <jansson.h>

/* The quota is over the last 24 hours, so there is room again bit by bit. */
#define QUOTA_WAIT_NS (3600 * NS_PER_S)

struct meaning {
    const char *name;
    enum provider_meaning means;
};

/* The Status of an entry. */
static const struct meaning entry_meanings[] = {
    {"SUCCESS", PROVIDER_MEANS_SENT},
    {"MESSAGE_REJECTED", PROVIDER_MEANS_FAILED},
    {"MAIL_FROM_DOMAIN_NOT_VERIFIED", PROVIDER_MEANS_FAILED},
    {"CONFIGURATION_SET_DOES_NOT_EXIST", PROVIDER_MEANS_FAILED},
    {"TEMPLATE_DOES_NOT_EXIST", PROVIDER_MEANS_FAILED},
    {"ACCOUNT_SUSPENDED", PROVIDER_MEANS_STOP},
    {"ACCOUNT_THROTTLED", PROVIDER_MEANS_SLOW_DOWN},
    {"ACCOUNT_DAILY_QUOTA_EXCEEDED", PROVIDER_MEANS_SLOW_DOWN},
    {"INVALID_SENDING_POOL_NAME", PROVIDER_MEANS_FAILED},
    {"ACCOUNT_SENDING_PAUSED", PROVIDER_MEANS_STOP},
    {"CONFIGURATION_SET_SENDING_PAUSED", PROVIDER_MEANS_STOP},
    {"INVALID_PARAMETER", PROVIDER_MEANS_FAILED},
    {"TRANSIENT_FAILURE", PROVIDER_MEANS_RETRY},
    {"FAILED", PROVIDER_MEANS_FAILED},
};

/* What a refusal of the whole call names. */
static const struct meaning error_meanings[] = {
    {"TooManyRequestsException", PROVIDER_MEANS_SLOW_DOWN},
    {"ThrottlingException", PROVIDER_MEANS_SLOW_DOWN},
    {"Throttling", PROVIDER_MEANS_SLOW_DOWN},
    {"LimitExceededException", PROVIDER_MEANS_SLOW_DOWN},
    {"BadRequestException", PROVIDER_MEANS_SPLIT},
    {"ValidationException", PROVIDER_MEANS_SPLIT},
    {"MessageRejected", PROVIDER_MEANS_SPLIT},
    {"NotFoundException", PROVIDER_MEANS_FAILED},
    {"MailFromDomainNotVerifiedException", PROVIDER_MEANS_FAILED},
    {"AccountSuspendedException", PROVIDER_MEANS_STOP},
    {"SendingPausedException", PROVIDER_MEANS_STOP},
    {"AccessDeniedException", PROVIDER_MEANS_STOP},
    {"ExpiredTokenException", PROVIDER_MEANS_STOP},
    {"IncompleteSignature", PROVIDER_MEANS_STOP},
    {"InvalidClientTokenId", PROVIDER_MEANS_STOP},
    {"InvalidSignatureException", PROVIDER_MEANS_STOP},
    {"MissingAuthenticationTokenException", PROVIDER_MEANS_STOP},
    {"NotAuthorized", PROVIDER_MEANS_STOP},
    {"OptInRequired", PROVIDER_MEANS_STOP},
    {"RequestExpired", PROVIDER_MEANS_STOP},
    {"SignatureDoesNotMatch", PROVIDER_MEANS_STOP},
    {"UnrecognizedClientException", PROVIDER_MEANS_STOP},
    {"UnknownOperationException", PROVIDER_MEANS_STOP},
};

static enum provider_meaning find(const struct meaning *meanings, size_t count,
                                  struct text name, enum provider_meaning other)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, meanings[i].name))
            return meanings[i].means;
    }
    return other;
}

static enum provider_meaning meaning_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
        return PROVIDER_MEANS_STOP;
    case 408:
        return PROVIDER_MEANS_RETRY;
    case 413:
        return PROVIDER_MEANS_TOO_LARGE;
    case 429:
        return PROVIDER_MEANS_SLOW_DOWN;
    default:
        /* behind a 5xx, which may be a proxy's, nobody knows; a redirect took nothing */
        return status >= 500   ? PROVIDER_MEANS_UNKNOWN
               : status >= 400 ? PROVIDER_MEANS_SPLIT
                               : PROVIDER_MEANS_REDIRECT;
    }
}

static struct text member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT_NONE;
}

/* "BadRequestException:http://…" in the header, "com.amazonaws.ses#BadRequestException" in a body. */
static struct text bare_name(struct text type)
{
    const char *hash = type.data ? memrchr(type.data, '#', type.bytes) : NULL;
    if (hash) {
        type.bytes -= (size_t)(hash + 1 - type.data);
        type.data = hash + 1;
    }
    const char *colon = type.data ? memchr(type.data, ':', type.bytes) : NULL;
    if (colon)
        type.bytes = (size_t)(colon - type.data);
    return type;
}

static struct api_verdict judge_refusal(struct api_call *call,
                                        const struct http_reply *reply,
                                        const json_t *root, struct text type,
                                        struct delivery_result *results)
{
    if (!type.data)
        type = api_keep(call, member(root, "__type"));
    if (!type.data)
        type = api_keep(call, member(root, "type"));
    struct text words = member(root, "message");
    if (!words.data)
        words = member(root, "Message");
    enum provider_meaning means = meaning_of_status(reply->status);
    if (reply->status / 100 == 4)
        means = find(error_meanings, ARRAY_COUNT(error_meanings), bare_name(type), means);
    bool quota =
        means == PROVIDER_MEANS_SLOW_DOWN && words.data &&
        memmem(words.data, words.bytes, "aily", 4); /* "Daily message quota exceeded" */
    return api_act_all(means, quota ? QUOTA_WAIT_NS : reply->retry_after_ns,
                       words.data ? api_keep(call, words) : bare_name(type), call,
                       results);
}

static struct api_verdict judge_bulk(struct api_call *call, const json_t *root,
                                     struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    const json_t *entries = json_object_get(root, "BulkEmailEntryResults");
    if (json_array_size(entries) != call->count)
        return api_act_all(PROVIDER_MEANS_UNCLEAR, 0,
                           TEXT("no status for each mail in a 2xx, so it may be sent; "
                                "find its volley_id in SES's events"),
                           call, results);
    for (size_t i = 0; i < call->count; i++) {
        const json_t *entry = json_array_get(entries, i);
        struct text status = member(entry, "Status");
        enum provider_meaning means =
            status.data ? find(entry_meanings, ARRAY_COUNT(entry_meanings), status,
                               PROVIDER_MEANS_FAILED)
                        : PROVIDER_MEANS_UNCLEAR;
        api_act(means,
                text_is(status, "ACCOUNT_DAILY_QUOTA_EXCEEDED") ? QUOTA_WAIT_NS : 0,
                &verdict, &results[i]);
        if (means == PROVIDER_MEANS_SENT) {
            results[i].provider_id = api_keep(call, member(entry, "MessageId"));
        } else {
            struct text words = member(entry, "Error");
            results[i].detail = api_keep(call, words.bytes > 0 ? words : status);
        }
    }
    return verdict;
}

struct api_verdict ses_judge(struct api_call *call, const struct http_reply *reply,
                             struct text error_type, bool bulk,
                             struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    json_t *root = json_loadb(reply->body.data, reply->body.bytes, 0, NULL);
    if (reply->status / 100 != 2) {
        verdict = judge_refusal(call, reply, root, error_type, results);
    } else if (bulk) {
        verdict = judge_bulk(call, root, results);
    } else if (member(root, "MessageId").bytes > 0) {
        results[0].verdict = DELIVERY_SENT;
        results[0].provider_id = api_keep(call, member(root, "MessageId"));
    } else { /* a proxy's page, an error in a 200 */
        verdict = api_act_all(PROVIDER_MEANS_UNCLEAR, 0,
                              TEXT("no MessageId in a 2xx, so it may be sent; find its "
                                   "tag volley_id in SES's events"),
                              call, results);
    }
    json_decref(root);
    return verdict;
}
