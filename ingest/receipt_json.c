/* receipt_json: receipts as JSON and as forms; see receipt.h.
 *
 * Sources: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
#include "base/clock.h"
#include "ingest/receipt.h"

#include <jansson.h>

#define EVENTS_MAX 100000 /* in one array */
#define FORM_MAX   64     /* fields */

struct parsing {
    struct arena *arena;
    receipt_fn *fn;
    void *arg;
    struct error *err;
    int count;
};

static struct text text_in(struct parsing *p, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        return arena_format(p->arena, "%lld", (long long)json_integer_value(value));
    if (!json_is_string(value) || json_string_length(value) == 0)
        return TEXT_NONE;
    return arena_text(p->arena,
                      (struct text){json_string_value(value), json_string_length(value)});
}

static int64_t time_of(struct text t)
{
    int64_t ns;
    bool has_offset;
    return t.data && clock_parse(t, &ns, &has_offset) == 0 && ns > 0 ? ns / NS_PER_S : 0;
}

static bool is_any(struct text t, const char *const *names)
{
    while (*names && !text_is(t, *names))
        names++;
    return *names != NULL;
}

/* give: a receipt that tells something of a message that can be found. */
static int give(struct parsing *p, struct receipt *receipt)
{
    if (receipt->status == RECEIPT_NONE)
        return 0;
    if (!receipt->message_id.data && !receipt->provider_id.data && !receipt->address.data)
        return error_set(p->err, ERROR_INPUT,
                         "the receipt names no message: it needs message_id, provider_id "
                         "or address");
    receipt->code = receipt_code(receipt->code, p->arena);
    if (arena_overflowed(p->arena))
        return error_set(p->err, ERROR_INPUT, "the line is too long");
    p->fn(p->arg, receipt);
    p->count++;
    return 0;
}

/* --- ours --- */

static int parse_ours(struct parsing *p, const json_t *json)
{
    struct text status = text_in(p, json, "status");
    struct text id = text_in(p, json, "message_id"), at = text_in(p, json, "at");
    struct receipt receipt = {.message_id = receipt_message_id(id),
                              .provider_id = text_in(p, json, "provider_id"),
                              .address = text_in(p, json, "address"),
                              .code = text_in(p, json, "code"),
                              .detail = text_in(p, json, "detail"),
                              .status = receipt_status_parse(status),
                              .at_s = time_of(at),
                              .seen_s =
                                  json_integer_value(json_object_get(json, "seen"))};
    if (receipt.status == RECEIPT_NONE)
        return error_set(p->err, ERROR_INPUT,
                         "status \"%.*s\" is none of delivered, undelivered, bounced, "
                         "complained, read",
                         (int)(status.bytes < 40 ? status.bytes : 40),
                         status.data ? status.data : "");
    if (id.data && !receipt.message_id.data)
        return error_set(p->err, ERROR_INPUT,
                         "message_id is not the 32 hexadecimal digits of one of ours");
    if (at.data && !receipt.at_s)
        return error_set(p->err, ERROR_INPUT, "at is no time like 2026-11-22T21:00:00Z");
    return give(p, &receipt);
}

/* --- Twilio --- */

/* Codes that say that nobody can be reached there: unknown handset, landline. */
static const char *const twilio_dead[] = {"21211", "21614", "30005", "30006", NULL};

static int parse_twilio(struct parsing *p, struct text sid, struct text status,
                        struct text code, struct text to)
{
    struct receipt receipt = {
        .provider_id = sid, .address = to, .code = code, .detail = TEXT("")};
    if (text_is(status, "delivered"))
        receipt.status = RECEIPT_DELIVERED;
    else if (text_is(status, "read"))
        receipt.status = RECEIPT_READ;
    else if (text_is(status, "undelivered") || text_is(status, "failed"))
        receipt.status =
            is_any(code, twilio_dead) ? RECEIPT_BOUNCED : RECEIPT_UNDELIVERED;
    return give(p, &receipt);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static struct text form_decode(struct text t, struct arena *arena)
{
    char *out = arena_alloc(arena, t.bytes + 1);
    size_t bytes = 0;
    for (size_t i = 0; out && i < t.bytes; i++) {
        int high = i + 2 < t.bytes ? hex_digit(t.data[i + 1]) : -1;
        int low = i + 2 < t.bytes ? hex_digit(t.data[i + 2]) : -1;
        bool escape = t.data[i] == '%' && high >= 0 && low >= 0;
        out[bytes++] = (char)(escape             ? high << 4 | low
                              : t.data[i] == '+' ? ' '
                                                 : t.data[i]);
        i += escape ? 2 : 0;
    }
    return (struct text){out, bytes};
}

static int parse_form(struct parsing *p, struct text line)
{
    static const char *const names[] = {"MessageSid", "MessageStatus", "ErrorCode", "To"};
    struct text values[ARRAY_COUNT(names)] = {{NULL, 0}};
    const char *at = line.data, *end = line.data + line.bytes;
    for (int field = 0; at < end && field < FORM_MAX; field++) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        for (size_t i = 0; equals && i < ARRAY_COUNT(names); i++) {
            if (text_is((struct text){at, (size_t)(equals - at)}, names[i]))
                values[i] = form_decode(
                    (struct text){equals + 1, (size_t)(stop - equals - 1)}, p->arena);
        }
        at = stop + 1;
    }
    if (!values[0].data || !values[1].data)
        return error_set(p->err, ERROR_INPUT,
                         "neither JSON nor a form with MessageSid and MessageStatus");
    return parse_twilio(p, values[0], values[1], values[2], values[3]);
}

