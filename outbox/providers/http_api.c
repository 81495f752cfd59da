/* http_api: type "http", a provider that volley.yaml describes wholly: the URL, the headers, the body
 * with places for the message, what the replies mean (docs/providers.md). Templates and rules are
 * read once when it is opened. */
#include "outbox/providers/http_api_body.h"
#include "outbox/providers/http_api_headers.h"
#include "outbox/providers/http_api_reply.h"
#include "outbox/providers/types.h"

#include "outbox/api/api.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define MESSAGES        "##{{messages}}"
#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

struct http_api {
    struct api_methods methods;
    const struct provider_config *config;
    struct http_api_body *body;
    struct http_api_rules *rules;
    char *frame;                /* batch_body, or what stands for it */
    struct text before, behind; /* of the messages in it */
    bool batch;
    /* the last one judged: the texts of its results lie in it, or in the sentence about it */
    json_t *reply;
    struct buffer sentence;
};

/* --- the body --- */

/* sender: as RFC 5322 writes a mailbox, 3.4. */
static struct text put_sender(struct text name, struct text address, struct buffer *out)
{
    size_t start = out->bytes;
    if (name.bytes == 0)
        return address;
    buffer_byte(out, '"');
    for (size_t i = 0; i < name.bytes; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\')
            buffer_byte(out, '\\');
        buffer_byte(out, (unsigned char)name.data[i] < ' ' ? ' ' : name.data[i]);
    }
    buffer_string(out, "\" <");
    buffer_text(out, address);
    buffer_byte(out, '>');
    return (struct text){out->data + start, out->bytes - start};
}

static struct text put_base64(struct text value, struct buffer *out)
{
    char *start = buffer_room(out, BASE64_BYTES(value.bytes) + 1);
    int bytes = EVP_EncodeBlock((unsigned char *)start, (const unsigned char *)value.data,
                                (int)value.bytes);
    out->bytes += (size_t)bytes;
    return (struct text){start, (size_t)bytes};
}

/* fill: the values of a message; what has to be made lies in scratch, which has room for all of it,
 * because texts of it must not move. */
static void fill(const struct http_api *http, const struct delivery *delivery,
                 struct buffer *scratch, char id[MESSAGE_ID_HEX_BYTES + 1],
                 struct text values[HTTP_API_VALUES])
{
    static const struct delivery_mail none;
    bool email = delivery->channel == CHANNEL_EMAIL;
    bool base64 = http_api_body_uses(http->body, HTTP_API_MIME_BASE64);
    const struct delivery_mail *mail = delivery->mail ? delivery->mail : &none;
    struct text from =
        delivery->from.bytes > 0 ? delivery->from : text_of(http->config->from);
    buffer_clear(scratch);
    buffer_room(scratch, mail->from_name.bytes * 2 + from.bytes + 8 +
                             (base64 ? BASE64_BYTES(delivery->body.bytes) + 1 : 0));
    message_id_hex(delivery->id, id);
    values[HTTP_API_TO] = delivery->to;
    values[HTTP_API_FROM] = from;
    values[HTTP_API_FROM_NAME] = mail->from_name;
    values[HTTP_API_SENDER] = put_sender(mail->from_name, from, scratch);
    values[HTTP_API_SUBJECT] = mail->subject;
    values[HTTP_API_TEXT] = email ? mail->text : delivery->body;
    values[HTTP_API_HTML] = mail->html;
    values[HTTP_API_BODY] = delivery->body;
    values[HTTP_API_TITLE] = delivery->title;
    values[HTTP_API_UNSUBSCRIBE] = mail->unsubscribe;
    values[HTTP_API_ID] = text_of(id);
    values[HTTP_API_CHANNEL] = text_of(channel_name(delivery->channel));
    values[HTTP_API_MIME_BASE64] =
        base64 ? put_base64(delivery->body, scratch) : TEXT_NONE;
}

static void http_api_compose(struct api_call *call)
{
    const struct http_api *http = api_own(call->provider);
    struct text values[HTTP_API_VALUES];
    char id[MESSAGE_ID_HEX_BYTES + 1];
    if (http->batch)
        buffer_text(&call->body, http->before);
    for (size_t i = 0; i < call->count; i++) {
        if (i > 0)
            buffer_byte(&call->body, ',');
        fill(http, call->deliveries[i], &call->scratch, id, values);
        http_api_body_write(http->body, values, &call->body);
    }
    if (http->batch)
        buffer_text(&call->body, http->behind);
}

/* --- the reply --- */

static struct text string_at(const json_t *root, const char *path)
{
    const json_t *value = path[0] ? http_api_find(root, path) : NULL;
    if (!json_is_string(value))
        return TEXT_NONE;
    return (struct text){json_string_value(value), json_string_length(value)};
}

