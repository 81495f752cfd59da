/* webhook: type "webhook", any HTTP service that takes a message as JSON
 * (docs/providers.md). */
#include "outbox/api/api.h"
#include "outbox/providers/types.h"

#include <jansson.h>
#include <stdio.h>

static void webhook_compose(struct api_call *call)
{
    const struct delivery *delivery = call->deliveries[0];
    struct buffer *body = &call->body;
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
}

static struct api_verdict webhook_judge(struct api_call *call,
                                        const struct http_reply *reply,
                                        struct delivery_result *result)
{
    if (reply->status / 100 != 2)
        return api_judge_status(call, reply, result);
    /* 2xx is taken, whatever the body says; an "id" in it is kept */
    result->verdict = DELIVERY_SENT;
    json_t *root =
        json_loadb(reply->body.data, reply->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *id = json_object_get(root, "id");
    if (json_is_string(id)) {
        buffer_add(&call->scratch, json_string_value(id), json_string_length(id));
        result->provider_id = buffer_view(&call->scratch);
    }
    json_decref(root);
    return (struct api_verdict){0};
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
    return api_open(provider, &methods, config->url, headers, NULL, NULL, err);
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
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
