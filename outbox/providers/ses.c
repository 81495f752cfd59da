/* ses: type "ses", email through Amazon's Simple Email Service, API v2.
 *
 * SendBulkEmail carries 50 mails a call: an inline template of nothing but {{subject}}, {{text}} and
 * {{html}}, and for each mail their values. SES does not escape values, so that they arrive as they are.
 * What cannot travel so goes as a SendEmail of its own. */
#include "outbox/providers/ses_reply.h"

#include "base/clock.h"
#include "outbox/api/api_mail.h"
#include "outbox/api/api_url.h"
#include "outbox/providers/types.h"
#include "outbox/wire/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#define BULK_MAX 50
/* "Each input JSON file can be up to 1 MB", less what stands around the entries. */
#define BULK_BYTES_MAX   990000
#define DATA_BYTES_MAX   262144 /* ReplacementTemplateData */
#define HEADER_BYTES_MAX 870    /* MessageHeader's Value */
#define ENTRY_BYTES      400    /* of an entry, without its values */

#define BULK_PATH "/v2/email/outbound-bulk-emails"
#define MAIL_PATH "/v2/email/outbound-emails"

struct ses {
    struct sigv4 signer;
    struct text host;
    char *bulk_url, *mail_url;
    char *token_header;  /* NULL: none */
    struct buffer value; /* a string before it is put into JSON */
};

/* --- which call --- */

/* The longest that t can become as a JSON string within a JSON string: "\n" is \\n there, a quote
 * \\\", a control character \\u001f. */
static size_t json_bytes(struct text t)
{
    size_t bytes = t.bytes;
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c < 0x20 || c == '"' || c == '\\')
            bytes += 6;
    }
    return bytes;
}

static bool has_braces(struct text t)
{
    return t.bytes > 1 && memmem(t.data, t.bytes, "{{", 2);
}

static size_t entry_bytes(const struct delivery *delivery)
{
    const struct delivery_mail *mail = delivery->mail;
    return ENTRY_BYTES + delivery->to.bytes + mail->unsubscribe.bytes +
           json_bytes(mail->subject) + json_bytes(mail->text) + json_bytes(mail->html);
}

/* A value with braces might be taken for a part of the template. */
static bool fits_bulk(const struct provider_config *config,
                      const struct delivery *delivery)
{
    const struct delivery_mail *mail = delivery->mail;
    return config->batch != 1 && entry_bytes(delivery) <= DATA_BYTES_MAX &&
           mail->subject.bytes > 0 && !has_braces(mail->subject) &&
           !has_braces(mail->text) && !has_braces(mail->html);
}

static bool ses_joins(struct api_call *call, const struct delivery *delivery)
{
    const struct provider_config *config = &call->provider->config;
    size_t bytes = entry_bytes(delivery);
    if (call->count > 0 &&
        (call->load + bytes > BULK_BYTES_MAX || !fits_bulk(config, delivery) ||
         !fits_bulk(config, call->deliveries[0]) ||
         !api_same_kind(call->deliveries[0], delivery)))
        return false;
    call->load += bytes;
    return true;
}

static bool ses_refuse(const struct provider_config *config,
                       const struct delivery *delivery, struct delivery_result *result)
{
    (void)config;
    const struct delivery_mail *mail = delivery->mail;
    result->reason = DELIVERY_REJECTED;
    if (!api_is_ascii(delivery->to)) {
        result->reason = DELIVERY_INVALID_ADDRESS;
        result->detail = TEXT("SES takes no address outside ASCII (SMTPUTF8)");
    } else if (mail->text.bytes == 0 && mail->html.bytes == 0) {
        result->detail = TEXT("the mail has neither text nor html");
    } else if (mail->unsubscribe.bytes + 2 > HEADER_BYTES_MAX ||
               !api_is_ascii(mail->unsubscribe)) {
        result->detail = TEXT("SES takes no unsubscribe link that is longer than 868 "
                              "bytes or outside ASCII");
    } else {
        return false;
    }
    return true;
}

/* --- bodies --- */

static void add_from(struct ses *ses, struct buffer *body,
                     const struct delivery *delivery)
{
    buffer_clear(&ses->value);
    api_mailbox(&ses->value, delivery->mail->from_name, delivery->from);
    buffer_string(body, "\"FromEmailAddress\":");
    api_json(body, buffer_view(&ses->value));
}

