/* auto_hold: see auto_hold.h. */
#include "engine/run/auto_hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* canary_of: the share of the customers, but no more than `canary`; 0 where these are too few to
 * judge by: such a job's outcomes are judged as they come. */
static uint64_t canary_of(const struct config_auto_hold *limits, uint64_t customers)
{
    uint64_t canary = (uint64_t)(limits->canary_share * (double)customers + 0.5);
    if (canary > limits->canary)
        canary = limits->canary;
    return canary < limits->min_messages ? 0 : canary;
}

void auto_hold_init(struct auto_hold *hold, const struct config_auto_hold *limits,
                    uint64_t customers, unsigned channels)
{
    *hold = (struct auto_hold){.limits = *limits};
    for (unsigned c = 0; limits->enabled && c < CHANNEL_COUNT; c++) {
        struct auto_hold_channel *one = &hold->channels[c];
        if (!(channels & 1u << c))
            continue;
        one->canary = canary_of(limits, customers);
        one->open = one->canary == 0;
        hold->shut |= (unsigned)!one->open << c;
        one->capacity = limits->window;
        if (one->capacity < one->canary)
            one->capacity = one->canary;
        if (one->capacity < limits->min_messages)
            one->capacity = limits->min_messages;
        one->window = calloc(one->capacity, 1);
        CHECK(one->window != NULL);
    }
}

void auto_hold_fini(struct auto_hold *hold)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        free(hold->channels[c].window);
    *hold = (struct auto_hold){0};
}

bool auto_hold_pass(struct auto_hold *hold, enum channel channel)
{
    struct auto_hold_channel *c = &hold->channels[channel];
    if (!(hold->shut & 1u << channel))
        return true;
    if (c->let_out == c->canary)
        return false;
    c->let_out++;
    return true;
}

/* too_many: min_messages outcomes at least, and more failures among them than the limit. */
static bool too_many(const struct auto_hold *hold, const struct auto_hold_channel *c)
{
    return c->count >= hold->limits.min_messages &&
           (double)c->failures > hold->limits.failure_rate * (double)c->count;
}

static bool to_judge(const struct auto_hold *hold, const struct auto_hold_channel *c)
{
    if (!c->window)
        return false;
    if (c->open ||
        c->let_out < c->canary) /* a canary may never fill: few have an address */
        return too_many(hold, c);
    return c->settled == c->canary || (c->answered == c->canary && c->until_ns == 0);
}

bool auto_hold_answered(struct auto_hold *hold, enum channel channel)
{
    struct auto_hold_channel *c = &hold->channels[channel];
    if (c->open || !c->window)
        return false;
    c->answered++;
    return to_judge(hold, c);
}

/* says_something: about the messages or the provider; what we, the customer or the clock stopped
 * does not, nor what an earlier run left in doubt. */
static bool says_something(enum outcome outcome, enum delivery_reason reason)
{
    if (outcome == OUTCOME_SENT)
        return true;
    if (outcome != OUTCOME_FAILED && outcome != OUTCOME_UNKNOWN)
        return false;
    return reason != DELIVERY_OPTED_OUT && reason != DELIVERY_CANCELLED &&
           reason != DELIVERY_EXPIRED && reason != DELIVERY_INTERRUPTED;
}

static void take_in(struct auto_hold_channel *c, enum delivery_reason reason)
{
    if (c->count == c->capacity) {
        uint8_t oldest = c->window[c->next];
        c->failures -= oldest != DELIVERY_OK;
        c->reasons[oldest]--;
    } else {
        c->count++;
    }
    c->window[c->next] = (uint8_t)reason;
    c->next = c->next + 1 == c->capacity ? 0 : c->next + 1;
    c->failures += reason != DELIVERY_OK;
    c->reasons[reason]++;
}

/* keep_detail: a provider's words as one line of whole UTF-8 sequences. */
static void keep_detail(char out[AUTO_HOLD_DETAIL_BYTES], struct text detail)
{
    char *to = out;
    for (const char *at = detail.data, *end = at + detail.bytes;
         detail.bytes && at < end;) {
        uint32_t code_point = utf8_next(&at, end);
        bool shown = code_point >= 0x20 && code_point != 0x7F && code_point != UTF8_BAD;
        if (to - out > AUTO_HOLD_DETAIL_BYTES - 5)
            break;
        to += utf8_encode(shown ? code_point : ' ', to);
    }
    *to = '\0';
}

bool auto_hold_settled(struct auto_hold *hold, enum channel channel, enum outcome outcome,
                       enum delivery_reason reason, struct text detail)
{
    struct auto_hold_channel *c = &hold->channels[channel];
    if (!c->window || reason == DELIVERY_INTERRUPTED)
        return false;
    c->settled += !c->open;
    if (says_something(outcome, reason)) {
        if (outcome == OUTCOME_SENT)
            reason = DELIVERY_OK;
        else if (reason == DELIVERY_OK)
            reason = DELIVERY_REJECTED;
        take_in(c, reason);
        if (reason != DELIVERY_OK)
            keep_detail(c->details[reason], detail);
    }
    return to_judge(hold, c);
}

static void explain(const struct auto_hold *hold, const struct auto_hold_channel *c,
                    enum channel channel, char out[AUTO_HOLD_SENTENCE_BYTES])
{
    int most = DELIVERY_OK + 1;
    for (int r = most; r < DELIVERY_REASON_COUNT; r++) {
        if (c->reasons[r] > c->reasons[most])
            most = r;
    }
    snprintf(out, AUTO_HOLD_SENTENCE_BYTES,
             "held: %" PRIu64 " of the %s %zu %s messages failed (limit %.4g %%), mostly "
             "%s%s%s",
             c->failures, c->open ? "last" : "first", c->count, channel_name(channel),
             hold->limits.failure_rate * 100,
             delivery_reason_name((enum delivery_reason)most),
             c->details[most][0] ? ": " : "", c->details[most]);
}

enum auto_hold_verdict auto_hold_judge(struct auto_hold *hold, enum channel channel,
                                       int64_t now_ns,
                                       char sentence_out[AUTO_HOLD_SENTENCE_BYTES])
{
    struct auto_hold_channel *c = &hold->channels[channel];
    if (!c->window)
        return AUTO_HOLD_NOTHING;
    bool filled = c->let_out == c->canary;
    if (!c->open && filled && c->answered < c->canary)
        return AUTO_HOLD_NOTHING;
    if (!c->open && filled && c->settled < c->canary) {
        if (c->until_ns == 0)
            c->until_ns = now_ns + hold->limits.wait_ns;
        if (now_ns < c->until_ns)
            return AUTO_HOLD_WAIT;
    }
    if (too_many(hold, c)) {
        explain(hold, c, channel, sentence_out);
        return AUTO_HOLD_HOLD;
    }
    if (c->open || !filled)
        return AUTO_HOLD_NOTHING;
    c->open = true;
    hold->shut &= ~(1u << channel);
    return AUTO_HOLD_OPEN;
}
