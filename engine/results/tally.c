/* tally: see tally.h. */
#include "engine/results/tally.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "engine/page/markup.h"
#include "engine/results/results.h"

#include <stdio.h>
#include <stdlib.h>

static void add_reason(struct tally *tally, const struct result *r)
{
    struct tally_reason *reason = &tally->reasons[r->outcome][r->why];
    reason->count++;
    if (reason->example_bytes == 0 && r->detail.bytes > 0) {
        size_t bytes =
            r->detail.bytes < TALLY_EXAMPLE_BYTES ? r->detail.bytes : TALLY_EXAMPLE_BYTES;
        memcpy(reason->example, r->detail.data, bytes);
        reason->example_bytes = (uint16_t)bytes;
    }
}

void tally_add(struct tally *tally, const struct result *r)
{
    tally->dispositions[r->channel][r->disposition]++;
    if (!disposition_sends(r->disposition))
        return;
    if (r->why != DELIVERY_OK && r->outcome != OUTCOME_PENDING)
        add_reason(tally, r);
    if (r->attempts > 0)
        tally->attempts[r->attempts & UINT8_MAX]++;
    if (r->provider_number >= 0)
        tally->providers[r->provider_number][r->outcome]++;
    while (tally->name_count < r->provider_count) {
        tally->names[tally->name_count] = text_copy(r->providers[tally->name_count]);
        tally->name_count++;
    }
    if (r->at_ms > 0 && r->outcome >= OUTCOME_SENT && r->outcome <= OUTCOME_UNKNOWN)
        timeline_add(&tally->rate, r->at_ms / 1000, r->outcome - OUTCOME_SENT);
}

void tally_fini(struct tally *tally)
{
    for (size_t i = 0; i < tally->name_count; i++)
        free(tally->names[i]);
    tally->name_count = 0;
}

static json_t *count_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

/* text_json: a text that may have been cut within a character. */
static json_t *text_json(struct text t)
{
    struct buffer clean = {0};
    markup_clean(&clean, t);
    json_t *out = json_stringn(clean.data ? clean.data : "", clean.bytes);
    buffer_fini(&clean);
    return out;
}

static json_t *dispositions_json(const struct tally *tally)
{
    json_t *out = json_object();
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        json_t *one = json_object();
        for (int d = DISPOSITION_SEND; d < DISPOSITION_COUNT; d++) {
            if (tally->dispositions[c][d] > 0)
                json_object_set_new(one, disposition_name((enum disposition)d),
                                    count_json(tally->dispositions[c][d]));
        }
        if (json_object_size(one) > 0)
            json_object_set_new(out, channel_name((enum channel)c), one);
        else
            json_decref(one);
    }
    return out;
}

/* One outcome's reasons, the most frequent first. */
static json_t *reasons_of(const struct tally_reason *reasons)
{
    json_t *out = json_array();
    bool told[DELIVERY_REASON_COUNT] = {false};
    for (;;) {
        int most = -1;
        for (int i = 0; i < DELIVERY_REASON_COUNT; i++) {
            if (!told[i] && reasons[i].count > 0 &&
                (most < 0 || reasons[i].count > reasons[most].count))
                most = i;
        }
        if (most < 0)
            return out;
        told[most] = true;
        const struct tally_reason *reason = &reasons[most];
        json_t *one = json_object();
        json_object_set_new(
            one, "reason", json_string(delivery_reason_name((enum delivery_reason)most)));
        json_object_set_new(one, "count", count_json(reason->count));
        if (reason->example_bytes > 0)
            json_object_set_new(
                one, "example",
                text_json((struct text){reason->example, reason->example_bytes}));
        json_array_append_new(out, one);
    }
}

static json_t *reasons_json(const struct tally *tally)
{
    json_t *out = json_object();
    for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++) {
        json_t *one = reasons_of(tally->reasons[o]);
        if (json_array_size(one) > 0)
            json_object_set_new(out, outcome_name((enum outcome)o), one);
        else
            json_decref(one);
    }
    return out;
}

static json_t *providers_json(const struct tally *tally)
{
    json_t *out = json_object();
    for (size_t p = 0; p < tally->name_count; p++) {
        const uint64_t *counts = tally->providers[p];
        json_t *one = json_object();
        uint64_t all = 0;
        for (int o = OUTCOME_SENT; o <= OUTCOME_UNKNOWN; o++) {
            json_object_set_new(one, outcome_name((enum outcome)o),
                                count_json(counts[o]));
            all += counts[o];
        }
        if (all > 0)
            json_object_set_new(out, tally->names[p], one);
        else
            json_decref(one);
    }
    return out;
}

static json_t *attempts_json(const struct tally *tally)
{
    json_t *out = json_object();
    for (size_t i = 1; i < ARRAY_COUNT(tally->attempts); i++) {
        char key[8];
        snprintf(key, sizeof(key), "%zu", i);
        if (tally->attempts[i] > 0)
            json_object_set_new(out, key, count_json(tally->attempts[i]));
    }
    return out;
}

static json_t *rate_json(const struct timeline *rate)
{
    char from[CLOCK_FORMAT_BYTES];
    clock_format(rate->first * rate->step_s * NS_PER_S, false, from);
    json_t *out =
        json_pack("{s:s, s:I}", "from", from, "step_s", (json_int_t)rate->step_s);
    for (int s = 0; s < TIMELINE_SERIES; s++) {
        json_t *series = json_array();
        for (size_t i = 0; i < rate->count; i++)
            json_array_append_new(series, count_json(rate->counts[i][s]));
        json_object_set_new(out, outcome_name(OUTCOME_SENT + (enum outcome)s), series);
    }
    return out;
}

void tally_json(const struct tally *tally, json_t *report)
{
    json_object_set_new(report, "dispositions", dispositions_json(tally));
    json_object_set_new(report, "reasons", reasons_json(tally));
    json_object_set_new(report, "providers", providers_json(tally));
    json_object_set_new(report, "attempts", attempts_json(tally));
    if (tally->rate.step_s > 0)
        json_object_set_new(report, "rate", rate_json(&tally->rate));
}