static void add_headers(struct buffer *body, const char *name,
                        const struct delivery_mail *mail)
{
    if (!mail->unsubscribe.data)
        return;
    /* RFC 8058, 3.1 */
    buffer_format(body, ",\"%s\":[{\"Name\":\"List-Unsubscribe\",\"Value\":\"<", name);
    api_json_value(body, mail->unsubscribe);
    buffer_string(body, ">\"},{\"Name\":\"List-Unsubscribe-Post\","
                        "\"Value\":\"List-Unsubscribe=One-Click\"}]");
}

/* SES gives every mail a Message-ID of its own; the tag is what its events can be matched by. */
static void add_tag(struct buffer *body, const char *name,
                    const struct delivery *delivery)
{
    char id[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(delivery->id, id);
    buffer_format(body, ",\"%s\":[{\"Name\":\"volley_id\",\"Value\":\"%s\"}]", name, id);
}

static void add_data(struct ses *ses, struct buffer *body,
                     const struct delivery_mail *mail)
{
    struct buffer *data = &ses->value;
    buffer_clear(data);
    buffer_string(data, "{\"subject\":");
    api_json(data, mail->subject);
    if (mail->text.bytes > 0) {
        buffer_string(data, ",\"text\":");
        api_json(data, mail->text);
    }
    if (mail->html.bytes > 0) {
        buffer_string(data, ",\"html\":");
        api_json(data, mail->html);
    }
    buffer_byte(data, '}');
    api_json(body, buffer_view(data));
}

static void compose_bulk(struct ses *ses, struct api_call *call)
{
    struct buffer *body = &call->body;
    const struct delivery *first = call->deliveries[0];
    buffer_byte(body, '{');
    add_from(ses, body, first);
    buffer_format(body,
                  ",\"DefaultContent\":{\"Template\":{\"TemplateContent\":{"
                  "\"Subject\":\"{{subject}}\"%s%s},\"TemplateData\":\"{}\"}},"
                  "\"BulkEmailEntries\":[",
                  first->mail->text.bytes > 0 ? ",\"Text\":\"{{text}}\"" : "",
                  first->mail->html.bytes > 0 ? ",\"Html\":\"{{html}}\"" : "");
    for (size_t i = 0; i < call->count; i++) {
        const struct delivery *delivery = call->deliveries[i];
        buffer_string(body, i == 0 ? "{\"Destination\":{\"ToAddresses\":["
                                   : ",{\"Destination\":{\"ToAddresses\":[");
        api_json(body, delivery->to);
        buffer_string(body, "]},\"ReplacementEmailContent\":{\"ReplacementTemplate\":{"
                            "\"ReplacementTemplateData\":");
        add_data(ses, body, delivery->mail);
        buffer_string(body, "}}");
        add_headers(body, "ReplacementHeaders", delivery->mail);
        add_tag(body, "ReplacementTags", delivery);
        buffer_byte(body, '}');
    }
    buffer_string(body, "]}");
}

static void add_part(struct buffer *body, const char *name, struct text value)
{
    buffer_format(body, "\"%s\":{\"Charset\":\"UTF-8\",\"Data\":", name);
    api_json(body, value);
    buffer_byte(body, '}');
}

static void compose_one(struct ses *ses, struct api_call *call)
{
    struct buffer *body = &call->body;
    const struct delivery *delivery = call->deliveries[0];
    const struct delivery_mail *mail = delivery->mail;
    buffer_byte(body, '{');
    add_from(ses, body, delivery);
    buffer_string(body, ",\"Destination\":{\"ToAddresses\":[");
    api_json(body, delivery->to);
    buffer_string(body, "]},\"Content\":{\"Simple\":{");
    add_part(body, "Subject", mail->subject);
    buffer_string(body, ",\"Body\":{");
    if (mail->text.bytes > 0)
        add_part(body, "Text", mail->text);
    if (mail->html.bytes > 0) {
        if (mail->text.bytes > 0)
            buffer_byte(body, ',');
        add_part(body, "Html", mail->html);
    }
    buffer_byte(body, '}');
    add_headers(body, "Headers", mail);
    buffer_string(body, "}}");
    add_tag(body, "EmailTags", delivery);
    buffer_byte(body, '}');
}

static bool is_bulk(const struct api_call *call)
{
    return fits_bulk(&call->provider->config, call->deliveries[0]);
}

static void ses_compose(struct api_call *call)
{
    struct ses *ses = api_own(call->provider);
    bool bulk = is_bulk(call);
    if (bulk)
        compose_bulk(ses, call);
    else
        compose_one(ses, call);
    struct sigv4_headers *signature =
        (struct sigv4_headers *)buffer_room(&call->scratch, sizeof(*signature));
    const struct sigv4_request request = {.method = "POST",
                                          .host = ses->host,
                                          .path =
                                              bulk ? TEXT(BULK_PATH) : TEXT(MAIL_PATH),
                                          .content_type = TEXT("application/json"),
                                          .body = buffer_view(&call->body)};
    sigv4_sign(&ses->signer, &request, clock_now_ns() / NS_PER_S, signature);
    const char *const headers[] = {"Content-Type: application/json", signature->date,
                                   signature->authorization, ses->token_header, NULL};
    memcpy(call->request.headers, headers, sizeof(headers));
    call->request.url = bulk ? ses->bulk_url : ses->mail_url;
}

static struct api_verdict ses_judge_call(struct api_call *call,
                                         const struct http_reply *reply,
                                         struct delivery_result *results)
{
    return ses_judge(call, reply, http_reply_header(reply, "x-amzn-ErrorType"),
                     is_bulk(call), results);
}

static const struct api_methods methods = {.batch_max = BULK_MAX,
                                           .joins = ses_joins,
                                           .refuse = ses_refuse,
                                           .compose = ses_compose,
                                           .judge = ses_judge_call};

/* --- life --- */

static int ses_check(const struct provider_config *config, struct error *err)
{
    static const char region_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    static const struct {
        const char *key;
        size_t offset;
    } needed[] = {{"access_key", offsetof(struct provider_config, access_key)},
                  {"secret_key", offsetof(struct provider_config, secret_key)}};
    size_t region_length = strlen(config->region);
    if (region_length == 0 || region_length > 63 ||
        strspn(config->region, region_bytes) != region_length)
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.region: \"%s\" is no AWS region, as eu-west-1",
                         config->name, config->region);
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        const char *value =
            *(const char *const *)((const char *)config + needed[i].offset);
        if (value[0] == '\0' || strpbrk(value, "\r\n"))
            return error_set(err, ERROR_CONFIG,
                             "providers.%s.%s is missing or has a line break; set it to "
                             "${NAME} or file:PATH",
                             config->name, needed[i].key);
    }
    if (strlen(config->access_key) > SIGV4_ACCESS_KEY_BYTES_MAX)
        return error_set(err, ERROR_CONFIG, "providers.%s.access_key is too long",
                         config->name);
    if (strpbrk(config->session_token, "\r\n"))
        return error_set(err, ERROR_CONFIG, "providers.%s.session_token has a line break",
                         config->name);
    return api_check_host_url(config, err);
}

