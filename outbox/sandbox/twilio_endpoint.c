/* twilio_endpoint: see twilio_endpoint.h. Error codes:
 * https://www.twilio.com/docs/api/errors */
#include "outbox/sandbox/twilio_endpoint.h"

#include "base/clock.h"
#include "base/units.h"
#include "outbox/sandbox/form.h"
#include "outbox/sandbox/http_server.h"
#include "outbox/sandbox/json_write.h"

#include <stdio.h>

#define BODY_CHARACTERS_MAX 1600
#define PAGE_SIZE           50
#define PAGE_SIZE_MAX       1000
#define SID_BYTES           (2 + ENDPOINT_ID_BYTES)

static const struct text path_start = {"/2010-04-01/Accounts/", 21};
static const struct text path_end = {"/Messages.json", 14};

bool twilio_serves(struct text path)
{
    return path.bytes > path_start.bytes + path_end.bytes &&
           memcmp(path.data, path_start.data, path_start.bytes) == 0 &&
           memcmp(path.data + path.bytes - path_end.bytes, path_end.data,
                  path_end.bytes) == 0;
}

static struct text account_of(struct text path)
{
    return (struct text){path.data + path_start.bytes,
                         path.bytes - path_start.bytes - path_end.bytes};
}

static bool refuse(struct endpoint *endpoint, struct buffer *out, int status, int code,
                   const char *message)
{
    struct buffer *json = &endpoint->json;
    buffer_clear(json);
    buffer_format(
        json,
        "{\"code\":%d,\"message\":\"%s\","
        "\"more_info\":\"https://www.twilio.com/docs/errors/%d\",\"status\":%d}",
        code, message, code, status);
    http_reply(out, status,
               status == 429   ? "Retry-After: 1\r\n"
               : status == 401 ? "WWW-Authenticate: Basic realm=\"Twilio API\"\r\n"
                               : "",
               buffer_view(json));
    return true;
}

/* date_now: RFC 2822, which Twilio uses for its dates. */
static struct text date_now(struct endpoint *endpoint)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_s = clock_now_ns() / NS_PER_S;
    if (now_s != endpoint->date_s) {
        int64_t year;
        unsigned month, day, in_day = (unsigned)(now_s % 86400);
        civil_from_days(now_s / 86400, &year, &month, &day);
        snprintf(endpoint->date, sizeof(endpoint->date),
                 "%s, %02u %s %04u %02u:%02u:%02u +0000", days[now_s / 86400 % 7], day,
                 months[month - 1], (unsigned)year, in_day / 3600, in_day / 60 % 60,
                 in_day % 60);
        endpoint->date_s = now_s;
    }
    return text_of(endpoint->date);
}

/* --- segments --- */

/* septets_of: 1 or 2 in the GSM 03.38 alphabet and its extension, 0 for what is in
 * neither. */
static unsigned septets_of(uint32_t c)
{
    static const uint16_t others[] = {
        0xA1,  0xA3,  0xA4,  0xA5,  0xA7,  0xBF,  0xC4,  0xC5,  0xC6, 0xC7,
        0xC9,  0xD1,  0xD6,  0xD8,  0xDC,  0xDF,  0xE0,  0xE4,  0xE5, 0xE6,
        0xE8,  0xE9,  0xEC,  0xF1,  0xF2,  0xF6,  0xF8,  0xF9,  0xFC, 0x393,
        0x394, 0x398, 0x39B, 0x39E, 0x3A0, 0x3A3, 0x3A6, 0x3A8, 0x3A9};
    if (c < 0x80) {
        if (c == 0x0C || strchr("[\\]^{|}~", (int)c))
            return c == 0 ? 0 : 2;
        return c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7F && c != '`');
    }
    if (c == 0x20AC)
        return 2;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (others[i] == c)
            return 1;
    }
    return 0;
}

unsigned twilio_segments(struct text body)
{
    bool is_gsm = true;
    const char *end = body.data + body.bytes;
    for (const char *at = body.data; at < end && is_gsm;)
        is_gsm = septets_of(utf8_next(&at, end)) > 0;
    unsigned whole = is_gsm ? 160 : 70, part = is_gsm ? 153 : 67;
    unsigned total = 0, segments = 1, used = 0;
    for (const char *at = body.data; at < end;) {
        uint32_t c = utf8_next(&at, end);
        unsigned units = is_gsm ? septets_of(c) : c != UTF8_BAD && c > 0xFFFF ? 2 : 1;
        total += units;
        used += units;
        if (used > part) { /* a character is not split */
            segments++;
            used = units;
        }
    }
    return total <= whole ? 1 : segments;
}

/* --- POST --- */

struct sms_form {
    struct text to, from, service, body, media;
};

