/* twilio_reply: see twilio_reply.h. Source: Twilio, "Error and Warning Dictionary" and
 * "Message resource" (twilio.com/docs). */
#include "outbox/providers/twilio_reply.h"

#include "base/clock.h"

#include <jansson.h>

static const struct {
    int code;
    enum provider_meaning means;
} codes[] = {
    {20003, PROVIDER_MEANS_STOP},      /* authenticate */
    {20403, PROVIDER_MEANS_STOP},      /* forbidden, account suspended */
    {20404, PROVIDER_MEANS_STOP},      /* no such account */
    {20429, PROVIDER_MEANS_SLOW_DOWN}, /* too many concurrent requests */
    {20500, PROVIDER_MEANS_UNKNOWN},   /* internal server error */
    {20503, PROVIDER_MEANS_UNKNOWN},   /* service unavailable */
    {21211, PROVIDER_MEANS_DEAD},      /* invalid To */
    {21217, PROVIDER_MEANS_DEAD},      /* number does not look valid */
    {21408, PROVIDER_MEANS_FAILED},    /* region not enabled */
    {21602, PROVIDER_MEANS_FAILED},    /* body missing */
    {21603, PROVIDER_MEANS_FAILED},    /* From missing */
    {21604, PROVIDER_MEANS_FAILED},    /* To missing */
    {21605, PROVIDER_MEANS_TOO_LARGE}, /* body too long */
    {21606, PROVIDER_MEANS_FAILED},    /* From is not ours */
    {21610, PROVIDER_MEANS_OPTED_OUT}, /* the recipient replied STOP */
    {21611, PROVIDER_MEANS_RETRY},     /* the sender's queue is full */
    {21614, PROVIDER_MEANS_DEAD},      /* not a mobile number */
    {21617, PROVIDER_MEANS_TOO_LARGE}, /* over 1600 characters */
    {21620, PROVIDER_MEANS_FAILED},    /* invalid media URL */
    {21623, PROVIDER_MEANS_FAILED},    /* too many media */
    {30001, PROVIDER_MEANS_RETRY},     /* queue overflow */
    {30002, PROVIDER_MEANS_STOP},      /* account suspended */
    {30003, PROVIDER_MEANS_RETRY},     /* handset unreachable */
    {30004, PROVIDER_MEANS_FAILED},    /* blocked */
    {30005, PROVIDER_MEANS_DEAD},      /* unknown handset */
    {30006, PROVIDER_MEANS_DEAD},      /* landline */
    {30007, PROVIDER_MEANS_FAILED},    /* filtered */
    {30008, PROVIDER_MEANS_RETRY},     /* unknown error at the carrier */
    {30017, PROVIDER_MEANS_SLOW_DOWN}, /* carrier congestion */
    {30022, PROVIDER_MEANS_SLOW_DOWN}, /* 10DLC rate */
    {30023, PROVIDER_MEANS_RETRY},     /* 10DLC daily cap */
    {30027, PROVIDER_MEANS_RETRY},     /* T-Mobile daily cap */
    {63017, PROVIDER_MEANS_SLOW_DOWN}, /* over 2000 messages per second */
};

static enum provider_meaning meaning_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
        return PROVIDER_MEANS_STOP;
    case 429:
        return PROVIDER_MEANS_SLOW_DOWN;
    case 408:
        return PROVIDER_MEANS_RETRY;
    default:
        return status >= 500  ? PROVIDER_MEANS_UNKNOWN
               : status < 400 ? PROVIDER_MEANS_RETRY
                              : PROVIDER_MEANS_FAILED;
    }
}

static struct api_verdict act(json_int_t code, unsigned status, int64_t retry_after_ns,
                              struct delivery_result *result)
{
    struct api_verdict verdict = {0};
    enum provider_meaning means = meaning_of_status(status);
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (codes[i].code == code)
            means = codes[i].means;
    }
    bool tomorrow = code == 30023 || code == 30027;
    api_act(means, tomorrow ? 86400 * NS_PER_S : retry_after_ns, &verdict, result);
    return verdict;
}

void twilio_judge_failed(int64_t code, struct delivery_result *result)
{
    act(code, 400, 0, result);
    result->verdict = DELIVERY_FAILED; /* whatever another try might do */
    if (result->reason != DELIVERY_INVALID_ADDRESS &&
        result->reason != DELIVERY_OPTED_OUT)
        result->reason = DELIVERY_REJECTED;
}

/* A member's text, kept in scratch: the JSON tree is gone when the verdict is read. */
static struct text keep_string(const json_t *object, const char *key,
                               struct buffer *scratch)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return TEXT_NONE;
    size_t start = scratch->bytes;
    buffer_add(scratch, json_string_value(value), json_string_length(value));
    return (struct text){scratch->data + start, scratch->bytes - start};
}

static bool is_sid_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "SM" or "MM" and 32 letters and digits; what looks otherwise is no id. */
static bool is_sid(struct text sid)
{
    if (sid.bytes != 34 || sid.data[1] != 'M' ||
        (sid.data[0] != 'S' && sid.data[0] != 'M'))
        return false;
    for (size_t i = 2; i < sid.bytes; i++) {
        if (!is_sid_byte(sid.data[i]))
            return false;
    }
    return true;
}

/* The "sid" of a message taken, where it stands as a member's name and value. Building
 * the JSON tree for each reply took a tenth of a send's processor time; what looks
 * unusual still gets one. */
static struct text find_sid(struct text body)
{
    static const char name[] = "\"sid\"";
    const char *at = memmem(body.data, body.bytes, name, sizeof(name) - 1);
    const char *end = body.data + body.bytes;
    if (!at || at == body.data || !strchr("{, \n", at[-1]))
        return TEXT_NONE;
    at += sizeof(name) - 1;
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    if (end - at < 36 || at[0] != '"' || at[35] != '"')
        return TEXT_NONE;
    struct text sid = {at + 1, 34};
    return is_sid(sid) ? sid : TEXT_NONE;
}

struct api_verdict twilio_judge(const struct http_reply *reply, struct buffer *scratch,
                                struct delivery_result *result)
{
    *result = (struct delivery_result){.verdict = DELIVERY_SENT};
    bool taken = reply->status / 100 == 2;
    struct text sid = taken ? find_sid(reply->body) : TEXT_NONE;
    if (sid.data) {
        result->provider_id = sid;
        return (struct api_verdict){0};
    }
    json_t *root =
        json_loadb(reply->body.data, reply->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    struct api_verdict verdict = {0};
    if (taken) {
        /* Twilio names what it takes. Without a name this may be an error, or somebody else. */
        sid = keep_string(root, "sid", scratch);
        if (is_sid(sid)) {
            result->provider_id = sid;
        } else {
            api_act(PROVIDER_MEANS_UNCLEAR, 0, &verdict, result);
            result->detail = TEXT("2xx without a sid; volley looks for the message in "
                                  "Twilio's list and books what it finds");
        }
    } else {
        json_int_t code = json_integer_value(json_object_get(root, "code"));
        verdict = act(code, reply->status, reply->retry_after_ns, result);
        result->detail = keep_string(root, "message", scratch);
    }
    json_decref(root);
    return verdict;
}
