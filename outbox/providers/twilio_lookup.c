/* twilio_lookup: see twilio_lookup.h. Source: Twilio, "Message resource" (twilio.com/docs).
 *
 * The list is asked for by To alone. By From nothing is found that went through a messaging service
 * and has no sender yet, and by DateSent nothing that is still queued: its date_sent is null. */
#include "outbox/providers/twilio_lookup.h"

#include "base/clock.h"
#include "outbox/providers/twilio_reply.h"

#include <jansson.h>
#include <stdio.h>

/* What Twilio puts in front of a trial account's messages. */
static const struct text trial = {"Sent from your Twilio trial account - ", 38};

static struct text member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (struct text){json_string_value(value), json_string_length(value)};
}

/* RFC 2822 as Twilio writes it: "Fri, 24 May 2019 17:44:46 +0000". INT64_MAX when it is none: what
 * has no date may be the message that we look for. */
static int64_t date_of(const json_t *message)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *text = json_string_value(json_object_get(message, "date_created"));
    unsigned day, year, hour, minute, second;
    char name[4];
    if (!text || sscanf(text, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u +0000", &day,
                        name, &year, &hour, &minute, &second) != 6)
        return INT64_MAX;
    const char *month = strstr(months, name);
    if (!month || strlen(name) != 3 || year < 1970 || year > 2200)
        return INT64_MAX;
    int64_t days = days_from_civil(year, (unsigned)(month - months) / 3 + 1, day);
    return (days * 86400 + hour * 3600 + minute * 60 + second) * NS_PER_S;
}

static bool same_body(struct text theirs, struct text ours)
{
    size_t ahead = theirs.bytes - ours.bytes;
    if (theirs.bytes == ours.bytes + trial.bytes &&
        memcmp(theirs.data, trial.data, trial.bytes) == 0)
        theirs = (struct text){theirs.data + ahead, ours.bytes};
    return theirs.data && text_equal(theirs, ours);
}

static bool is_wanted(const json_t *message, const struct twilio_wanted *wanted)
{
    return text_equal(member(message, "to"), wanted->to) &&
           (text_equal(member(message, "from"), wanted->from) ||
            text_equal(member(message, "messaging_service_sid"), wanted->from)) &&
           same_body(member(message, "body"), wanted->body);
}

static struct text keep(struct text t, struct buffer *scratch)
{
    buffer_clear(scratch);
    buffer_text(scratch, t);
    return buffer_view(scratch);
}

static void judge_found(const json_t *message, struct buffer *scratch,
                        struct delivery_result *result)
{
    static const char *const bad[] = {"failed", "undelivered", "canceled"};
    *result = (struct delivery_result){.verdict = DELIVERY_SENT};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (!text_is(member(message, "status"), bad[i]))
            continue;
        twilio_judge_failed(json_integer_value(json_object_get(message, "error_code")),
                            result);
        result->detail = keep(member(message, "error_message"), scratch);
        return;
    }
    result->provider_id = keep(member(message, "sid"), scratch);
}

/* The next page's path, when it can stand in a request. */
static bool next_page(const json_t *root, struct buffer *scratch)
{
    struct text path = member(root, "next_page_uri");
    if (path.bytes < 2 || path.bytes > 2048 || path.data[0] != '/' || path.data[1] == '/')
        return false;
    for (size_t i = 0; i < path.bytes; i++) {
        if (path.data[i] <= ' ' || path.data[i] >= 0x7F)
            return false;
    }
    keep(path, scratch);
    return true;
}

enum twilio_find twilio_find(struct text page, const struct twilio_wanted *wanted,
                             struct buffer *scratch, struct delivery_result *result)
{
    buffer_clear(scratch);
    json_t *root = json_loadb(page.data, page.bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *messages = json_object_get(root, "messages");
    enum twilio_find find = json_is_array(messages) ? TWILIO_NOT_FOUND : TWILIO_NO_LIST;
    bool recent =
        false; /* the newest come first: behind a page of old ones are older ones */
    for (size_t i = 0; i < json_array_size(messages) && find == TWILIO_NOT_FOUND; i++) {
        const json_t *message = json_array_get(messages, i);
        if (date_of(message) < wanted->since_ns)
            continue;
        recent = true;
        if (is_wanted(message, wanted)) {
            judge_found(message, scratch, result);
            find = TWILIO_FOUND;
        }
    }
    if (find == TWILIO_NOT_FOUND && recent && next_page(root, scratch))
        find = TWILIO_NEXT_PAGE;
    json_decref(root);
    return find;
}
