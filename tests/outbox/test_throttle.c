/* throttle: the control law against a simulated provider with a token bucket. */
#include "base/clock.h"
#include "base/hash.h"
#include "outbox/dispatch/throttle.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_NS (NS_PER_MS / 4)

/* A provider that accepts rate_per_s, a burst of burst_s seconds of that, and answers after
 * latency_ns over so many connections. */
struct simulation {
    const char *name;
    unsigned messages;
    double rate_per_s;
    double burst_s;
    unsigned connections;
    int64_t latency_ns;
    int64_t retry_after_ns; /* what it says when it pushes back */
    double ceiling_per_s;   /* of our configuration */
    double slower_at_s;     /* from then on it takes half */
};

struct outcome {
    double seconds;
    unsigned pushed_back;
};

/* One message on its way: when its answer comes, and whether that will be good. */
struct flight {
    int64_t taken_ns, answer_ns;
    bool accepted;
};

static bool bucket_takes(const struct simulation *s, double *backlog_s, double passed_s,
                         double now_s)
{
    double rate =
        s->slower_at_s > 0 && now_s > s->slower_at_s ? s->rate_per_s / 2 : s->rate_per_s;
    *backlog_s = *backlog_s > passed_s ? *backlog_s - passed_s : 0;
    if (*backlog_s > s->burst_s)
        return false;
    *backlog_s += 1 / rate;
    return true;
}

static struct outcome run(const struct simulation *s)
{
    struct throttle throttle = {0};
    struct limiter limiter = {0};
    struct flight *flights = calloc(s->connections, sizeof(*flights));
    struct outcome outcome = {0};
    unsigned left = s->messages, flying = 0, done = 0;
    int64_t start = NS_PER_S, now = start, bucket_ns = start;
    double backlog_s = 0, window = 0, tried = 0;
    limiter_set(&limiter, s->ceiling_per_s);
    for (; done < s->messages && now < start + 3600 * NS_PER_S; now += STEP_NS) {
        for (unsigned i = 0; i < s->connections; i++) {
            struct flight *f = &flights[i];
            if (f->answer_ns == 0 || f->answer_ns > now)
                continue;
            f->answer_ns = 0;
            flying--;
            if (f->accepted) {
                done++;
                throttle_accepted(&throttle, now - f->taken_ns, now);
            } else {
                left++;
                outcome.pushed_back++;
                throttle_push_back(&throttle, &limiter, tried, s->retry_after_ns, now,
                                   outcome.pushed_back);
            }
        }
        while (left > 0 && flying < s->connections &&
               throttle_wait_ns(&throttle, now) == 0 &&
               limiter_wait_ns(&limiter, now) == 0) {
            struct flight *f = flights;
            while (f->answer_ns)
                f++;
            limiter_spend(&limiter, now);
            throttle_tick(&throttle, &limiter, now);
            *f = (struct flight){.taken_ns = now, .answer_ns = now + s->latency_ns};
            f->accepted = bucket_takes(s, &backlog_s, (double)(now - bucket_ns) / 1e9,
                                       (double)(now - start) / 1e9);
            bucket_ns = now;
            left--;
            flying++;
            window++;
        }
        if ((now - start) / (20 * NS_PER_MS) !=
            (now + STEP_NS - start) / (20 * NS_PER_MS)) {
            tried = (tried + window * 50) / 2; /* as pace does */
            window = 0;
        }
    }
    outcome.seconds = (double)(now - start) / 1e9;
    free(flights);
    return outcome;
}

