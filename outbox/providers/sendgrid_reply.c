/* sendgrid_reply: see sendgrid_reply.h. Sources: Twilio SendGrid, "Mail Send" with its "Errors", and
 * "Rate limits". */
#include "outbox/providers/sendgrid_reply.h"

#include "base/clock.h"
#include "base/units.h"

#include <jansson.h>

#define RESET_MAX_S   3600
#define QUOTA_WAIT_NS (3600 * NS_PER_S)

static struct text member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT_NONE;
}

static bool has(struct text t, const char *words)
{
    return t.data && memmem(t.data, t.bytes, words, strlen(words));
}

static bool begins(struct text t, const char *words)
{
    size_t bytes = strlen(words);
    return t.bytes >= bytes && memcmp(t.data, words, bytes) == 0;
}

static void fill(struct api_call *call, struct delivery_result result,
                 struct delivery_result *results)
{
    for (size_t i = 0; i < call->count; i++)
        results[i] = result;
}

/* The number in "personalizations.3.to.0.email", or count. */
static size_t named_message(struct text field, size_t count)
{
    static const char head[] = "personalizations.";
    if (!begins(field, head))
        return count;
    struct text digits = {field.data + strlen(head), 0};
    while (strlen(head) + digits.bytes < field.bytes && digits.data[digits.bytes] != '.')
        digits.bytes++;
    uint64_t number;
    return units_count(digits, &number) == 0 && number < count ? (size_t)number : count;
}

/* Those that errors name fail. The others were not taken, because SendGrid takes a call whole or not
 * at all. Returns how many are named. */
static size_t fail_named(struct api_call *call, const json_t *errors,
                         struct delivery_result *results)
{
    size_t named = 0;
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *error = json_array_get(errors, i);
        struct text field = member(error, "field"), words = member(error, "message");
        size_t at = named_message(field, call->count);
        if (at == call->count || results[at].verdict == DELIVERY_FAILED)
            continue;
        bool address = has(field, ".to") && has(words, "valid");
        results[at] = (struct delivery_result){
            .verdict = DELIVERY_FAILED,
            .reason = address ? DELIVERY_INVALID_ADDRESS : DELIVERY_REJECTED,
            .address_dead = address,
            .detail = api_keep(call, words)};
        named++;
    }
    return named;
}

static struct api_verdict judge_bad_request(struct api_call *call, const json_t *errors,
                                            struct delivery_result *results)
{
    fill(call, (struct delivery_result){.verdict = DELIVERY_DEFERRED}, results);
    if (fail_named(call, errors, results) > 0)
        return (struct api_verdict){0};
    const json_t *error = json_array_get(errors, 0);
    struct text field = member(error, "field");
    fill(call,
         (struct delivery_result){.verdict = DELIVERY_FAILED,
                                  .reason = DELIVERY_REJECTED,
                                  .detail = api_keep(call, member(error, "message"))},
         results);
    /* without a name, or in the list of all, it may be any message's fault; the rest of a call is the
     * same for all */
    return (struct api_verdict){.split =
                                    !field.data || begins(field, "personalizations")};
}

static int64_t reset_wait_ns(struct text reset, int64_t now_s)
{
    uint64_t at_s;
    if (!reset.data || units_count(reset, &at_s) != 0 || at_s <= (uint64_t)now_s)
        return 0;
    uint64_t wait_s = at_s - (uint64_t)now_s;
    return (int64_t)(wait_s < RESET_MAX_S ? wait_s : RESET_MAX_S) * NS_PER_S;
}

static struct api_verdict judge_refusal(struct api_call *call,
                                        const struct http_reply *reply,
                                        const json_t *errors, int64_t wait_ns,
                                        struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    const json_t *error = json_array_get(errors, 0);
    struct text words = member(error, "message");
    struct delivery_result result = {.verdict = DELIVERY_FAILED,
                                     .reason = DELIVERY_REJECTED};
    bool credits = reply->status == 401 && has(words, "credits exceeded");
    bool sender = begins(member(error, "field"), "from"); /* with a 403: not verified */
    if (reply->status == 429 || credits) {
        result.verdict = DELIVERY_DEFERRED;
        result.reason = DELIVERY_THROTTLED;
        verdict.slow_down = true;
        verdict.wait_ns = credits ? QUOTA_WAIT_NS : wait_ns;
    } else if (reply->status == 401 || (reply->status == 403 && !sender) ||
               reply->status == 404 || reply->status == 405) {
        result.reason = DELIVERY_CREDENTIALS;
        verdict.stop = true;
    } else if (reply->status == 413) {
        result.reason = DELIVERY_TOO_LARGE;
        verdict.split = true;
    } else if (reply->status == 408 || reply->status < 400) {
        result.verdict = DELIVERY_DEFERRED; /* redirects are not followed */
        result.reason = DELIVERY_TEMPORARY;
        verdict.broken = reply->status < 400;
    } else if (reply->status >= 500) {
        result.verdict = DELIVERY_UNKNOWN;
        result.reason = DELIVERY_BAD_REPLY;
        verdict.broken = true;
    } else if (reply->status == 400) {
        return judge_bad_request(call, errors, results);
    }
    result.detail = api_keep(call, words);
    fill(call, result, results);
    return verdict;
}

struct api_verdict sendgrid_judge(struct api_call *call, const struct http_reply *reply,
                                  struct sendgrid_headers headers, int64_t now_s,
                                  struct delivery_result *results)
{
    json_t *root = json_loadb(reply->body.data, reply->body.bytes, 0, NULL);
    if (reply->status / 100 == 2) { /* 202; 200 in its sandbox mode */
        bool contradicts = json_array_size(json_object_get(root, "errors")) > 0;
        json_decref(root);
        fill(call,
             contradicts
                 ? (struct delivery_result){.verdict = DELIVERY_UNKNOWN,
                                            .reason = DELIVERY_BAD_REPLY,
                                            .detail = TEXT("2xx with errors inside")}
                 : (struct delivery_result){.verdict = DELIVERY_SENT,
                                            .provider_id = headers.message_id},
             results);
        return (struct api_verdict){0};
    }
    int64_t wait_ns = reply->retry_after_ns > 0
                          ? reply->retry_after_ns
                          : reset_wait_ns(headers.limit_reset, now_s);
    struct api_verdict verdict =
        judge_refusal(call, reply, json_object_get(root, "errors"), wait_ns, results);
    json_decref(root);
    return verdict;
}
