/* fcm: type "fcm", push through Firebase Cloud Messaging's HTTP v1 API: one message a request, many
 * requests at once on one HTTP/2 connection. */
#include "outbox/api/bearer.h"
#include "outbox/providers/fcm_account.h"
#include "outbox/providers/fcm_reply.h"
#include "outbox/providers/types.h"

#include <stdio.h>
#include <stdlib.h>

#define URL               "https://fcm.googleapis.com"
#define SCOPE             "https://www.googleapis.com/auth/firebase.messaging"
#define PAYLOAD_BYTES_MAX 4096

struct fcm {
    struct fcm_account account;
    struct bearer bearer;
};

static struct bearer *bearer_of(const struct provider *provider)
{
    return &((struct fcm *)api_own(provider))->bearer;
}

static bool fcm_ready(struct provider *provider)
{
    return bearer_ready(bearer_of(provider));
}

static bool fcm_refuse(const struct provider_config *config,
                       const struct delivery *delivery, struct delivery_result *result)
{
    (void)config;
    if (delivery->title.bytes + delivery->body.bytes <= PAYLOAD_BYTES_MAX)
        return false;
    result->reason = DELIVERY_TOO_LARGE;
    result->detail = TEXT("over 4096 bytes");
    return true;
}

/* A second copy of a message takes the place of the first on the device: the tag does it on Android
 * and in browsers, apns-collapse-id on Apple's. */
static void fcm_compose(struct api_call *call)
{
    const struct delivery *delivery = call->deliveries[0];
    struct buffer *body = &call->body;
    char id[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(delivery->id, id);
    buffer_string(body, "{\"message\":{\"token\":");
    api_json(body, delivery->to);
    buffer_string(body, ",\"notification\":{");
    if (delivery->title.data) {
        buffer_string(body, "\"title\":");
        api_json(body, delivery->title);
        buffer_byte(body, ',');
    }
    buffer_string(body, "\"body\":");
    api_json(body, delivery->body);
    buffer_format(
        body,
        "},\"data\":{\"id\":\"%s\"},\"android\":{\"notification\":{\"tag\":\"%s\"}},"
        "\"apns\":{\"headers\":{\"apns-collapse-id\":\"%s\"}},"
        "\"webpush\":{\"notification\":{\"tag\":\"%s\"}}}%s}",
        id, id, id, id,
        call->provider->config.sandbox_mode ? ",\"validate_only\":true" : "");
    bearer_compose(bearer_of(call->provider), call);
}

static struct api_verdict fcm_judge_call(struct api_call *call,
                                         const struct http_reply *reply,
                                         struct delivery_result *result)
{
    const struct delivery *delivery = call->deliveries[0];
    struct bearer *bearer = bearer_of(call->provider);
    struct api_verdict verdict =
        fcm_judge(reply, delivery->attempt, delivery->id.low, &call->scratch, result);
    if (result->verdict == DELIVERY_SENT) {
        bearer_accepted(bearer, call->stage);
    } else if (verdict.stop && reply->status == 401 &&
               bearer_refused(bearer, call->stage)) { /* perhaps it was withdrawn */
        verdict.stop = false;
        result->verdict = DELIVERY_DEFERRED;
        result->reason = DELIVERY_TEMPORARY;
    }
    return verdict;
}

static const struct api_methods methods = {.refuse = fcm_refuse,
                                           .ready = fcm_ready,
                                           .compose = fcm_compose,
                                           .judge = fcm_judge_call};

static void fcm_free(void *own)
{
    struct fcm *fcm = own;
    bearer_fini(&fcm->bearer);
    fcm_account_fini(&fcm->account);
    free(fcm);
}

static int fcm_check(const struct provider_config *config, struct error *err)
{
    if (config->url[0] && !http_url_ok(text_of(config->url)))
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.url: \"%s\" is not of the form https://HOST[:PORT]",
            config->name, config->url);
    if (config->credentials[0] == '\0')
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.credentials is missing; set it to file:PATH of the "
            "service account's JSON",
            config->name);
    struct fcm_account account;
    int rc = fcm_account_parse(text_of(config->credentials), &account, err);
    if (rc)
        error_prefix(err, "providers.%s.credentials: ", config->name);
    fcm_account_fini(&account);
    return rc;
}

static int fcm_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    struct fcm *fcm = calloc(1, sizeof(*fcm));
    CHECK(fcm);
    int rc = fcm_account_parse(text_of(config->credentials), &fcm->account, err);
    if (rc) {
        fcm_free(fcm);
        return rc;
    }
    bearer_init(&fcm->bearer, provider,
                &(struct bearer_account){.token_url = fcm->account.token_uri,
                                         .issuer = fcm->account.client_email,
                                         .scope = SCOPE,
                                         .key_id = fcm->account.private_key_id,
                                         .key = fcm->account.key});
    struct text base = text_of(config->url[0] ? config->url : URL);
    while (base.bytes > 0 && base.data[base.bytes - 1] == '/')
        base.bytes--;
    struct buffer url = {0};
    buffer_text(&url, base);
    buffer_format(&url, "/v1/projects/%s/messages:send", fcm->account.project_id);
    const char *const headers[] = {"Content-Type: application/json", NULL};
    rc = api_open(provider, &methods, url.data, headers, fcm, fcm_free, err);
    buffer_fini(&url);
    return rc;
}

const struct provider_type provider_fcm = {
    .name = "fcm",
    .channels = 1u << CHANNEL_PUSH,
    /* a copy takes the place of the first on the device (fcm_compose), and Google's own words after
     * an error of FCM's are to send again */
    .on_unknown_default = ON_UNKNOWN_RESEND,
    .check = fcm_check,
    .open = fcm_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