Test(throttle, keeps_a_provider_busy_and_is_rarely_sent_away)
{
    static const struct simulation cases[] = {
        {"small job, 900/s", 300, 900, 0.1, 16, 5 * NS_PER_MS, 0, 0, 0},
        {"small job, small bucket", 300, 900, 0.02, 10, 5 * NS_PER_MS, 0, 0, 0},
        {"2000 into 200/s", 2000, 200, 0.1, 16, 5 * NS_PER_MS, 0, 0, 0},
        {"2000 into 200/s, far away", 2000, 200, 0.1, 16, 80 * NS_PER_MS, 0, 0, 0},
        {"10000 into 200/s, Retry-After", 10000, 200, 0.1, 16, 20 * NS_PER_MS, NS_PER_S,
         0, 0},
        {"100 into 5/s", 100, 5, 1, 4, 100 * NS_PER_MS, 0, 0, 0},
        {"50 into 2/s", 50, 2, 1, 1, 50 * NS_PER_MS, 0, 0, 0},
        {"100000 into 5000/s", 100000, 5000, 0.1, 64, 10 * NS_PER_MS, 0, 0, 0},
        {"large bucket", 20000, 1000, 5, 64, 10 * NS_PER_MS, 0, 0, 0},
        {"ceiling above it", 5000, 500, 0.1, 16, 5 * NS_PER_MS, 0, 800, 0},
        {"ceiling below it", 2000, 500, 0.1, 16, 5 * NS_PER_MS, 0, 400, 0},
        {"gets slower", 5000, 1000, 0.1, 16, 5 * NS_PER_MS, 0, 0, 1.0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct simulation *s = &cases[i];
        struct outcome o = run(s);
        double rate = s->ceiling_per_s > 0 && s->ceiling_per_s < s->rate_per_s
                          ? s->ceiling_per_s
                          : s->rate_per_s;
        double best_s = (double)s->messages / rate;
        if (s->slower_at_s > 0)
            best_s = s->slower_at_s + (s->messages - s->slower_at_s * rate) / (rate / 2);
        double pushed = (double)o.pushed_back / s->messages;
        if (getenv("THROTTLE_SHOW"))
            printf("%-34s %6.2f s, best %6.2f s (%3.0f %%), pushed back %5.2f %%\n",
                   s->name, o.seconds, best_s, 100 * best_s / o.seconds, 100 * pushed);
        cr_expect(best_s / o.seconds >= 0.9, "%s: %.2f s instead of %.2f s", s->name,
                  o.seconds, best_s);
        cr_expect(pushed < 0.1, "%s: %.1f %% pushed back", s->name, 100 * pushed);
    }
}

/* A push-back at now for a limiter without ceiling, tried at 1000/s. */
static void push_back(struct throttle *throttle, struct limiter *limiter, int64_t wait_ns,
                      int64_t now)
{
    throttle_push_back(throttle, limiter, 1000, wait_ns, now, 1);
}

Test(throttle, pauses_as_long_as_asked_or_longer_each_time)
{
    struct throttle throttle = {0};
    struct limiter limiter = {0};
    int64_t now = NS_PER_S, before = 0;
    push_back(&throttle, &limiter, 3 * NS_PER_S, now);
    cr_expect_eq(throttle_wait_ns(&throttle, now), 3 * NS_PER_S);
    push_back(&throttle, &limiter, NS_PER_S, now + NS_PER_S); /* the same, heard again */
    cr_expect_eq(throttle_wait_ns(&throttle, now), 3 * NS_PER_S);
    push_back(&throttle, &limiter, 4 * NS_PER_S, now + NS_PER_S);
    cr_expect_eq(throttle_wait_ns(&throttle, now), 5 * NS_PER_S);
    for (int i = 0; i < 8; i++) {
        now += 100 * NS_PER_S;
        push_back(&throttle, &limiter, 0, now);
        cr_expect_gt(throttle_wait_ns(&throttle, now), before);
        before = throttle_wait_ns(&throttle, now);
    }
    now += 100 * NS_PER_S;
    throttle_accepted(&throttle, NS_PER_MS, now);
    push_back(&throttle, &limiter, 0, now);
    cr_expect_leq(throttle_wait_ns(&throttle, now), 20 * NS_PER_MS);
    push_back(&throttle, &limiter, INT64_MAX, now + NS_PER_S);
    cr_expect_leq(throttle_wait_ns(&throttle, now), 3602 * NS_PER_S, "but not for ever");
}

Test(throttle, becomes_free_again_with_use_and_not_with_waiting)
{
    struct throttle throttle = {0};
    struct limiter limiter = {0};
    int64_t now = NS_PER_S;
    limiter_set(&limiter, 2000);
    push_back(&throttle, &limiter, 0, now);
    cr_expect(throttle_is_on(&throttle, now));
    cr_expect(limiter.rate_per_s > 400 && limiter.rate_per_s < 500, "%g",
              limiter.rate_per_s);
    now += 3600 * NS_PER_S;
    throttle_tick(&throttle, &limiter, now);
    cr_expect_lt(limiter.rate_per_s, 550, "idle for an hour: %g", limiter.rate_per_s);
    int64_t start = now;
    while (throttle_is_on(&throttle, now) && now < start + 60 * NS_PER_S)
        throttle_tick(&throttle, &limiter, now += 2 * NS_PER_MS);
    cr_expect_eq(limiter.rate_per_s, 2000);
    cr_expect_lt(now - start, 5 * NS_PER_S);
}

Test(throttle, an_allowance_that_is_used_up_is_a_pause)
{
    static const struct {
        uint64_t remaining, in_flight;
        int64_t reset_ns, wait_ns;
    } cases[] = {
        {10, 3, NS_PER_S, 0},
        {3, 3, NS_PER_S, NS_PER_S},
        {0, 0, 5 * NS_PER_S, 5 * NS_PER_S},
        {0, 0, 0, 0},
        {0, 0, -1, 0},
        {0, 9, INT64_MAX, 3600 * NS_PER_S},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct throttle throttle = {0};
        throttle_allowance(&throttle, cases[i].remaining, cases[i].in_flight,
                           cases[i].reset_ns, NS_PER_S);
        cr_expect_eq(throttle_wait_ns(&throttle, NS_PER_S), cases[i].wait_ns, "case %zu",
                     i);
    }
}
