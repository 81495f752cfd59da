/* fcm_reply: see fcm_reply.h. Sources: Google, "ErrorCode" of the FCM v1 REST reference, and "Best
 * practices when sending FCM messages at scale" (firebase.google.com/docs/cloud-messaging). */
#include "outbox/providers/fcm_reply.h"

#include "base/clock.h"

#include <jansson.h>

/* "Wait at least 10 seconds before retrying a failed request", and 60 after a 429. */
#define WAIT_NS       (10 * NS_PER_S)
#define WAIT_QUOTA_NS (60 * NS_PER_S)
#define WAIT_NS_MAX   (3600 * NS_PER_S)

static const struct {
    const char *code;
    enum provider_meaning means;
} codes[] = {
    {"UNREGISTERED", PROVIDER_MEANS_DEAD},
    /* another provider's project may know the token */
    {"SENDER_ID_MISMATCH", PROVIDER_MEANS_NO_ADDRESS},
    {"INVALID_ARGUMENT", PROVIDER_MEANS_FAILED},
    /* the project lacks APNs or Web Push keys: these devices only */
    {"THIRD_PARTY_AUTH_ERROR", PROVIDER_MEANS_NO_KEY},
    {"QUOTA_EXCEEDED", PROVIDER_MEANS_SLOW_DOWN},
    {"UNAVAILABLE", PROVIDER_MEANS_SLOW_DOWN},
    {"INTERNAL", PROVIDER_MEANS_UNKNOWN},
};

static enum provider_meaning meaning_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return PROVIDER_MEANS_STOP;
    case 408:
    case 429:
    case 503:
        return PROVIDER_MEANS_SLOW_DOWN;
    default:
        /* 404 without a code is a project that is not there, not a dead token */
        return status / 100 == 4 ? PROVIDER_MEANS_FAILED : PROVIDER_MEANS_UNKNOWN;
    }
}

/* The FCM error code among the details, and whether they blame the device token. */
static const char *read_details(const json_t *error, bool *blames_token_out)
{
    const char *code = NULL;
    *blames_token_out = false;
    size_t i, j;
    json_t *detail, *violation;
    json_array_foreach(json_object_get(error, "details"), i, detail)
    {
        const char *here = json_string_value(json_object_get(detail, "errorCode"));
        code = here ? here : code;
        json_array_foreach(json_object_get(detail, "fieldViolations"), j, violation)
        {
            const char *field = json_string_value(json_object_get(violation, "field"));
            *blames_token_out |= field && strcmp(field, "message.token") == 0;
        }
    }
    return code;
}

static enum provider_meaning meaning_of(const json_t *error, unsigned status)
{
    bool blames_token;
    const char *code = read_details(error, &blames_token);
    enum provider_meaning means =
        status == 400 && blames_token ? PROVIDER_MEANS_DEAD : meaning_of_status(status);
    for (size_t i = 0; code && i < ARRAY_COUNT(codes); i++) {
        if (strcmp(code, codes[i].code) == 0)
            means = codes[i].means == PROVIDER_MEANS_FAILED && blames_token
                        ? PROVIDER_MEANS_DEAD
                        : codes[i].means;
    }
    return means;
}

/* Doubled with each attempt, and up to a quarter longer, so that not all come back at once. */
static int64_t wait_ns(const struct http_reply *reply, unsigned attempt, uint64_t seed)
{
    if (reply->retry_after_ns > 0)
        return reply->retry_after_ns;
    int64_t wait = reply->status == 429 ? WAIT_QUOTA_NS : WAIT_NS;
    for (unsigned i = 1; i < attempt && wait < WAIT_NS_MAX; i++)
        wait *= 2;
    wait = wait < WAIT_NS_MAX ? wait : WAIT_NS_MAX;
    return wait + (int64_t)(seed % 256) * (wait / 1024);
}

/* A member's text, kept in scratch: the JSON tree is gone when the verdict is read. */
static struct text keep(const json_t *object, const char *key, struct buffer *scratch)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return TEXT_NONE;
    buffer_add(scratch, json_string_value(value), json_string_length(value));
    return buffer_view(scratch);
}

struct api_verdict fcm_judge(const struct http_reply *reply, unsigned attempt,
                             uint64_t seed, struct buffer *scratch,
                             struct delivery_result *result)
{
    *result = (struct delivery_result){.verdict = DELIVERY_SENT};
    buffer_clear(scratch);
    struct api_verdict verdict = {0};
    json_t *root =
        json_loadb(reply->body.data, reply->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    if (reply->status / 100 == 2) { /* taken, whatever the body says */
        result->provider_id = keep(root, "name", scratch);
    } else {
        const json_t *error = json_object_get(root, "error");
        int64_t wait = wait_ns(reply, attempt, seed);
        api_act(meaning_of(error, reply->status), wait, &verdict, result);
        if (result->verdict == DELIVERY_UNKNOWN)
            verdict.wait_ns = wait;
        result->detail = keep(error, "message", scratch);
    }
    json_decref(root);
    return verdict;
}
