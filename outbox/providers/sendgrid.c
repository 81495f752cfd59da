/* sendgrid: type "sendgrid", email through Twilio SendGrid's Mail Send, v3.
 *
 * A call describes one mail and up to 1000 personalizations of it. Mails with the very same bodies
 * share them; else each has its bodies as substitutions for a tag that stands for the whole body, which
 * SendGrid limits in size; a larger mail has a call of its own. */
#include "outbox/providers/sendgrid_reply.h"

#include "base/clock.h"
#include "outbox/api/api_mail.h"
#include "outbox/api/api_url.h"
#include "outbox/providers/types.h"

#include <stdio.h>
#include <stdlib.h>

#define PERSONALIZATIONS_MAX 1000
/* "The total collective size of your substitutions may not exceed 10,000 bytes per personalization
 * object" (its OpenAPI; another page says 50,000). */
#define SUBSTITUTION_BYTES_MAX 10000
#define TAG_HEAD               "%volley_"
#define TEXT_TAG               TAG_HEAD "text%"
#define HTML_TAG               TAG_HEAD "html%"

/* The addresses of the call being filled, by hash: an address may be in a call only once. */
struct addresses {
    uint64_t slots[2 * 1024]; /* 0: free */
};
_Static_assert(PERSONALIZATIONS_MAX <= 1024, "the table is at most half full");

/* --- which call --- */