static void parse_form(struct endpoint *endpoint, struct text form, struct sms_form *out)
{
    *out = (struct sms_form){0};
    struct text name, value;
    form_begin(&endpoint->form, form);
    while (form_next(&form, &endpoint->form, &name, &value)) {
        struct text *member = text_is(name, "To")                    ? &out->to
                              : text_is(name, "From")                ? &out->from
                              : text_is(name, "MessagingServiceSid") ? &out->service
                              : text_is(name, "Body")                ? &out->body
                              : text_is(name, "MediaUrl")            ? &out->media
                                                                     : NULL;
        if (member)
            *member = value;
    }
}

static size_t characters_of(struct text t)
{
    size_t count = 0;
    for (const char *at = t.data, *end = t.data + t.bytes; at < end; count++)
        utf8_next(&at, end);
    return count;
}

/* E.164: a plus and up to 15 digits, of which the first is no zero. */
static bool is_phone(struct text t)
{
    if (t.bytes < 8 || t.bytes > 16 || t.data[0] != '+' || t.data[1] == '0')
        return false;
    for (size_t i = 1; i < t.bytes; i++) {
        if (t.data[i] < '0' || t.data[i] > '9')
            return false;
    }
    return true;
}

/* check_form: 0, or the code of the error and what Twilio says about it. */
static int check_form(const struct sms_form *form, const char **message_out)
{
    if (form->to.bytes == 0) {
        *message_out = "A 'To' phone number is required.";
        return 21604;
    }
    if (form->from.bytes == 0 && form->service.bytes == 0) {
        *message_out = "A 'From' phone number is required.";
        return 21603;
    }
    if (form->body.bytes == 0 && form->media.bytes == 0) {
        *message_out = "Message body is required.";
        return 21602;
    }
    if (form->body.bytes > BODY_CHARACTERS_MAX &&
        characters_of(form->body) > BODY_CHARACTERS_MAX) {
        *message_out = "The concatenated message body exceeds the 1600 character limit.";
        return 21617;
    }
    if (!is_phone(form->to)) {
        *message_out = "The 'To' number is not a valid phone number.";
        return 21211;
    }
    return 0;
}

static void add_member(struct buffer *json, const char *name, struct text value,
                       bool escaped)
{
    if (!escaped) {
        json_write_member(json, name, value);
        return;
    }
    json_write_name(json, name);
    buffer_byte(json, '"');
    buffer_text(json, value);
    buffer_byte(json, '"');
}

/* write_resource: escaped is how values come out of the mailbox. */
static void write_resource(struct buffer *json, struct text account,
                           const struct mailbox_sms *sms, const char *status,
                           unsigned segments, bool escaped)
{
    char digits[12];
    snprintf(digits, sizeof(digits), "%u", segments);
    buffer_byte(json, '{');
    json_write_member(json, "account_sid", account);
    add_member(json, "sid", sms->sid, escaped);
    add_member(json, "to", sms->to, escaped);
    add_member(json, "from", sms->from, escaped);
    add_member(json, "body", sms->body, escaped);
    json_write_member(json, "status", text_of(status));
    json_write_member(json, "num_segments", text_of(digits));
    add_member(json, "date_created", sms->date, escaped);
    add_member(json, "date_updated", sms->date, escaped);
    buffer_text(json,
                TEXT(",\"date_sent\":null,\"direction\":\"outbound-api\","
                     "\"num_media\":\"0\",\"error_code\":null,\"error_message\":null,"
                     "\"price\":null,\"price_unit\":\"USD\","
                     "\"api_version\":\"2010-04-01\",\"messaging_service_sid\":null}"));
}

static bool answer_post(struct endpoint *endpoint, const struct http_request *request,
                        struct buffer *out)
{
    struct sms_form form;
    const char *message;
    parse_form(endpoint, request->body, &form);
    int code = check_form(&form, &message);
    if (code)
        return refuse(endpoint, out, 400, code, message);
    enum fault fault = endpoint_fate(endpoint);
    if (fault == FAULT_THROTTLE)
        return refuse(endpoint, out, 429, 20429, "Too Many Requests");
    if (fault == FAULT_ERROR)
        return refuse(endpoint, out, 500, 20500, "Internal Server Error");
    char sid[SID_BYTES + 1] = "SM";
    endpoint_id(endpoint, sid + 2);
    struct mailbox_sms sms = {
        .id = request->idempotency_key.bytes > 0 ? request->idempotency_key
                                                 : (struct text){sid, SID_BYTES},
        .from = form.from.bytes > 0 ? form.from : form.service,
        .to = form.to,
        .body = form.body.data ? form.body : TEXT(""),
        .sid = {sid, SID_BYTES},
        .date = date_now(endpoint),
    };
    endpoint->counts->sms++;
    if (endpoint->mailbox)
        mailbox_sms(endpoint->mailbox, &sms);
    if (fault == FAULT_DROP)
        return false;
    buffer_clear(&endpoint->json);
    write_resource(&endpoint->json, account_of(request->path), &sms,
                   form.service.bytes > 0 ? "accepted" : "queued",
                   twilio_segments(sms.body), false);
    http_reply(out, 201, "", buffer_view(&endpoint->json));
    return true;
}

/* --- GET --- */

