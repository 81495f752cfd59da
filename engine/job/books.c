/* books: see books.h. */
#include "engine/job/books.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t books_planned(const struct books *books, enum channel channel)
{
    const uint64_t *d = books->channels[channel].dispositions;
    return d[DISPOSITION_SEND] + d[DISPOSITION_FROM_FALLBACK] +
           d[DISPOSITION_FALLBACK_EMAIL];
}

uint64_t books_pending(const struct books *books, enum channel channel)
{
    const struct books_channel *c = &books->channels[channel];
    uint64_t open =
        c->dispositions[DISPOSITION_SEND] + c->dispositions[DISPOSITION_FROM_FALLBACK];
    for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
        open -= c->outcomes[o];
    return open;
}

uint64_t books_suppressed(const struct books *books, enum channel channel)
{
    uint64_t sum = 0;
    for (int d = 0; d < DISPOSITION_COUNT; d++) {
        if (disposition_suppressed((enum disposition)d))
            sum += books->channels[channel].dispositions[d];
    }
    return sum;
}

uint64_t books_total(const struct books *books, enum outcome outcome)
{
    uint64_t sum = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        sum += outcome == OUTCOME_PENDING ? books_pending(books, (enum channel)c)
                                          : books->channels[c].outcomes[outcome];
    return sum;
}

static bool complain(char *out, size_t bytes, const char *channel, const char *what,
                     uint64_t left, uint64_t right)
{
    if (out)
        snprintf(out, bytes, "%s: %s (%" PRIu64 " and %" PRIu64 ")", channel, what, left,
                 right);
    return false;
}

bool books_balanced(const struct books *books, char *why_out, size_t why_bytes)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        enum channel channel = (enum channel)i;
        const struct books_channel *c = &books->channels[i];
        const char *name = channel_name(channel);
        uint64_t accounted =
            books_planned(books, channel) + books_suppressed(books, channel);
        if (c->named && accounted != books->matched)
            return complain(why_out, why_bytes, name,
                            "matched is not planned + suppressed", books->matched,
                            accounted);
        uint64_t messages = c->dispositions[DISPOSITION_SEND] +
                            c->dispositions[DISPOSITION_FROM_FALLBACK];
        uint64_t outcomes = 0;
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            outcomes += c->outcomes[o];
        if (outcomes > messages)
            return complain(why_out, why_bytes, name, "more outcomes than messages",
                            outcomes, messages);
    }
    uint64_t moved =
        books->channels[CHANNEL_SMS].dispositions[DISPOSITION_FALLBACK_EMAIL];
    uint64_t arrived =
        books->channels[CHANNEL_EMAIL].dispositions[DISPOSITION_FROM_FALLBACK];
    if (moved != arrived)
        return complain(why_out, why_bytes, "sms",
                        "fallback_email is not email's from_fallback", moved, arrived);
    return true;
}

static json_t *suppressed_json(const struct books_channel *c)
{
    json_t *out = json_object();
    for (int d = 0; d < DISPOSITION_COUNT; d++) {
        if (disposition_suppressed((enum disposition)d) && c->dispositions[d] > 0)
            json_object_set_new(out, disposition_name((enum disposition)d),
                                json_integer((json_int_t)c->dispositions[d]));
    }
    return out;
}

static void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

/* shown: a channel the job names, or email that took over from SMS. */
static bool shown(const struct books *books, enum channel channel)
{
    return books->channels[channel].named || books_planned(books, channel) > 0;
}

json_t *books_plan_json(const struct books *books)
{
    json_t *out = json_object();
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        const struct books_channel *c = &books->channels[i];
        if (!shown(books, (enum channel)i))
            continue;
        json_t *one = json_object();
        set_count(one, "send",
                  c->dispositions[DISPOSITION_SEND] +
                      c->dispositions[DISPOSITION_FROM_FALLBACK]);
        if (i == CHANNEL_SMS) {
            set_count(one, "segments", c->segments);
            set_count(one, "fallback_email", c->dispositions[DISPOSITION_FALLBACK_EMAIL]);
        }
        if (i == CHANNEL_EMAIL)
            set_count(one, "from_fallback", c->dispositions[DISPOSITION_FROM_FALLBACK]);
        json_object_set_new(one, "suppressed", suppressed_json(c));
        json_object_set_new(out, channel_name((enum channel)i), one);
    }
    return out;
}

json_t *books_report_json(const struct books *books)
{
    json_t *out = json_object();
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        const struct books_channel *c = &books->channels[i];
        enum channel channel = (enum channel)i;
        if (!shown(books, channel))
            continue;
        json_t *one = json_object();
        set_count(one, "planned", books_planned(books, channel));
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            set_count(one, outcome_name((enum outcome)o), c->outcomes[o]);
        set_count(one, "pending", books_pending(books, channel));
        set_count(one, "fallback_email", c->dispositions[DISPOSITION_FALLBACK_EMAIL]);
        set_count(one, "from_fallback", c->dispositions[DISPOSITION_FROM_FALLBACK]);
        json_object_set_new(one, "suppressed", suppressed_json(c));
        set_count(one, "segments", c->segments);
        json_object_set_new(out, channel_name(channel), one);
    }
    return out;
}
