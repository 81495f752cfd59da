/* api: see api.h. */
#include "outbox/providers/api.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_HEADER "Idempotency-Key: "

struct api_slot {
    struct api *api;
    struct api_slot *next_free;
    struct http_request request;
    struct delivery *delivery;
    struct buffer body;
    char key[sizeof(KEY_HEADER) + MESSAGE_ID_HEX_BYTES];
};

struct api {
    struct provider *provider;
    const struct api_methods *methods;
    struct http *http;
    char *url;
    char *headers[HTTP_HEADERS_MAX];
    struct buffer scratch;
    size_t slot_count;
    size_t under_way;
    struct api_slot *free;
    struct api_slot *slots;
    bool closing;
};

/* --- replies --- */

static void describe(const struct api *api, char out[256], unsigned status,
                     struct text words)
{
    size_t used = (size_t)snprintf(out, 256, "%.100s: ", api->url);
    if (status > 0)
        used += (size_t)snprintf(out + used, 256 - used, "HTTP %u ", status);
    snprintf(out + used, 256 - used, "%.*s", (int)(words.bytes < 120 ? words.bytes : 120),
             words.data ? words.data : "");
}

static void on_final_reply(struct api *api, struct delivery *delivery,
                           const struct http_reply *reply)
{
    struct provider *provider = api->provider;
    buffer_clear(&api->scratch);
    struct api_verdict verdict = api->methods->judge(delivery, reply, &api->scratch);
    if (verdict.stop || verdict.broken) {
        char sentence[256];
        describe(api, sentence, reply->status, verdict.result.detail);
        if (verdict.stop)
            provider_stop(provider, sentence);
        else
            provider_trouble(provider, sentence);
    } else {
        provider_ok(provider);
    }
    if (verdict.slow_down)
        provider_slow_down(provider, verdict.wait_ns);
    if (verdict.wait_ns > 0)
        verdict.result.retry_at_ns = loop_now_ns(provider->loop) + verdict.wait_ns;
    provider_done(provider, delivery, verdict.result);
}

static void on_no_reply(struct api *api, struct delivery *delivery,
                        const struct http_reply *reply)
{
    char sentence[256];
    describe(api, sentence, 0, reply->words);
    provider_trouble(api->provider, sentence);
    if (reply->end == HTTP_NOT_CONNECTED) {
        provider_return(api->provider, delivery);
        return;
    }
    enum delivery_reason reason = reply->end == HTTP_TIMEOUT   ? DELIVERY_TIMEOUT
                                  : reply->end == HTTP_GARBLED ? DELIVERY_BAD_REPLY
                                                               : DELIVERY_CONNECTION_LOST;
    provider_done(api->provider, delivery,
                  (struct delivery_result){.verdict = DELIVERY_UNKNOWN,
                                           .reason = reason,
                                           .detail = reply->words});
}

static void on_http_closed(void *arg)
{
    struct api *api = arg;
    provider_closed(api->provider);
}

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
    struct api_slot *slot = request->arg;
    struct api *api = slot->api;
    struct delivery *delivery = slot->delivery;
    slot->delivery = NULL;
    slot->next_free = api->free;
    api->free = slot;
    api->under_way--;
    if (reply->end == HTTP_REPLY)
        on_final_reply(api, delivery, reply);
    else
        on_no_reply(api, delivery, reply);
    if (!api->closing)
        api_pump(api->provider);
    else if (api->under_way == 0)
        http_close(api->http, on_http_closed, api);
}

/* --- what dispatch calls --- */

void api_pump(struct provider *provider)
{
    struct api *api = provider->state;
    while (api->free) {
        struct delivery *delivery = provider_take(provider);
        if (!delivery)
            return;
        struct api_slot *slot = api->free;
        struct delivery_result result = {.verdict = DELIVERY_FAILED};
        buffer_clear(&slot->body);
        if (!api->methods->compose(&provider->config, delivery, &slot->body, &result)) {
            provider_done(provider, delivery, result);
            continue;
        }
        api->free = slot->next_free;
        api->under_way++;
        slot->delivery = delivery;
        slot->request.body = buffer_view(&slot->body);
        message_id_hex(delivery->id, slot->key + sizeof(KEY_HEADER) - 1);
        http_send(api->http, &slot->request);
    }
}

int api_open(struct provider *provider, const struct api_methods *methods,
             const char *url, const char *const *headers, struct error *err)
{
    struct api *api = calloc(1, sizeof(*api));
    CHECK(api);
    provider->state = api;
    api->provider = provider;
    api->methods = methods;
    api->url = text_copy(text_of(url));
    size_t header_count = 0;
    for (; headers[header_count]; header_count++) {
        CHECK(header_count < HTTP_HEADERS_MAX - 1);
        api->headers[header_count] = text_copy(text_of(headers[header_count]));
    }
    api->slot_count = provider->config.max_connections;
    api->slots = calloc(api->slot_count, sizeof(*api->slots));
    CHECK(api->slots);
    for (size_t i = 0; i < api->slot_count; i++) {
        struct api_slot *slot = &api->slots[i];
        *slot = (struct api_slot){.api = api, .next_free = api->free, .key = KEY_HEADER};
        slot->request = (struct http_request){.method = "POST",
                                              .url = api->url,
                                              .timeout_ns = provider->config.timeout_ns,
                                              .fn = on_reply,
                                              .arg = slot};
        for (size_t h = 0; h < header_count; h++)
            slot->request.headers[h] = api->headers[h];
        slot->request.headers[header_count] = slot->key;
        api->free = slot;
    }
    return http_create(provider->loop, api->slot_count, &api->http, err);
}

void api_close(struct provider *provider)
{
    struct api *api = provider->state;
    api->closing = true;
    if (api->under_way == 0)
        http_close(api->http, on_http_closed, api);
}

void api_destroy(struct provider *provider)
{
    struct api *api = provider->state;
    http_destroy(&api->http);
    for (size_t i = 0; i < api->slot_count; i++)
        buffer_fini(&api->slots[i].body);
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        free(api->headers[i]);
    buffer_fini(&api->scratch);
    free(api->slots);
    free(api->url);
    free(api);
    provider->state = NULL;
}

/* --- bodies --- */

void api_form(struct buffer *out, const char *name, struct text value)
{
    static const char hex[] = "0123456789ABCDEF";
    if (out->bytes > 0)
        buffer_byte(out, '&');
    buffer_string(out, name);
    buffer_byte(out, '=');
    char *start = buffer_room(out, value.bytes * 3);
    char *at = start;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '*') {
            *at++ = (char)c;
        } else if (c == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    out->bytes += (size_t)(at - start);
}

void api_json(struct buffer *out, struct text value)
{
    buffer_byte(out, '"');
    const char *at = value.data;
    const char *end = value.data + value.bytes;
    while (at < end) {
        const char *start = at;
        uint32_t c = utf8_next(&at, end);
        if (c == UTF8_BAD)
            buffer_string(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", (char)c);
        else if (c < 0x20)
            buffer_format(out, "\\u%04x", c);
        else
            buffer_add(out, start, (size_t)(at - start));
    }
    buffer_byte(out, '"');
}