static struct text optional(const char *value)
{
    return value[0] ? text_of(value) : TEXT_NONE;
}

static void ses_free(void *own)
{
    struct ses *ses = own;
    buffer_fini(&ses->value);
    free(ses->bulk_url);
    free(ses->mail_url);
    free(ses->token_header);
    free(ses);
}

static char *join(const char *a, const char *b)
{
    char *out = NULL;
    CHECK(asprintf(&out, "%s%s", a, b) >= 0);
    return out;
}

static int ses_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    char url[512];
    if (config->url[0])
        snprintf(url, sizeof(url), "%.*s", TEXT_ARGS(api_base_url(config)));
    else
        snprintf(url, sizeof(url), "https://email.%s.amazonaws.com", config->region);
    struct ses *ses = calloc(1, sizeof(*ses));
    CHECK(ses);
    *ses = (struct ses){.signer = {.access_key = text_of(config->access_key),
                                   .secret_key = text_of(config->secret_key),
                                   .session_token = optional(config->session_token),
                                   .region = text_of(config->region),
                                   .service = TEXT("ses")},
                        .bulk_url = join(url, BULK_PATH),
                        .mail_url = join(url, MAIL_PATH)};
    ses->host = api_host_header((struct text){ses->mail_url, strlen(url)});
    if (config->session_token[0])
        ses->token_header = join("X-Amz-Security-Token: ", config->session_token);
    const char *const headers[] = {NULL};
    return api_open(provider, &methods, ses->bulk_url, headers, ses, ses_free, err);
}

const struct provider_type provider_ses = {
    .name = "ses",
    .channels = 1u << CHANNEL_EMAIL,
    .wants_parts = true,
    /* SES has no idempotency key and gives each copy a Message-ID of its own: nobody could tell a
     * second copy from the first */
    .on_unknown_default = ON_UNKNOWN_HOLD,
    .check = ses_check,
    .open = ses_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
