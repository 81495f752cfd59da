/* ses_reply: see ses_reply.h. Sources: Amazon SES API v2 reference, SendEmail, SendBulkEmail,
 * BulkEmailEntryResult and "Common errors". */
#include "outbox/providers/ses_reply.h"

#include "base/clock.h"

#include <jansson.h>

/* The quota is over the last 24 hours, so there is room again bit by bit. */
#define QUOTA_WAIT_NS (3600 * NS_PER_S)

enum action {
    SENT,
    FAIL,
    SPLIT, /* fail; of a call with many nobody knows which message it was */
    LARGE, /* the same, by its size */
    LATER,
    SLOW,
    QUOTA,
    STOP, /* credentials, account */
    UNKNOWN,
};

struct meaning {
    const char *name;
    enum action action;
};

/* The Status of an entry. */
static const struct meaning entry_meanings[] = {
    {"SUCCESS", SENT},
    {"MESSAGE_REJECTED", FAIL},
    {"MAIL_FROM_DOMAIN_NOT_VERIFIED", FAIL},
    {"CONFIGURATION_SET_DOES_NOT_EXIST", FAIL},
    {"TEMPLATE_DOES_NOT_EXIST", FAIL},
    {"ACCOUNT_SUSPENDED", STOP},
    {"ACCOUNT_THROTTLED", SLOW},
    {"ACCOUNT_DAILY_QUOTA_EXCEEDED", QUOTA},
    {"INVALID_SENDING_POOL_NAME", FAIL},
    {"ACCOUNT_SENDING_PAUSED", STOP},
    {"CONFIGURATION_SET_SENDING_PAUSED", STOP},
    {"INVALID_PARAMETER", FAIL},
    {"TRANSIENT_FAILURE", LATER},
    {"FAILED", FAIL},
};

/* What a refusal of the whole call names. */
static const struct meaning error_meanings[] = {
    {"TooManyRequestsException", SLOW},
    {"ThrottlingException", SLOW},
    {"Throttling", SLOW},
    {"LimitExceededException", SLOW},
    {"BadRequestException", SPLIT},
    {"ValidationException", SPLIT},
    {"MessageRejected", SPLIT},
    {"NotFoundException", FAIL},
    {"MailFromDomainNotVerifiedException", FAIL},
    {"AccountSuspendedException", STOP},
    {"SendingPausedException", STOP},
    {"AccessDeniedException", STOP},
    {"ExpiredTokenException", STOP},
    {"IncompleteSignature", STOP},
    {"InvalidClientTokenId", STOP},
    {"InvalidSignatureException", STOP},
    {"MissingAuthenticationTokenException", STOP},
    {"NotAuthorized", STOP},
    {"OptInRequired", STOP},
    {"RequestExpired", STOP},
    {"SignatureDoesNotMatch", STOP},
    {"UnrecognizedClientException", STOP},
    {"UnknownOperationException", STOP},
};

static enum action find(const struct meaning *meanings, size_t count, struct text name,
                        enum action other)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, meanings[i].name))
            return meanings[i].action;
    }
    return other;
}

static enum action action_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
        return STOP;
    case 408:
        return LATER;
    case 413:
        return LARGE;
    case 429:
        return SLOW;
    default:
        /* behind a 5xx, which may be a proxy's, nobody knows; a redirect took nothing */
        return status >= 500 ? UNKNOWN : status >= 400 ? SPLIT : LATER;
    }
}

static void act(enum action action, struct delivery_result *result,
                struct api_verdict *verdict)
{
    result->verdict = DELIVERY_FAILED;
    result->reason = DELIVERY_REJECTED;
    switch (action) {
    case SENT:
        result->verdict = DELIVERY_SENT;
        result->reason = DELIVERY_OK;
        break;
    case FAIL:
        break;
    case LARGE:
        result->reason = DELIVERY_TOO_LARGE;
        verdict->split = true;
        break;
    case SPLIT:
        verdict->split = true;
        break;
    case SLOW:
    case QUOTA:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_THROTTLED;
        verdict->slow_down = true;
        if (action == QUOTA)
            verdict->wait_ns = QUOTA_WAIT_NS;
        break;
    case LATER:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_TEMPORARY;
        break;
    case STOP:
        result->reason = DELIVERY_CREDENTIALS;
        verdict->stop = true;
        break;
    case UNKNOWN:
        result->verdict = DELIVERY_UNKNOWN;
        result->reason = DELIVERY_BAD_REPLY;
        verdict->broken = true;
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
    struct api_verdict verdict = {0};
    if (!type.data)
        type = api_keep(call, member(root, "__type"));
    if (!type.data)
        type = api_keep(call, member(root, "type"));
    struct text words = member(root, "message");
    if (!words.data)
        words = member(root, "Message");
    enum action action = action_of_status(reply->status);
    if (reply->status / 100 == 4)
        action =
            find(error_meanings, ARRAY_COUNT(error_meanings), bare_name(type), action);
    if (action == SLOW && words.data && memmem(words.data, words.bytes, "aily", 4))
        action = QUOTA; /* "Daily message quota exceeded" */
    if (action == SLOW || action == LATER)
        verdict.wait_ns = reply->retry_after_ns;
    if (reply->status / 100 == 3)
        verdict.broken = true;
    struct delivery_result result = {.detail = words.data ? api_keep(call, words)
                                                          : bare_name(type)};
    act(action, &result, &verdict);
    for (size_t i = 0; i < call->count; i++)
        results[i] = result;
    return verdict;
}

/* Taken, but an answer that does not say which: sent or not, nobody knows. */
static void act_unclear(struct api_call *call, struct delivery_result *results,
                        const char *words)
{
    for (size_t i = 0; i < call->count; i++)
        results[i] = (struct delivery_result){.verdict = DELIVERY_UNKNOWN,
                                              .reason = DELIVERY_BAD_REPLY,
                                              .detail = text_of(words)};
}

static struct api_verdict judge_bulk(struct api_call *call, const json_t *root,
                                     struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    const json_t *entries = json_object_get(root, "BulkEmailEntryResults");
    if (json_array_size(entries) != call->count) {
        act_unclear(call, results, "the reply has no status for each message");
        return verdict;
    }
    for (size_t i = 0; i < call->count; i++) {
        const json_t *entry = json_array_get(entries, i);
        struct text status = member(entry, "Status");
        enum action action =
            status.data ? find(entry_meanings, ARRAY_COUNT(entry_meanings), status, FAIL)
                        : UNKNOWN;
        struct api_verdict own = {0};
        act(action, &results[i], &own);
        verdict.slow_down |= own.slow_down;
        verdict.stop |= own.stop;
        if (own.wait_ns > verdict.wait_ns)
            verdict.wait_ns = own.wait_ns;
        if (action == SENT) {
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
        act_unclear(call, results, "the reply has no MessageId");
    }
    json_decref(root);
    return verdict;
}
