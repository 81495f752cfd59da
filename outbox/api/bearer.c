/* bearer: see bearer.h. */
#include "outbox/api/bearer.h"

#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>

#define GRANT                "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define ASSERTION_LIFE_S     3600 /* Google's limit */
#define TOKEN_BYTES_MAX      4096
#define LIFE_S_MAX           3600 /* a token is not trusted for longer, whatever it says */
#define RENEW_BEFORE_NS_MAX  (300 * NS_PER_S)
#define UNUSED_BEFORE_NS_MAX (10 * NS_PER_S)

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void bearer_init(struct bearer *bearer, struct provider *provider,
                 const struct bearer_account *account)
{
    *bearer = (struct bearer){.provider = provider, .account = *account};
}

void bearer_fini(struct bearer *bearer)
{
    buffer_fini(&bearer->body);
    buffer_fini(&bearer->header);
}

/* --- asking for a token --- */

static int write_assertion(const struct bearer_account *account, struct buffer *out,
                           struct error *err)
{
    struct buffer header = {0}, claims = {0};
    buffer_string(&header, "{\"alg\":\"RS256\",\"typ\":\"JWT\"");
    if (account->key_id[0]) {
        buffer_string(&header, ",\"kid\":");
        api_json(&header, text_of(account->key_id));
    }
    buffer_byte(&header, '}');
    int64_t now_s = clock_now_ns() / NS_PER_S;
    buffer_string(&claims, "{\"iss\":");
    api_json(&claims, text_of(account->issuer));
    buffer_string(&claims, ",\"scope\":");
    api_json(&claims, text_of(account->scope));
    buffer_string(&claims, ",\"aud\":");
    api_json(&claims, text_of(account->token_url));
    buffer_format(&claims, ",\"iat\":%lld,\"exp\":%lld}", (long long)now_s,
                  (long long)now_s + ASSERTION_LIFE_S);
    int rc = jwt_sign(account->key, buffer_view(&header), buffer_view(&claims), out, err);
    buffer_fini(&header);
    buffer_fini(&claims);
    return rc;
}

static void on_reply(struct http_request *request, const struct http_reply *reply);

static void fetch(struct bearer *bearer)
{
    struct buffer assertion = {0};
    struct error err;
    if (write_assertion(&bearer->account, &assertion, &err)) {
        provider_stop(bearer->provider, err.text);
        buffer_fini(&assertion);
        return;
    }
    buffer_clear(&bearer->body);
    api_form(&bearer->body, "grant_type", TEXT(GRANT));
    api_form(&bearer->body, "assertion", buffer_view(&assertion));
    buffer_fini(&assertion);
    bearer->request = (struct http_request){
        .method = "POST",
        .url = bearer->account.token_url,
        .headers = {"Content-Type: application/x-www-form-urlencoded"},
        .body = buffer_view(&bearer->body),
        .timeout_ns = bearer->provider->config.timeout_ns,
        .fn = on_reply};
    bearer->fetching = true;
    api_request(bearer->provider, &bearer->request);
}

bool bearer_ready(struct bearer *bearer)
{
    int64_t now_ns = loop_now_ns(bearer->provider->loop);
    if (!bearer->fetching && now_ns >= bearer->renew_ns &&
        provider_waiting(bearer->provider) > 0)
        fetch(bearer);
    return now_ns < bearer->end_ns;
}

/* --- the answer --- */

static bool is_token(struct text token)
{
    if (token.bytes == 0 || token.bytes > TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < token.bytes; i++) { /* nothing that could end a header */
        if (token.data[i] <= ' ' || token.data[i] >= 0x7F)
            return false;
    }
    return true;
}

static struct text member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (struct text){json_string_value(value), json_string_length(value)};
}

