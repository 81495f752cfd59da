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
        struct api_verdict own = {0};
        api_act(has(field, ".to") && has(words, "valid") ? PROVIDER_MEANS_DEAD
                                                         : PROVIDER_MEANS_FAILED,
                0, &own, &results[at]);
        results[at].detail = api_keep(call, words);
        named++;
    }
    return named;
}

static struct api_verdict judge_bad_request(struct api_call *call, const json_t *errors,
                                            struct delivery_result *results)
{
    for (size_t i = 0; i < call->count; i++)
        results[i] = (struct delivery_result){.verdict = DELIVERY_DEFERRED};
    if (fail_named(call, errors, results) > 0)
        return (struct api_verdict){0};
    const json_t *error = json_array_get(errors, 0);
    struct text field = member(error, "field");
    /* without a name, or in the list of all, it may be any message's fault; the rest of a call is the
     * same for all */
    return api_act_all(!field.data || begins(field, "personalizations")
                           ? PROVIDER_MEANS_SPLIT
                           : PROVIDER_MEANS_FAILED,
                       0, api_keep(call, member(error, "message")), call, results);
}

static int64_t reset_wait_ns(struct text reset, int64_t now_s)
{
    uint64_t at_s;
    if (!reset.data || units_count(reset, &at_s) != 0 || at_s <= (uint64_t)now_s)
        return 0;
    uint64_t wait_s = at_s - (uint64_t)now_s;
    return (int64_t)(wait_s < RESET_MAX_S ? wait_s : RESET_MAX_S) * NS_PER_S;
}

static enum provider_meaning meaning_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
    case 405:
        return PROVIDER_MEANS_STOP;
    case 408:
        return PROVIDER_MEANS_RETRY;
    case 413:
        return PROVIDER_MEANS_TOO_LARGE;
    case 429:
        return PROVIDER_MEANS_SLOW_DOWN;
    default:
        return status < 400    ? PROVIDER_MEANS_REDIRECT /* not followed */
               : status >= 500 ? PROVIDER_MEANS_UNKNOWN
                               : PROVIDER_MEANS_FAILED;
    }
}

static struct api_verdict judge_refusal(struct api_call *call, unsigned status,
                                        const json_t *errors, int64_t wait_ns,
                                        struct delivery_result *results)
{
    const json_t *error = json_array_get(errors, 0);
    struct text words = member(error, "message");
    enum provider_meaning means = meaning_of_status(status);
    if (status == 401 && has(words, "credits exceeded")) {
        means = PROVIDER_MEANS_SLOW_DOWN;
        wait_ns = QUOTA_WAIT_NS;
    } else if (status == 403 && begins(member(error, "field"), "from")) {
        means = PROVIDER_MEANS_FAILED; /* the sender is not verified */
    } else if (status == 400) {
        return judge_bad_request(call, errors, results);
    }
    return api_act_all(means, means == PROVIDER_MEANS_SLOW_DOWN ? wait_ns : 0,
                       api_keep(call, words), call, results);
}

/* 202; 200 in its sandbox mode. */
static struct api_verdict judge_taken(struct api_call *call, const json_t *errors,
                                      struct text id, struct delivery_result *results)
{
    if (json_array_size(errors) > 0)
        return api_act_all(PROVIDER_MEANS_UNCLEAR, 0,
                           TEXT("2xx with errors inside, so it may be sent; look for the "
                                "address in SendGrid's Activity"),
                           call, results);
    for (size_t i = 0; i < call->count; i++)
        results[i] =
            (struct delivery_result){.verdict = DELIVERY_SENT, .provider_id = id};
    return (struct api_verdict){0};
}

struct api_verdict sendgrid_judge(struct api_call *call, const struct http_reply *reply,
                                  struct sendgrid_headers headers, int64_t now_s,
                                  struct delivery_result *results)
{
    json_t *root = json_loadb(reply->body.data, reply->body.bytes, 0, NULL);
    const json_t *errors = json_object_get(root, "errors");
    int64_t wait_ns = reply->retry_after_ns > 0
                          ? reply->retry_after_ns
                          : reset_wait_ns(headers.limit_reset, now_s);
    struct api_verdict verdict =
        reply->status / 100 == 2
            ? judge_taken(call, errors, headers.message_id, results)
            : judge_refusal(call, reply->status, errors, wait_ns, results);
    json_decref(root);
    return verdict;
}