/* An id may be a number too. */
static struct text id_at(const json_t *root, const char *path, struct api_call *call)
{
    const json_t *value = path[0] ? http_api_find(root, path) : NULL;
    char number[32];
    if (!json_is_integer(value))
        return string_at(root, path);
    snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return api_keep(call, text_of(number));
}

/* A reply that cannot be understood says nothing about any message of the call. */
static struct api_verdict doubt(struct api_call *call, struct delivery_result *results)
{
    return api_act_all(PROVIDER_MEANS_UNKNOWN, 0, buffer_view(&call->scratch), call,
                       results);
}

static struct text without_id(struct http_api *http, const struct http_reply *reply)
{
    buffer_clear(&http->sentence);
    buffer_format(&http->sentence, "HTTP %u without the id `%s`, ask the service: %.*s",
                  reply->status, http->config->id,
                  (int)(reply->body.bytes < 100 ? reply->body.bytes : 100),
                  reply->body.data);
    return buffer_view(&http->sentence);
}

/* judge_one: by the rules, else by the status; without either an id is what proves a message taken.
 * result comes as the status alone would have it. Returns whether the status decided. */
static bool judge_one(struct http_api *http, struct api_call *call,
                      const struct http_reply *reply, const json_t *root,
                      struct api_verdict *verdict, struct delivery_result *result)
{
    bool taken = reply->status / 100 == 2;
    int means = http_api_rules_match(http->rules, reply->status, root);
    struct text id = id_at(root, http->config->id, call);
    struct text detail = string_at(root, http->config->detail);
    bool unnamed = means < 0 && taken && http->config->id[0] && !id.data;
    if (means < 0 && taken)
        means = unnamed ? PROVIDER_MEANS_UNKNOWN : PROVIDER_MEANS_SENT;
    if (means >= 0)
        api_act((enum provider_meaning)means,
                means == PROVIDER_MEANS_SLOW_DOWN ? reply->retry_after_ns : 0, verdict,
                result);
    if (result->verdict == DELIVERY_SENT)
        result->provider_id = id;
    else if (detail.data)
        result->detail = detail;
    else if (unnamed)
        result->detail = without_id(http, reply);
    return means < 0;
}

static struct api_verdict judge_each(struct http_api *http, struct api_call *call,
                                     const struct http_reply *reply, const json_t *list,
                                     struct delivery_result *results)
{
    struct api_verdict verdict = {0};
    struct api_verdict by_status = api_judge_status(call, reply, results);
    bool status_decided = false, some_taken = false;
    for (size_t i = 0; i < call->count; i++) {
        const json_t *own = list ? json_array_get(list, i) : http->reply;
        if (list) /* the whole reply's text tells about all of them */
            results[i].detail = TEXT_NONE;
        status_decided |= judge_one(http, call, reply, own, &verdict, &results[i]);
        some_taken |= results[i].verdict == DELIVERY_SENT;
    }
    if (status_decided) {
        verdict.slow_down |= by_status.slow_down;
        verdict.stop |= by_status.stop;
        verdict.broken |= by_status.broken;
        verdict.wait_ns =
            by_status.wait_ns > verdict.wait_ns ? by_status.wait_ns : verdict.wait_ns;
    }
    verdict.broken &= !some_taken;
    verdict.split &= !list; /* where each has a reply of its own, only it is meant */
    return verdict;
}

static struct api_verdict http_api_judge(struct api_call *call,
                                         const struct http_reply *reply,
                                         struct delivery_result *results)
{
    struct http_api *http = api_own(call->provider);
    const struct provider_config *config = http->config;
    static const char *const wrong[] = {"is no JSON", "is not whole", "is empty"};
    bool taken = reply->status / 100 == 2;
    bool in_parts = http->batch && config->batch_replies[0];
    json_decref(http->reply);
    http->reply = json_loadb(reply->body.data, reply->body.bytes, JSON_DECODE_ANY, NULL);
    if (taken && !http->reply &&
        (config->id[0] || in_parts ||
         http_api_rules_need_json(http->rules, reply->status))) {
        int shown = (int)(reply->body.bytes < 100 ? reply->body.bytes : 100);
        buffer_format(&call->scratch,
                      "HTTP %u, but the reply %s; check `url`, ask the service if it was "
                      "sent%s%.*s",
                      reply->status,
                      wrong[shown == 0         ? 2
                            : reply->truncated ? 1
                                               : 0],
                      shown > 0 ? ": " : "", shown, reply->body.data);
        return doubt(call, results);
    }
    const json_t *list =
        in_parts ? http_api_find(http->reply, config->batch_replies) : NULL;
    if (!json_is_array(list))
        list = NULL;
    if (in_parts && (list ? json_array_size(list) != call->count : taken)) {
        buffer_format(&call->scratch,
                      "HTTP %u with %zu replies to %zu messages; check `batch_replies`, "
                      "ask the service what was sent",
                      reply->status, json_array_size(list), call->count);
        return doubt(call, results);
    }
    return judge_each(http, call, reply, list, results);
}

