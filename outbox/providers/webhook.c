/* webhook: type "webhook", any HTTP service that takes a message as JSON
 * (docs/providers.md). */
#include "outbox/providers/api.h"
#include "outbox/providers/types.h"

#include <jansson.h>
#include <stdio.h>

static bool webhook_compose(const struct provider_config *config,
                            const struct delivery *delivery, struct buffer *body,
                            struct delivery_result *result)
{
    (void)config, (void)result;
    char id[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(delivery->id, id);
    buffer_format(body, "{\"id\":\"%s\",\"channel\":\"%s\",\"to\":", id,
                  channel_name(delivery->channel));
    api_json(body, delivery->to);
    if (delivery->title.data) {
        buffer_string(body, ",\"title\":");
        api_json(body, delivery->title);
    }
    buffer_string(body, ",\"body\":");
    api_json(body, delivery->body);
    buffer_byte(body, '}');
    return true;
}

static struct api_verdict judge_refusal(const struct delivery *delivery,
                                        const struct http_reply *reply)
{
    struct api_verdict verdict = {
        .result = {.verdict = DELIVERY_FAILED, .reason = DELIVERY_REJECTED}};
    struct delivery_result *result = &verdict.result;
    switch (reply->status) {
    case 401:
        result->reason = DELIVERY_CREDENTIALS;
        verdict.stop = true;
        break;
    case 404:
    case 410:
        result->reason = DELIVERY_INVALID_ADDRESS;
        result->address_dead = delivery->channel == CHANNEL_PUSH;
        break;
    case 408: /* the service gave up waiting for the request (RFC 9110 15.5.9) */
    case 425: /* too early, RFC 8470 */
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_TEMPORARY;
        break;
    case 413:
        result->reason = DELIVERY_TOO_LARGE;
        break;
    case 429:
    case 503:
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_THROTTLED;
        verdict.slow_down = true;
        verdict.wait_ns = reply->retry_after_ns;
        break;
    default:
        if (reply->status / 100 == 4)
            break;
        /* a redirect took nothing, but every message would meet it; behind 5xx nobody
         * knows */
        result->verdict = reply->status / 100 == 3 ? DELIVERY_DEFERRED : DELIVERY_UNKNOWN;
        result->reason =
            reply->status / 100 == 3 ? DELIVERY_TEMPORARY : DELIVERY_BAD_REPLY;
        verdict.broken = true;
    }
    size_t words = reply->body.bytes < 200 ? reply->body.bytes : 200;
    result->detail = (struct text){reply->body.data, words};
    return verdict;
}

static struct api_verdict webhook_judge(const struct delivery *delivery,
                                        const struct http_reply *reply,
                                        struct buffer *scratch)
{
    if (reply->status / 100 != 2)
        return judge_refusal(delivery, reply);
    /* 2xx is taken, whatever the body says; an "id" in it is kept */
    struct api_verdict verdict = {.result = {.verdict = DELIVERY_SENT}};
    json_t *root =
        json_loadb(reply->body.data, reply->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *id = json_object_get(root, "id");
    if (json_is_string(id)) {
        buffer_add(scratch, json_string_value(id), json_string_length(id));
        verdict.result.provider_id = buffer_view(scratch);
    }
    json_decref(root);
    return verdict;
}

static const struct api_methods methods = {.compose = webhook_compose,
                                           .judge = webhook_judge};

static int webhook_check(const struct provider_config *config, struct error *err)
{
    if (!http_url_ok(text_of(config->url)))
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.url: \"%s\" is not of the form https://HOST[:PORT]/PATH",
            config->name, config->url);
    if (strpbrk(config->auth_token, "\r\n"))
        return error_set(err, ERROR_CONFIG, "providers.%s.auth_token has a line break",
                         config->name);
    return 0;
}

static int webhook_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    char authorization[2048];
    int bytes = snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                         config->auth_token);
    if (bytes < 0 || (size_t)bytes >= sizeof(authorization))
        return error_set(err, ERROR_CONFIG, "providers.%s.auth_token is too long",
                         config->name);
    const char *const headers[] = {"Content-Type: application/json",
                                   config->auth_token[0] ? authorization : NULL, NULL};
    return api_open(provider, &methods, config->url, headers, err);
}

const struct provider_type provider_webhook = {
    .name = "webhook",
    .channels = 1u << CHANNEL_SMS | 1u << CHANNEL_EMAIL | 1u << CHANNEL_PUSH |
                1u << CHANNEL_INAPP,
    /* a resend carries the same Idempotency-Key, by which the service drops the second
       copy */
    .on_unknown_default = ON_UNKNOWN_RESEND,
    .check = webhook_check,
    .open = webhook_open,
    .pump = api_pump,
    .close = api_close,
    .destroy = api_destroy,
};