/* --- SES --- */

static void read_recipient(struct parsing *p, const json_t *part, const char *list,
                           struct receipt *out)
{
    const json_t *first = json_array_get(json_object_get(part, list), 0);
    if (json_is_string(first)) /* of a delivery */
        out->address = arena_text(
            p->arena, (struct text){json_string_value(first), json_string_length(first)});
    if (!json_is_object(first))
        return;
    out->address = text_in(p, first, "emailAddress");
    out->code = text_in(p, first, "status");
    out->detail = text_in(p, first, "diagnosticCode");
}

static int parse_ses(struct parsing *p, const json_t *json, struct text type)
{
    static const struct {
        const char *type, *part, *recipients;
        enum receipt_status status;
    } kinds[] = {
        {"Delivery", "delivery", "recipients", RECEIPT_DELIVERED},
        {"Bounce", "bounce", "bouncedRecipients", RECEIPT_UNDELIVERED},
        {"Complaint", "complaint", "complainedRecipients", RECEIPT_COMPLAINED},
        {"Reject", "reject", "", RECEIPT_UNDELIVERED},
    };
    const json_t *mail = json_object_get(json, "mail");
    const json_t *tag =
        json_array_get(json_object_get(json_object_get(mail, "tags"), "volley_id"), 0);
    struct receipt receipt = {.provider_id = text_in(p, mail, "messageId")};
    if (json_is_string(tag))
        receipt.message_id = receipt_message_id(arena_text(
            p->arena, (struct text){json_string_value(tag), json_string_length(tag)}));
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const json_t *part = json_object_get(json, kinds[i].part);
        if (!text_is(type, kinds[i].type) || !part)
            continue;
        receipt.status = kinds[i].status;
        receipt.at_s = time_of(text_in(p, part, "timestamp"));
        read_recipient(p, part, kinds[i].recipients, &receipt);
        if (text_is(text_in(p, part, "bounceType"), "Permanent"))
            receipt.status = RECEIPT_BOUNCED;
        if (!receipt.code.data)
            receipt.code = text_in(p, part, "bounceSubType");
    }
    return give(p, &receipt);
}

/* --- SendGrid --- */

static int parse_sendgrid(struct parsing *p, const json_t *json, struct text event)
{
    const json_t *time = json_object_get(json, "timestamp");
    struct text id = text_in(p, json, "volley_id");
    struct receipt receipt = {.message_id = receipt_message_id(id),
                              .address = text_in(p, json, "email"),
                              .code = text_in(p, json, "status"),
                              .detail = text_in(p, json, "reason"),
                              .at_s =
                                  json_is_integer(time) ? json_integer_value(time) : 0};
    if (text_is(event, "delivered"))
        receipt.status = RECEIPT_DELIVERED;
    else if (text_is(event, "bounce"))
        receipt.status = text_is(text_in(p, json, "type"), "blocked")
                             ? RECEIPT_UNDELIVERED
                             : RECEIPT_BOUNCED;
    else if (text_is(event, "dropped"))
        receipt.status = RECEIPT_UNDELIVERED;
    else if (text_is(event, "spamreport"))
        receipt.status = RECEIPT_COMPLAINED;
    /* One sg_message_id stands for all mails of a call: only the id that we gave each tells which. */
    return receipt.message_id.data ? give(p, &receipt) : 0;
}

/* --- which of them --- */

static int parse_event(struct parsing *p, const json_t *json, int depth)
{
    struct text type = text_in(p, json, "eventType");
    struct text message = text_in(p, json, "Message");
    if (!type.data)
        type = text_in(p, json, "notificationType");
    if (!json_is_object(json))
        return error_set(p->err, ERROR_INPUT, "not an object");
    if (json_object_get(json, "mail") && type.data)
        return parse_ses(p, json, type);
    if (text_is(text_in(p, json, "Type"), "Notification") && message.data && depth == 0) {
        json_t *inner = json_loadb(message.data, message.bytes, 0, NULL);
        int rc = inner ? parse_event(p, inner, 1)
                       : error_set(p->err, ERROR_INPUT,
                                   "the notification's Message is no JSON");
        json_decref(inner);
        return rc;
    }
    if (json_object_get(json, "event"))
        return parse_sendgrid(p, json, text_in(p, json, "event"));
    if (json_object_get(json, "MessageSid"))
        return parse_twilio(p, text_in(p, json, "MessageSid"),
                            text_in(p, json, "MessageStatus"),
                            text_in(p, json, "ErrorCode"), text_in(p, json, "To"));
    return parse_ours(p, json);
}

static int parse_json(struct parsing *p, struct text line)
{
    json_error_t why;
    json_t *json = json_loadb(line.data, line.bytes, 0, &why);
    int rc = json ? 0 : error_set(p->err, ERROR_INPUT, "no JSON: %s", why.text);
    if (json_is_array(json)) {
        for (size_t i = 0; rc == 0 && i < json_array_size(json) && i < EVENTS_MAX; i++)
            rc = parse_event(p, json_array_get(json, i), 0);
    } else if (json) {
        rc = parse_event(p, json, 0);
    }
    json_decref(json);
    return rc;
}

int receipt_parse(struct text line, struct arena *arena, receipt_fn *fn, void *arg,
                  struct error *err)
{
    struct parsing p = {.arena = arena, .fn = fn, .arg = arg, .err = err};
    line = text_trim(line);
    if (line.bytes == 0)
        return 0;
    bool json = line.data[0] == '{' || line.data[0] == '[';
    int rc = json ? parse_json(&p, line) : parse_form(&p, line);
    return rc ? rc : p.count;
}