/* --- the configuration --- */

static void http_api_free(void *own)
{
    struct http_api *http = own;
    http_api_body_destroy(&http->body);
    http_api_rules_destroy(&http->rules);
    json_decref(http->reply);
    buffer_fini(&http->sentence);
    free(http->frame);
    free(http);
}

/* A query may stand behind the path, for services that want their key there. */
static int check_url(const struct provider_config *config, struct error *err)
{
    struct text url = text_of(config->url);
    const char *query = memchr(url.data, '?', url.bytes);
    struct text path = {url.data, query ? (size_t)(query - url.data) : url.bytes};
    if (!http_url_ok(path) || strpbrk(config->url, " #\r\n\t"))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.url is not of the form https://HOST[:PORT]/PATH",
                         config->name);
    return 0;
}

static int read_batch(struct http_api *http, struct error *err)
{
    const struct provider_config *config = http->config;
    const char *frame = http->frame =
        text_copy(text_of(config->batch_body[0] ? config->batch_body : "[" MESSAGES "]"));
    const char *place = strstr(frame, MESSAGES);
    http->batch = config->batch > 0;
    if (http->batch && config->form)
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.batch: a form carries one message; leave it out",
                         config->name);
    if (!http->batch && (config->batch_body[0] || config->batch_replies[0]))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.batch is missing: how many messages a call may "
                         "carry",
                         config->name);
    if (!place || strstr(place + 1, MESSAGES))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.batch_body must have " MESSAGES
                         " once, where the messages of a batch stand",
                         config->name);
    http->before = (struct text){frame, (size_t)(place - frame)};
    http->behind = text_of(place + strlen(MESSAGES));
    return 0;
}

static int read_config(struct http_api *http, struct error *err)
{
    const struct provider_config *config = http->config;
    int rc = check_url(config, err);
    if (rc == 0 && !config->body[0])
        rc = error_set(
            err, ERROR_CONFIG,
            "providers.%s.body is missing: what a request says, with places like "
            "##{{to}}",
            config->name);
    if (rc == 0)
        rc = http_api_headers_check(config, err);
    if (rc == 0)
        rc = read_batch(http, err);
    if (rc)
        return rc;
    rc = http_api_body_parse(text_of(config->body), config->form, &http->body, err);
    if (rc) {
        error_prefix(err, "providers.%s.body: ", config->name);
        return rc;
    }
    rc = http_api_rules_parse(config->replies, config->reply_count, &http->rules, err);
    if (rc)
        error_prefix(err, "providers.%s.", config->name);
    return rc;
}

static int make(const struct provider_config *config, struct http_api **out,
                struct error *err)
{
    struct http_api *http = calloc(1, sizeof(*http));
    CHECK(http);
    http->config = config;
    http->methods =
        (struct api_methods){.batch_max = config->batch > 0 ? config->batch : 1,
                             .compose = http_api_compose,
                             .judge = http_api_judge};
    int rc = read_config(http, err);
    if (rc)
        http_api_free(http);
    else
        *out = http;
    return rc;
}

static int http_api_check(const struct provider_config *config, struct error *err)
{
    struct http_api *http;
    int rc = make(config, &http, err);
    if (rc == 0)
        http_api_free(http);
    return rc;
}

/* --- opening --- */

static int http_api_open(struct provider *provider, struct error *err)
{
    const struct provider_config *config = &provider->config;
    struct http_api *http;
    int rc = make(config, &http, err);
    if (rc)
        return rc;
    struct http_api_headers *headers = NULL;
    rc = http_api_headers_make(config, &headers, err);
    if (rc)
        http_api_free(http);
    else
        rc = api_open(provider, &http->methods, config->url, headers->list, http,
                      http_api_free, err);
    free(headers);
    return rc;
}

const struct provider_type provider_http_api = {
    .name = "http",
    .channels = 1u << CHANNEL_SMS | 1u << CHANNEL_EMAIL | 1u << CHANNEL_PUSH |
                1u << CHANNEL_INAPP,
    /* nobody knows whether the service drops a second copy; who knows it says `resend` */
    .on_unknown_default = ON_UNKNOWN_HOLD,
    .check = http_api_check,
    .open = http_api_open,
    .pump = api_pump,
    .reconfigure = api_reconfigure,
    .close = api_close,
    .destroy = api_destroy,
};
