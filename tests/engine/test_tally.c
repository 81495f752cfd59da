/* The rate over time against counting each second apart, and what a report tells of a few
 * results. */
#include "engine/results/results.h"
#include "engine/page/timeline.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* Every second that was counted lies in its bucket, and nothing else is in any. */
static void expect_counted(const struct timeline *t, const int64_t *at_s,
                           const unsigned *series, size_t count)
{
    uint64_t left[TIMELINE_BUCKETS][TIMELINE_SERIES];
    memcpy(left, t->counts, sizeof(left));
    for (size_t i = 0; i < count; i++) {
        int64_t into = at_s[i] - t->first * t->step_s;
        cr_assert(into >= 0 && into / t->step_s < (int64_t)t->count);
        left[into / t->step_s][series[i]]--;
    }
    for (size_t b = 0; b < TIMELINE_BUCKETS; b++) {
        for (int s = 0; s < TIMELINE_SERIES; s++)
            cr_assert_eq(left[b][s], 0);
    }
}

Test(timeline, any_order_and_span)
{
    srand(5);
    for (int round = 0; round < 300; round++) {
        struct timeline t = {0};
        int64_t at_s[500];
        unsigned series[500];
        int64_t span_s = 1 + rand() % (1 << (rand() % 26));
        int64_t from_s = rand() % 3 ? 1795370000 : -rand();
        for (size_t i = 0; i < ARRAY_COUNT(at_s); i++) {
            at_s[i] = from_s + rand() % span_s;
            series[i] = (unsigned)rand() % TIMELINE_SERIES;
            timeline_add(&t, at_s[i], series[i]);
        }
        cr_assert(t.count >= 1 && t.count <= TIMELINE_BUCKETS);
        expect_counted(&t, at_s, series, ARRAY_COUNT(at_s));
    }
}

Test(timeline, steps)
{
    static const struct {
        int64_t span_s, step_s;
    } cases[] = {{1, 1},       {120, 1},        {121, 5},
                 {600, 5},     {1800, 15},      {7200, 60},
                 {86400, 900}, {864000, 10800}, {86400 * 365, 86400 * 4}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct timeline t = {0};
        for (int64_t s = 0; s < cases[i].span_s; s += 1 + cases[i].span_s / 5000)
            timeline_add(&t, s, 0);
        timeline_add(&t, cases[i].span_s - 1, 0);
        cr_expect_eq(t.step_s, cases[i].step_s, "%ld: %ld", cases[i].span_s, t.step_s);
    }
}

Test(timeline, one_far_away)
{
    struct timeline t = {0};
    timeline_add(&t, (int64_t)1 << 53, 1);
    timeline_add(&t, -((int64_t)1 << 53), 2);
    timeline_add(&t, 0, 0);
    cr_expect(t.count <= TIMELINE_BUCKETS);
    uint64_t sum = 0;
    for (size_t b = 0; b < t.count; b++)
        sum += t.counts[b][0] + t.counts[b][1] + t.counts[b][2];
    cr_expect_eq(sum, 3);
}

static char *dump(const struct tally *tally)
{
    json_t *report = json_object();
    tally_json(tally, report);
    char *out = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(report);
    return out;
}

Test(tally, nothing)
{
    const struct tally tally = {0};
    char *got = dump(&tally);
    cr_expect_str_eq(got, "{\"attempts\":{},\"dispositions\":{},\"providers\":{},"
                          "\"reasons\":{}}");
    free(got);
}

Test(tally, a_few)
{
    static const struct text providers[] = {{"relay", 5}, {"spare", 5}};
    const struct result base = {.channel = CHANNEL_EMAIL,
                                .disposition = DISPOSITION_SEND,
                                .outcome = OUTCOME_SENT,
                                .attempts = 1,
                                .at_ms = 1795370000999,
                                .providers = providers,
                                .provider_count = 2};
    struct result results[6];
    for (size_t i = 0; i < ARRAY_COUNT(results); i++)
        results[i] = base;
    results[1].attempts = 2;
    results[1].at_ms += 3000;
    results[2].outcome = OUTCOME_FAILED;
    results[2].why = DELIVERY_TIMEOUT;
    results[3].outcome = OUTCOME_FAILED;
    results[3].why = DELIVERY_REJECTED;
    results[3].detail = TEXT("no \xff<b>");
    results[4] = results[3];
    results[4].detail = TEXT("second");
    results[4].provider_number = 1;
    results[5] = (struct result){.channel = CHANNEL_EMAIL,
                                 .disposition = DISPOSITION_OPTED_OUT,
                                 .provider_number = -1,
                                 .providers = providers,
                                 .provider_count = 2};
    struct tally tally = {0};
    for (size_t i = 0; i < ARRAY_COUNT(results); i++)
        tally_add(&tally, &results[i]);
    char *got = dump(&tally);
    cr_expect_str_eq(
        got, "{\"attempts\":{\"1\":4,\"2\":1},"
             "\"dispositions\":{\"email\":{\"opted_out\":1,\"send\":5}},"
             "\"providers\":{\"relay\":{\"failed\":2,\"sent\":2,\"unknown\":0},"
             "\"spare\":{\"failed\":1,\"sent\":0,\"unknown\":0}},"
             "\"rate\":{\"failed\":[3,0,0,0],\"from\":\"2026-11-22T17:53:20Z\",\"sent\":["
             "1,0,0,1],"
             "\"step_s\":1,\"unknown\":[0,0,0,0]},"
             "\"reasons\":{\"failed\":[{\"count\":2,\"example\":\"no \xEF\xBF\xBD<b>\","
             "\"reason\":\"rejected\"},{\"count\":1,\"reason\":\"timeout\"}]}}");
    free(got);
    tally_fini(&tally);
}
