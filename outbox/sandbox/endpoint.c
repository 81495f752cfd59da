/* endpoint: see endpoint.h. */
#include "outbox/sandbox/endpoint.h"

#include "base/clock.h"
#include "base/hash.h"
#include "outbox/sandbox/http_server.h"
#include "outbox/sandbox/json_write.h"
#include "outbox/sandbox/twilio_endpoint.h"

void endpoint_init(struct endpoint *endpoint, struct faults *faults,
                   struct mailbox *mailbox, struct sandbox_counts *counts)
{
    *endpoint = (struct endpoint){.faults = faults, .mailbox = mailbox, .counts = counts};
    /* the steady clock: a frozen calendar must not make two runs alike */
    endpoint->run = (uint64_t)clock_steady_ns();
}

void endpoint_fini(struct endpoint *endpoint)
{
    buffer_fini(&endpoint->form);
    buffer_fini(&endpoint->json);
}

void endpoint_id(struct endpoint *endpoint, char out[ENDPOINT_ID_BYTES + 1])
{
    uint64_t key[2] = {endpoint->run, endpoint->serial++};
    struct hash128 hash = hash128(key, sizeof(key));
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < ENDPOINT_ID_BYTES / 2; i++) {
        out[i] = digits[hash.high >> (60 - 4 * i) & 15];
        out[ENDPOINT_ID_BYTES / 2 + i] = digits[hash.low >> (60 - 4 * i) & 15];
    }
    out[ENDPOINT_ID_BYTES] = '\0';
}

enum fault endpoint_fate(struct endpoint *endpoint)
{
    enum fault fault = faults_next(endpoint->faults, endpoint->now_ns);
    endpoint->counts->throttled += fault == FAULT_THROTTLE;
    endpoint->counts->errors += fault == FAULT_ERROR;
    endpoint->counts->dropped += fault == FAULT_DROP;
    return fault;
}

static bool answer_webhook(struct endpoint *endpoint, const struct http_request *request,
                           struct buffer *out)
{
    enum fault fault = endpoint_fate(endpoint);
    if (fault == FAULT_THROTTLE) {
        http_reply(out, 429, "Retry-After: 1\r\n",
                   TEXT("{\"error\":\"too many requests\"}"));
        return true;
    }
    if (fault == FAULT_ERROR) {
        http_reply(out, 500, "", TEXT("{\"error\":\"the sandbox was told to fail\"}"));
        return true;
    }
    char made_up[ENDPOINT_ID_BYTES + 1];
    struct text id = request->idempotency_key;
    if (id.bytes == 0) {
        endpoint_id(endpoint, made_up);
        id = (struct text){made_up, ENDPOINT_ID_BYTES};
    }
    endpoint->counts->push++;
    if (endpoint->mailbox)
        mailbox_push(endpoint->mailbox, id, request->path, request->body);
    if (fault == FAULT_DROP)
        return false;
    struct buffer *json = &endpoint->json;
    buffer_clear(json);
    buffer_byte(json, '{');
    json_write_member(json, "id", id);
    buffer_byte(json, '}');
    http_reply(out, 200, "", buffer_view(json));
    return true;
}

bool endpoint_answer(void *arg, const struct http_request *request, struct buffer *out)
{
    struct endpoint *endpoint = arg;
    bool is_post = text_is(request->method, "POST");
    if (twilio_serves(request->path))
        return twilio_answer(endpoint, request, out);
    if (is_post)
        return answer_webhook(endpoint, request, out);
    http_reply(
        out, 405, "Allow: POST\r\n",
        TEXT("{\"error\":\"POST a message here, or GET Messages.json of an account\"}"));
    return true;
}
