/* run_guard: see run_guard.h. */
#include "engine/jobs/run_guard.h"

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

void run_guard_init(struct run_guard *guard, const struct config_auto_hold *limits,
                    uint64_t customers, unsigned channels)
{
    *guard = (struct run_guard){.limits = *limits};
    for (unsigned c = 0; limits->enabled && c < CHANNEL_COUNT; c++) {
        struct run_guard_channel *one = &guard->channels[c];
        if (!(channels & 1u << c))
            continue;
        one->canary = canary_of(limits, customers);
        one->open = one->canary == 0;
        guard->shut |= (unsigned)!one->open << c;
        one->capacity = limits->window;
        if (one->capacity < one->canary)
            one->capacity = one->canary;
        if (one->capacity < limits->min_messages)
            one->capacity = limits->min_messages;
        one->window = calloc(one->capacity, 1);
        CHECK(one->window != NULL);
    }
}

void run_guard_fini(struct run_guard *guard)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        free(guard->channels[c].window);
    *guard = (struct run_guard){0};
}

bool run_guard_pass(struct run_guard *guard, enum channel channel)
{
    struct run_guard_channel *c = &guard->channels[channel];
    if (!(guard->shut & 1u << channel))
        return true;
    if (c->let_out == c->canary)
        return false;
    c->let_out++;
    return true;
}

/* too_many: min_messages outcomes at least, and more failures among them than the limit. */
static bool too_many(const struct run_guard *guard, const struct run_guard_channel *c)
{
    return c->count >= guard->limits.min_messages &&
           (double)c->failures > guard->limits.failure_rate * (double)c->count;
}

static bool to_judge(const struct run_guard *guard, const struct run_guard_channel *c)
{
    if (!c->window)
        return false;
    if (c->open ||
        c->let_out < c->canary) /* a canary may never fill: few have an address */
        return too_many(guard, c);
    return c->settled == c->canary || (c->answered == c->canary && c->until_ns == 0);
}

bool run_guard_answered(struct run_guard *guard, enum channel channel)
{
    struct run_guard_channel *c = &guard->channels[channel];
    if (c->open || !c->window)
        return false;
    c->answered++;
    return to_judge(guard, c);
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

static void take_in(struct run_guard_channel *c, enum delivery_reason reason)
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
static void keep_detail(char out[RUN_GUARD_DETAIL_BYTES], struct text detail)
{
    char *to = out;
    for (const char *at = detail.data, *end = at + detail.bytes;
         detail.bytes && at < end;) {
        uint32_t code_point = utf8_next(&at, end);
        bool shown = code_point >= 0x20 && code_point != 0x7F && code_point != UTF8_BAD;
        if (to - out > RUN_GUARD_DETAIL_BYTES - 5)
            break;
        to += utf8_encode(shown ? code_point : ' ', to);
    }
    *to = '\0';
}

bool run_guard_settled(struct run_guard *guard, enum channel channel,
                       enum outcome outcome, enum delivery_reason reason,
                       struct text detail)
{
    struct run_guard_channel *c = &guard->channels[channel];
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
    return to_judge(guard, c);
}

static void explain(const struct run_guard *guard, const struct run_guard_channel *c,
                    enum channel channel, char out[RUN_GUARD_SENTENCE_BYTES])
{
    int most = DELIVERY_OK + 1;
    for (int r = most; r < DELIVERY_REASON_COUNT; r++) {
        if (c->reasons[r] > c->reasons[most])
            most = r;
    }
    snprintf(out, RUN_GUARD_SENTENCE_BYTES,
             "held: %" PRIu64 " of the %s %zu %s messages failed (limit %.4g %%), mostly "
             "%s%s%s",
             c->failures, c->open ? "last" : "first", c->count, channel_name(channel),
             guard->limits.failure_rate * 100,
             delivery_reason_name((enum delivery_reason)most),
             c->details[most][0] ? ": " : "", c->details[most]);
}

enum run_guard_verdict run_guard_judge(struct run_guard *guard, enum channel channel,
                                       int64_t now_ns,
                                       char sentence_out[RUN_GUARD_SENTENCE_BYTES])
{
    struct run_guard_channel *c = &guard->channels[channel];
    if (!c->window)
        return RUN_GUARD_NOTHING;
    bool filled = c->let_out == c->canary;
    if (!c->open && filled && c->answered < c->canary)
        return RUN_GUARD_NOTHING;
    if (!c->open && filled && c->settled < c->canary) {
        if (c->until_ns == 0)
            c->until_ns = now_ns + guard->limits.wait_ns;
        if (now_ns < c->until_ns)
            return RUN_GUARD_WAIT;
    }
    if (too_many(guard, c)) {
        explain(guard, c, channel, sentence_out);
        return RUN_GUARD_HOLD;
    }
    if (c->open || !filled)
        return RUN_GUARD_NOTHING;
    c->open = true;
    guard->shut &= ~(1u << channel);
    return RUN_GUARD_OPEN;
}
