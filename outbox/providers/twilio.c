/* twilio: type "twilio", SMS through Twilio's Messages resource or what is compatible
 * with it. */
#include "outbox/providers/twilio_reply.h"
#include "outbox/providers/types.h"

#include <stdio.h>

/* 1600 characters (error 21617) of at most 4 bytes. */
#define TWILIO_BODY_BYTES_MAX (1600 * 4)

static bool is_service(struct text from)
{
    return from.bytes == 34 && from.data[0] == 'M' && from.data[1] == 'G';
}

/* An E.164 number; a wrong one would only come back as 21211. */
static bool is_number(struct text to)
{
    if (to.bytes < 3 || to.bytes > 16 || to.data[0] != '+')
        return false;
    for (size_t i = 1; i < to.bytes; i++) {
        if (to.data[i] < '0' || to.data[i] > '9')
            return false;
    }
    return true;
}

static bool twilio_refuse(const struct provider_config *config,
                          const struct delivery *delivery, struct delivery_result *result)
{
    (void)config;
    bool bad_number = !is_number(delivery->to);
    if (!bad_number && delivery->body.bytes <= TWILIO_BODY_BYTES_MAX)
        return false;
    result->reason = bad_number ? DELIVERY_INVALID_ADDRESS : DELIVERY_TOO_LARGE;
    result->detail = bad_number ? TEXT("not a number of the form +15551234567")
                                : TEXT("over 1600 characters");
    return true;
}

static void twilio_compose(struct api_call *call)
{
    const struct provider_config *config = &call->provider->config;
    const struct delivery *delivery = call->deliveries[0];
    struct buffer *body = &call->body;
    struct text from = delivery->from.bytes > 0 ? delivery->from : text_of(config->from);
    api_form(body, "To", delivery->to);
    api_form(body, is_service(from) ? "MessagingServiceSid" : "From", from);
    api_form(body, "Body", delivery->body);
}

static struct api_verdict judge(struct api_call *call, const struct http_reply *reply,
                                struct delivery_result *results)
{
    return twilio_judge(reply, &call->scratch, results);
}

static const struct api_methods methods = {
    .refuse = twilio_refuse, .compose = twilio_compose, .judge = judge};

static int twilio_check(const struct provider_config *config, struct error *err)
{
    if (!http_url_ok(text_of(config->url)))
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.url: \"%s\" is not of the form https://HOST[:PORT]",
            config->name, config->url);
    struct text sid = text_of(config->account_sid);
    if (sid.bytes != 34 || sid.data[0] != 'A' || sid.data[1] != 'C' ||
        sid.data[2 + strspn(sid.data + 2, "0123456789abcdefABCDEF")] != '\0')
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.account_sid: \"%s\" is not AC and 32 hexadecimal digits",
            config->name, config->account_sid);
    if (config->auth_token[0] == '\0')
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.auth_token is missing; set it to ${TWILIO_AUTH_TOKEN} or "
            "file:PATH",
            config->name);
    return 0;
}

static int twilio_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    char url[512], authorization[512];
    size_t base_bytes = strlen(config->url);
    while (base_bytes > 0 && config->url[base_bytes - 1] == '/')
        base_bytes--;
    int url_bytes =
        snprintf(url, sizeof(url), "%.*s/2010-04-01/Accounts/%s/Messages.json",
                 (int)base_bytes, config->url, config->account_sid);
    if (url_bytes < 0 || (size_t)url_bytes >= sizeof(url) ||
        http_basic_auth(config->account_sid, config->auth_token, authorization,
                        sizeof(authorization)) != 0)
        return error_set(err, ERROR_CONFIG,
                         "providers.%s: the url or the auth_token is too long",
                         config->name);
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                   authorization, NULL};
    return api_open(provider, &methods, url, headers, NULL, NULL, err);
}

const struct provider_type provider_twilio = {
    .name = "twilio",
    .channels = 1u << CHANNEL_SMS,
    /* Twilio has no idempotency key for outbound messages: a resend may be a second SMS
     */
    .on_unknown_default = ON_UNKNOWN_HOLD,
    .check = twilio_check,
    .open = twilio_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
