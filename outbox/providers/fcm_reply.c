/* fcm_reply: see fcm_reply.h. Sources: Google, "ErrorCode" of the FCM v1 REST reference, and "Best
 * practices when sending FCM messages at scale" (firebase.google.com/docs/cloud-messaging). */
#include "outbox/providers/fcm_reply.h"

#include "base/clock.h"

#include <jansson.h>

/* "Wait at least 10 seconds before retrying a failed request", and 60 after a 429. */
#define WAIT_NS       (10 * NS_PER_S)
#define WAIT_QUOTA_NS (60 * NS_PER_S)
#define WAIT_NS_MAX   (3600 * NS_PER_S)

enum action {
    FAIL,
    DEAD,    /* the device token is none any more */
    SENDER,  /* it belongs to another project */
    CONFIG,  /* the project lacks APNs or Web Push keys: these devices only */
    STOP,    /* no message will do better */
    SLOW,    /* not taken, too fast or overloaded */
    UNKNOWN, /* its own fault, after which nobody knows */
};

static const struct {
    const char *code;
    enum action action;
} codes[] = {
    {"UNREGISTERED", DEAD},     {"SENDER_ID_MISMATCH", SENDER},
    {"INVALID_ARGUMENT", FAIL}, {"THIRD_PARTY_AUTH_ERROR", CONFIG},
    {"QUOTA_EXCEEDED", SLOW},   {"UNAVAILABLE", SLOW},
    {"INTERNAL", UNKNOWN},
};

static enum action action_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return STOP;
    case 408:
    case 429:
    case 503:
        return SLOW;
    default:
        /* 404 without a code is a project that is not there, not a dead token */
        return status / 100 == 4 ? FAIL : UNKNOWN;
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

static enum action action_of(const json_t *error, unsigned status)
{
    bool blames_token;
    const char *code = read_details(error, &blames_token);
    for (size_t i = 0; code && i < ARRAY_COUNT(codes); i++) {
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].action == FAIL && blames_token ? DEAD : codes[i].action;
    }
    return status == 400 && blames_token ? DEAD : action_of_status(status);
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

static struct api_verdict act(enum action action, int64_t wait,
                              struct delivery_result *result)
{
    struct api_verdict verdict = {0};
    result->verdict = DELIVERY_FAILED;
    result->reason = DELIVERY_REJECTED;
    switch (action) {
    case DEAD:
        result->reason = DELIVERY_INVALID_ADDRESS;
        result->address_dead = true;
        break;
    case SENDER: /* another provider's project may know the token */
        result->reason = DELIVERY_INVALID_ADDRESS;
        break;
    case STOP:
        verdict.stop = true;
        result->reason = DELIVERY_CREDENTIALS;
        break;
    case CONFIG:
        result->reason = DELIVERY_CREDENTIALS;
        break;
    case SLOW:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_THROTTLED;
        verdict.slow_down = true;
        verdict.wait_ns = wait;
        break;
    case UNKNOWN:
        result->verdict = DELIVERY_UNKNOWN;
        result->reason = DELIVERY_BAD_REPLY;
        verdict.broken = true;
        verdict.wait_ns = wait;
        break;
    case FAIL:
        break;
    }
    return verdict;
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
        verdict =
            act(action_of(error, reply->status), wait_ns(reply, attempt, seed), result);
        result->detail = keep(error, "message", scratch);
    }
    json_decref(root);
    return verdict;
}