struct listing {
    struct buffer *json;
    struct text account;
    size_t count;
};

static void list_one(void *arg, const struct mailbox_sms *sms)
{
    struct listing *listing = arg;
    if (listing->count++ > 0)
        buffer_byte(listing->json, ',');
    write_resource(listing->json, listing->account, sms, "delivered", 1, true);
}

struct query {
    struct mailbox_filter filter;
    struct text rest; /* of the query: what a page's URI repeats */
    uint64_t size, page;
};

/* DateSent=D, DateSent>=D and DateSent<=D; the sign belongs to the name. */
static void filter_days(struct mailbox_filter *filter, struct text name,
                        struct text value)
{
    int32_t day;
    if (clock_parse_date(value, &day))
        return;
    if (!text_is(name, "DateSent<"))
        filter->first_day = day;
    if (!text_is(name, "DateSent>"))
        filter->last_day = day;
}

static void parse_query(struct endpoint *endpoint, struct text text, struct query *out)
{
    *out = (struct query){.filter = {.first_day = INT32_MIN, .last_day = INT32_MAX},
                          .rest = text,
                          .size = PAGE_SIZE};
    struct text name, value;
    form_begin(&endpoint->form, text);
    while (form_next(&text, &endpoint->form, &name, &value)) {
        if (text_is(name, "To"))
            out->filter.to = value;
        else if (text_is(name, "From"))
            out->filter.from = value;
        else if (name.bytes >= 8 && memcmp(name.data, "DateSent", 8) == 0)
            filter_days(&out->filter, name, value);
        else if (text_is(name, "PageSize") &&
                 (units_count(value, &out->size) || out->size == 0))
            out->size = PAGE_SIZE;
        else if (text_is(name, "Page") && units_count(value, &out->page))
            out->page = 0;
    }
    if (out->size > PAGE_SIZE_MAX)
        out->size = PAGE_SIZE_MAX;
    if (out->page > UINT32_MAX)
        out->page = UINT32_MAX;
}

/* The filters as they were sent, with another page. */
static void write_uri(struct buffer *json, const char *name, struct text path,
                      const struct query *query, uint64_t page)
{
    struct buffer uri = {0};
    buffer_format(&uri, "%.*s?PageSize=%llu&Page=%llu", TEXT_ARGS(path),
                  (unsigned long long)query->size, (unsigned long long)page);
    const char *at = query->rest.data ? query->rest.data : "";
    const char *end = at + query->rest.bytes;
    while (at < end) {
        const char *and = memchr(at, '&', (size_t)(end - at));
        size_t bytes = (size_t)((and? and : end) - at);
        if (bytes > 0 && (bytes < 4 || memcmp(at, "Page", 4) != 0)) {
            buffer_byte(&uri, '&');
            buffer_add(&uri, at, bytes);
        }
        at += bytes + 1;
    }
    json_write_member(json, name, buffer_view(&uri));
    buffer_fini(&uri);
}

static bool answer_get(struct endpoint *endpoint, const struct http_request *request,
                       struct buffer *out)
{
    struct query query;
    parse_query(endpoint, request->query, &query);
    struct buffer *json = &endpoint->json;
    buffer_clear(json);
    buffer_string(json, "{\"messages\":[");
    struct listing listing = {.json = json, .account = account_of(request->path)};
    uint64_t start = query.page * query.size;
    size_t more = endpoint->mailbox
                      ? mailbox_list(endpoint->mailbox, &query.filter, (size_t)start,
                                     (size_t)query.size, list_one, &listing)
                      : 0;
    buffer_format(json, "],\"page\":%llu,\"page_size\":%llu,\"start\":%llu,\"end\":%llu",
                  (unsigned long long)query.page, (unsigned long long)query.size,
                  (unsigned long long)start,
                  (unsigned long long)(start + listing.count - (listing.count > 0)));
    write_uri(json, "uri", request->path, &query, query.page);
    write_uri(json, "first_page_uri", request->path, &query, 0);
    if (more)
        write_uri(json, "next_page_uri", request->path, &query, query.page + 1);
    else
        buffer_string(json, ",\"next_page_uri\":null");
    if (query.page > 0)
        write_uri(json, "previous_page_uri", request->path, &query, query.page - 1);
    else
        buffer_string(json, ",\"previous_page_uri\":null");
    buffer_byte(json, '}');
    http_reply(out, 200, "", buffer_view(json));
    return true;
}

bool twilio_answer(struct endpoint *endpoint, const struct http_request *request,
                   struct buffer *out)
{
    struct text basic = {request->authorization.data, 6};
    if (request->authorization.bytes <= 6 || !text_equal_nocase(basic, TEXT("Basic ")))
        return refuse(endpoint, out, 401, 20003,
                      "Authentication Error - No credentials provided");
    if (text_is(request->method, "POST"))
        return answer_post(endpoint, request, out);
    if (text_is(request->method, "GET"))
        return answer_get(endpoint, request, out);
    return refuse(endpoint, out, 405, 20004, "Method not allowed");
}
