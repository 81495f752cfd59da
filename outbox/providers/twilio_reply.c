/* twilio_reply: see twilio_reply.h. Source: Twilio, "Error and Warning Dictionary" and
 * "Message resource" (twilio.com/docs). */
#include "outbox/providers/twilio_reply.h"

#include "base/clock.h"

#include <jansson.h>

enum action {
    STOP,     /* credentials, account: no message will do better */
    SLOW,     /* not processed, too fast */
    LATER,    /* not processed, this message again later */
    TOMORROW, /* a daily cap */
    FAIL,
    DEAD, /* fail, and the number is none for SMS */
    OPTOUT,
    UNKNOWN, /* its own fault, after which nobody knows */
};

static const struct {
    int code;
    enum action action;
} codes[] = {
    {20003, STOP},     /* authenticate */
    {20403, STOP},     /* forbidden, account suspended */
    {20404, STOP},     /* no such account */
    {20429, SLOW},     /* too many concurrent requests */
    {20500, UNKNOWN},  /* internal server error */
    {20503, UNKNOWN},  /* service unavailable */
    {21211, DEAD},     /* invalid To */
    {21217, DEAD},     /* number does not look valid */
    {21408, FAIL},     /* region not enabled */
    {21602, FAIL},     /* body missing */
    {21603, FAIL},     /* From missing */
    {21604, FAIL},     /* To missing */
    {21605, FAIL},     /* body too long */
    {21606, FAIL},     /* From is not ours */
    {21610, OPTOUT},   /* the recipient replied STOP */
    {21611, LATER},    /* the sender's queue is full */
    {21614, DEAD},     /* not a mobile number */
    {21617, FAIL},     /* over 1600 characters */
    {21620, FAIL},     /* invalid media URL */
    {21623, FAIL},     /* too many media */
    {30001, LATER},    /* queue overflow */
    {30002, STOP},     /* account suspended */
    {30003, LATER},    /* handset unreachable */
    {30004, FAIL},     /* blocked */
    {30005, DEAD},     /* unknown handset */
    {30006, DEAD},     /* landline */
    {30007, FAIL},     /* filtered */
    {30008, LATER},    /* unknown error at the carrier */
    {30017, SLOW},     /* carrier congestion */
    {30022, SLOW},     /* 10DLC rate */
    {30023, TOMORROW}, /* 10DLC daily cap */
    {30027, TOMORROW}, /* T-Mobile daily cap */
    {63017, SLOW},     /* over 2000 messages per second */
};

static enum action action_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
        return STOP;
    case 429:
        return SLOW;
    case 408:
        return LATER;
    default:
        return status >= 500 ? UNKNOWN : status < 400 ? LATER : FAIL;
    }
}

static enum action action_of(json_int_t code, unsigned status)
{
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (codes[i].code == code)
            return codes[i].action;
    }
    return action_of_status(status);
}

static struct api_verdict act(enum action action, int64_t retry_after_ns,
                              struct delivery_result *result)
{
    struct api_verdict verdict = {0};
    result->verdict = DELIVERY_FAILED;
    result->reason = DELIVERY_REJECTED;
    switch (action) {
    case STOP:
        result->reason = DELIVERY_CREDENTIALS;
        verdict.stop = true;
        break;
    case SLOW:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_THROTTLED;
        verdict.slow_down = true;
        verdict.wait_ns = retry_after_ns;
        break;
    case TOMORROW:
    case LATER:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_TEMPORARY;
        verdict.wait_ns = action == TOMORROW ? 86400 * NS_PER_S : retry_after_ns;
        break;
    case DEAD:
        result->reason = DELIVERY_INVALID_ADDRESS;
        result->address_dead = true;
        break;
    case OPTOUT:
        result->reason = DELIVERY_OPTED_OUT;
        break;
    case UNKNOWN:
        result->verdict = DELIVERY_UNKNOWN;
        result->reason = DELIVERY_BAD_REPLY;
        verdict.broken = true;
        break;
    case FAIL:
        break;
    }
    return verdict;
}

void twilio_judge_failed(int64_t code, struct delivery_result *result)
{
    act(action_of(code, 400), 0, result);
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
        if (is_sid(sid))
            result->provider_id = sid;
        else
            *result = (struct delivery_result){.verdict = DELIVERY_UNKNOWN,
                                               .reason = DELIVERY_BAD_REPLY,
                                               .detail = TEXT("2xx without a sid")};
    } else {
        json_int_t code = json_integer_value(json_object_get(root, "code"));
        verdict = act(action_of(code, reply->status), reply->retry_after_ns, result);
        result->detail = keep_string(root, "message", scratch);
        if (code == 21605 || code == 21617)
            result->reason = DELIVERY_TOO_LARGE;
    }
    json_decref(root);
    return verdict;
}