/* Returns false when it was there already. */
static bool addresses_add(struct addresses *addresses, struct text address)
{
    char lower[320];
    size_t bytes = address.bytes < sizeof(lower) ? address.bytes : sizeof(lower);
    for (size_t i = 0; i < bytes; i++) {
        char c = address.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    uint64_t hash = hash64(lower, bytes) | 1;
    size_t at = hash >> 32;
    for (;; at++) {
        uint64_t *slot = &addresses->slots[at % ARRAY_COUNT(addresses->slots)];
        if (*slot == hash)
            return false;
        if (*slot == 0) {
            *slot = hash;
            return true;
        }
    }
}

static bool has_tag(struct text t)
{
    return t.bytes > 0 && memmem(t.data, t.bytes, TAG_HEAD, strlen(TAG_HEAD));
}

/* A value with a tag in it might have another value put there. */
static bool fits_substitution(const struct delivery_mail *mail)
{
    return mail->text.bytes + mail->html.bytes + strlen(TEXT_TAG) + strlen(HTML_TAG) <=
               SUBSTITUTION_BYTES_MAX &&
           !has_tag(mail->subject) && !has_tag(mail->text) && !has_tag(mail->html);
}

static bool same_bodies(const struct delivery_mail *a, const struct delivery_mail *b)
{
    return text_equal(a->text, b->text) && text_equal(a->html, b->html);
}

static bool sendgrid_joins(struct api_call *call, const struct delivery *delivery)
{
    struct addresses *addresses = api_own(call->provider);
    if (call->count == 0) {
        memset(addresses, 0, sizeof(*addresses));
        addresses_add(addresses, delivery->to);
        return true;
    }
    const struct delivery *first = call->deliveries[0];
    bool fits = fits_substitution(first->mail) ? fits_substitution(delivery->mail)
                                               : same_bodies(first->mail, delivery->mail);
    return fits && api_same_kind(first, delivery) &&
           addresses_add(addresses, delivery->to);
}

static bool sendgrid_refuse(const struct provider_config *config,
                            const struct delivery *delivery,
                            struct delivery_result *result)
{
    (void)config;
    const struct delivery_mail *mail = delivery->mail;
    result->reason = DELIVERY_REJECTED;
    if (mail->subject.bytes == 0)
        result->detail = TEXT("SendGrid takes no mail without a subject");
    else if (mail->text.bytes == 0 && mail->html.bytes == 0)
        result->detail = TEXT("the mail has neither text nor html");
    else
        return false;
    return true;
}

/* --- body --- */

static void add_member(struct buffer *body, const char *name, struct text value)
{
    buffer_format(body, "\"%s\":", name);
    api_json(body, value);
}

static void add_headers(struct buffer *body, const struct delivery *delivery)
{
    buffer_string(body, ",\"headers\":{\"Message-ID\":\"");
    api_message_id(body, delivery);
    buffer_byte(body, '"');
    if (delivery->mail->unsubscribe.data) { /* RFC 8058, 3.1 */
        buffer_string(body, ",\"List-Unsubscribe\":\"<");
        api_json_value(body, delivery->mail->unsubscribe);
        buffer_string(body, ">\",\"List-Unsubscribe-Post\":"
                            "\"List-Unsubscribe=One-Click\"");
    }
    buffer_byte(body, '}');
}

static void add_substitutions(struct buffer *body, const struct delivery_mail *mail)
{
    buffer_string(body, ",\"substitutions\":{");
    if (mail->text.bytes > 0)
        add_member(body, TEXT_TAG, mail->text);
    if (mail->html.bytes > 0) {
        if (mail->text.bytes > 0)
            buffer_byte(body, ',');
        add_member(body, HTML_TAG, mail->html);
    }
    buffer_byte(body, '}');
}

static void add_personalization(struct buffer *body, const struct delivery *delivery,
                                bool substituted)
{
    char id[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(delivery->id, id);
    buffer_string(body, "{\"to\":[{");
    add_member(body, "email", delivery->to);
    buffer_string(body, "}],");
    add_member(body, "subject", delivery->mail->subject);
    add_headers(body, delivery);
    buffer_format(body, ",\"custom_args\":{\"volley_id\":\"%s\"}", id);
    if (substituted)
        add_substitutions(body, delivery->mail);
    buffer_byte(body, '}');
}

static void add_content(struct buffer *body, struct text text, struct text html)
{
    buffer_string(body, ",\"content\":[");
    if (text.bytes > 0) {
        buffer_string(body, "{\"type\":\"text/plain\",");
        add_member(body, "value", text);
        buffer_byte(body, '}');
    }
    if (html.bytes > 0) {
        buffer_string(body, text.bytes > 0 ? ",{\"type\":\"text/html\","
                                           : "{\"type\":\"text/html\",");
        add_member(body, "value", html);
        buffer_byte(body, '}');
    }
    buffer_byte(body, ']');
}

static bool all_the_same(const struct api_call *call)
{
    for (size_t i = 1; i < call->count; i++) {
        if (!same_bodies(call->deliveries[0]->mail, call->deliveries[i]->mail))
            return false;
    }
    return true;
}

static void sendgrid_compose(struct api_call *call)
{
    struct buffer *body = &call->body;
    const struct delivery *first = call->deliveries[0];
    const struct delivery_mail *mail = first->mail;
    bool substituted = !all_the_same(call);
    buffer_string(body, "{\"from\":{");
    add_member(body, "email", first->from);
    if (mail->from_name.bytes > 0) {
        buffer_byte(body, ',');
        add_member(body, "name", mail->from_name);
    }
    buffer_string(body, "},\"personalizations\":[");
    for (size_t i = 0; i < call->count; i++) {
        if (i > 0)
            buffer_byte(body, ',');
        add_personalization(body, call->deliveries[i], substituted);
    }
    buffer_byte(body, ']');
    if (substituted)
        add_content(body, mail->text.bytes > 0 ? TEXT(TEXT_TAG) : TEXT_NONE,
                    mail->html.bytes > 0 ? TEXT(HTML_TAG) : TEXT_NONE);
    else
        add_content(body, mail->text, mail->html);
    if (call->provider->config.sandbox_mode)
        buffer_string(body, ",\"mail_settings\":{\"sandbox_mode\":{\"enable\":true}}");
    buffer_byte(body, '}');
}

static struct api_verdict sendgrid_judge_call(struct api_call *call,
                                              const struct http_reply *reply,
                                              struct delivery_result *results)
{
    const struct sendgrid_headers headers = {
        .message_id = http_reply_header(reply, "X-Message-Id"),
        .limit_reset = http_reply_header(reply, "X-RateLimit-Reset")};
    return sendgrid_judge(call, reply, headers, clock_now_ns() / NS_PER_S, results);
}

static const struct api_methods methods = {.batch_max = PERSONALIZATIONS_MAX,
                                           .joins = sendgrid_joins,
                                           .refuse = sendgrid_refuse,
                                           .compose = sendgrid_compose,
                                           .judge = sendgrid_judge_call};

/* --- life --- */

static int sendgrid_check(const struct provider_config *config, struct error *err)
{
    if (config->api_key[0] == '\0' || strpbrk(config->api_key, "\r\n"))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.api_key is missing or has a line break; set it to "
                         "${SENDGRID_API_KEY} or file:PATH",
                         config->name);
    return api_check_host_url(config, err);
}

static int sendgrid_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    char url[512], authorization[1024];
    struct text base =
        config->url[0] ? api_base_url(config) : TEXT("https://api.sendgrid.com");
    snprintf(url, sizeof(url), "%.*s/v3/mail/send", TEXT_ARGS(base));
    int bytes = snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                         config->api_key);
    if ((size_t)bytes >= sizeof(authorization))
        return error_set(err, ERROR_CONFIG, "providers.%s.api_key is too long",
                         config->name);
    const char *const headers[] = {"Content-Type: application/json", authorization, NULL};
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    CHECK(addresses);
    return api_open(provider, &methods, url, headers, addresses, free, err);
}

const struct provider_type provider_sendgrid = {
    .name = "sendgrid",
    .channels = 1u << CHANNEL_EMAIL,
    .wants_parts = true,
    /* a second copy carries the same Message-ID, by which mailboxes know it */
    .on_unknown_default = ON_UNKNOWN_RESEND,
    .check = sendgrid_check,
    .open = sendgrid_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