int bearer_parse(struct text reply, struct buffer *header, int64_t *life_ns_out,
                 struct buffer *words)
{
    json_t *root = json_loadb(reply.data, reply.bytes, JSON_REJECT_DUPLICATES, NULL);
    struct text token = member(root, "access_token");
    const json_t *life = json_object_get(root, "expires_in");
    json_int_t life_s = json_is_integer(life) ? json_integer_value(life) : LIFE_S_MAX;
    bool ok = is_token(token) && life_s > 0;
    if (ok) {
        buffer_clear(header);
        buffer_string(header, "Authorization: Bearer ");
        buffer_text(header, token);
        *life_ns_out = least(life_s, LIFE_S_MAX) * NS_PER_S;
    } else if (json_is_string(json_object_get(root, "error"))) { /* RFC 6749 5.2 */
        buffer_text(words, member(root, "error"));
        buffer_string(words, ": ");
        buffer_text(words, member(root, "error_description"));
    } else {
        buffer_string(words, "no access token in the answer");
    }
    json_decref(root);
    return ok ? 0 : -1;
}

static void trouble(struct bearer *bearer, const struct http_reply *reply,
                    struct text words)
{
    char sentence[256];
    int used = snprintf(sentence, sizeof(sentence),
                        "%.100s: no access token: ", bearer->account.token_url);
    if (reply->status > 0)
        used += snprintf(sentence + used, sizeof(sentence) - (size_t)used, "HTTP %u ",
                         reply->status);
    snprintf(sentence + used, sizeof(sentence) - (size_t)used, "%.*s",
             (int)(words.bytes < 100 ? words.bytes : 100), words.data ? words.data : "");
    bearer->troubled = true;
    bool refused =
        reply->status / 100 == 4 && reply->status != 408 && reply->status != 429;
    if (refused)
        provider_stop(bearer->provider, sentence);
    else
        provider_trouble(bearer->provider, sentence);
    if (reply->status == 429 || reply->status == 503)
        provider_slow_down(bearer->provider, reply->retry_after_ns);
}

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
    struct bearer *bearer =
        (struct bearer *)(void *)((char *)request - offsetof(struct bearer, request));
    bearer->fetching = false;
    if (reply->end != HTTP_REPLY) {
        trouble(bearer, reply, reply->words);
        return;
    }
    struct buffer words = {0};
    int64_t life_ns = 0;
    if (bearer_parse(reply->body, &bearer->header, &life_ns, &words) != 0 ||
        reply->status != 200) {
        trouble(bearer, reply, buffer_view(&words));
    } else {
        int64_t now_ns = loop_now_ns(bearer->provider->loop);
        bearer->renew_ns = now_ns + life_ns - least(life_ns / 5, RENEW_BEFORE_NS_MAX);
        bearer->end_ns = now_ns + life_ns - least(life_ns / 10, UNUSED_BEFORE_NS_MAX);
        bearer->serial++;
        bearer->accepted = false;
        if (bearer->troubled)
            provider_ok(bearer->provider);
        bearer->troubled = false;
    }
    buffer_fini(&words);
}

/* --- using it --- */

void bearer_compose(const struct bearer *bearer, struct api_call *call)
{
    /* a copy: the token may be renewed while the call is under way */
    struct buffer *copy = &call->scratch;
    buffer_clear(copy);
    buffer_text(copy, buffer_view(&bearer->header));
    size_t count = 0;
    while (call->request.headers[count])
        count++;
    CHECK(count < HTTP_HEADERS_MAX);
    call->request.headers[count] = copy->data;
    call->stage = bearer->serial;
}

void bearer_accepted(struct bearer *bearer, int serial)
{
    if (serial != bearer->serial)
        return;
    bearer->accepted = true;
    bearer->second_chance = false;
}

bool bearer_refused(struct bearer *bearer, int serial)
{
    if (serial != bearer->serial)
        return true; /* another call has seen to it */
    if (bearer->second_chance && !bearer->accepted)
        return false;
    bearer->second_chance = true;
    bearer->serial++; /* of none: the other calls under way do not count again */
    bearer->end_ns = bearer->renew_ns = 0;
    return true;
}
