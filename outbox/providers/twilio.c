/* twilio: type "twilio", SMS through Twilio's Messages resource or what is compatible
 * with it. */
#include "base/clock.h"
#include "outbox/providers/twilio_lookup.h"
#include "outbox/providers/twilio_reply.h"
#include "outbox/providers/types.h"

#include <stdio.h>

/* 1600 characters (error 21617) of at most 4 bytes. */
#define TWILIO_BODY_BYTES_MAX (1600 * 4)
/* A page's messages, which should fit into HTTP_REPLY_BYTES_MAX, and pages of one look-up. */
#define PAGE_SIZE 20
#define PAGES_MAX 20
/* How far Twilio's clock may be behind ours. Not long: the same words to the same number in the job
 * before must not be taken for this message. */
#define CLOCKS_APART_NS (5 * NS_PER_S)

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

static struct text sender_of(const struct api_call *call)
{
    struct text from = call->deliveries[0]->from;
    return from.bytes > 0 ? from : text_of(call->provider->config.from);
}

/* A message in doubt is looked up first: page by page, and then sent where the policy is to send
 * again. Between stages scratch holds the next page's path, or nothing: then it is sent. */
static bool is_lookup(const struct api_call *call)
{
    return call->deliveries[0]->in_doubt && (call->stage == 0 || call->scratch.bytes > 0);
}

/* The URL lies in the body's buffer, as a GET has no body. */
static void compose_lookup(struct api_call *call)
{
    struct buffer *url = &call->body;
    if (call->stage == 0) {
        struct buffer *query = &call->scratch;
        buffer_clear(query);
        api_form(query, "To", call->deliveries[0]->to);
        buffer_format(url, "%s?%.*s&PageSize=%d", call->request.url,
                      TEXT_ARGS(buffer_view(query)), PAGE_SIZE);
    } else { /* a path on the same host */
        const char *path = strstr(call->request.url, "/2010-04-01/");
        CHECK(path);
        buffer_add(url, call->request.url, (size_t)(path - call->request.url));
        buffer_text(url, buffer_view(&call->scratch));
    }
    call->request.method = "GET";
    call->request.url = url->data;
}

static void twilio_compose(struct api_call *call)
{
    if (is_lookup(call)) {
        compose_lookup(call);
        return;
    }
    const struct delivery *delivery = call->deliveries[0];
    struct buffer *body = &call->body;
    struct text from = sender_of(call);
    api_form(body, "To", delivery->to);
    api_form(body, is_service(from) ? "MessagingServiceSid" : "From", from);
    api_form(body, "Body", delivery->body);
}

/* What an earlier run left in doubt was seldom handed over, for intents are durable well before their
 * messages leave: when Twilio does not list it after `lookup_after`, it was not, and is sent. Behind a
 * lost reply it was, and Twilio may still be at it. */
static struct api_verdict not_found(const struct api_call *call,
                                    struct delivery_result *result)
{
    *result = (struct delivery_result){
        .verdict = DELIVERY_UNKNOWN,
        .reason = DELIVERY_BAD_REPLY,
        .detail = TEXT("not found at Twilio, so most likely never sent; see its log "
                       "before you send it again"),
        .doubt_settled = true};
    return (struct api_verdict){.again = call->provider->config.on_unknown ==
                                             ON_UNKNOWN_RESEND ||
                                         call->deliveries[0]->left_behind};
}

/* Nothing was learned: the same again later. */
static struct api_verdict look_later(const char *words, struct api_verdict verdict,
                                     struct delivery_result *result)
{
    *result = (struct delivery_result){.verdict = DELIVERY_DEFERRED,
                                       .reason = DELIVERY_TEMPORARY,
                                       .detail = text_of(words)};
    return verdict;
}

static struct api_verdict judge_lookup(struct api_call *call,
                                       const struct http_reply *reply,
                                       struct delivery_result *result)
{
    const struct delivery *delivery = call->deliveries[0];
    if (reply->status != 200) {
        struct api_verdict verdict = twilio_judge(reply, &call->scratch, result);
        if (!verdict.stop)
            verdict = look_later("the look-up at Twilio failed; volley looks again",
                                 verdict, result);
        return verdict;
    }
    struct twilio_wanted wanted = {.from = sender_of(call),
                                   .to = delivery->to,
                                   .body = delivery->body,
                                   .since_ns = delivery->since_ns - CLOCKS_APART_NS};
    switch (twilio_find(reply->body, &wanted, &call->scratch, result)) {
    case TWILIO_FOUND:
        result->doubt_settled = true;
        return (struct api_verdict){0};
    case TWILIO_NOT_FOUND:
        return not_found(call, result);
    case TWILIO_NEXT_PAGE:
        if (call->stage + 1 < PAGES_MAX)
            return (struct api_verdict){.again = true};
        return look_later("400 messages to this number at Twilio and not found; look "
                          "there, volley looks again",
                          (struct api_verdict){0}, result);
    case TWILIO_NO_LIST:
        break;
    }
    return look_later(
        "Twilio's list of messages cannot be read; check `url`, volley looks again",
        (struct api_verdict){.broken = true}, result);
}

static struct api_verdict judge(struct api_call *call, const struct http_reply *reply,
                                struct delivery_result *results)
{
    if (call->request.method[0] == 'G')
        return judge_lookup(call, reply, results);
    struct api_verdict verdict = twilio_judge(reply, &call->scratch, results);
    /* what came before had been looked up */
    results->doubt_settled = call->stage > 0 && results->verdict != DELIVERY_UNKNOWN;
    return verdict;
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
    .reconciles = true,
    .check = twilio_check,
    .open = twilio_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
