/* throttle: see throttle.h.
 *
 * Every push-back means that the provider's bucket was empty at that moment. So
 * what it accepted between two push-backs, over the time between them, is its
 * rate: no guess, and no matter how far above it we were. From there the rate
 * follows the curve of CUBIC (RFC 9438 4.2) in the time spent sending: a little
 * below the rate found, flat around it for as long as it has been right, then
 * ever faster, because a provider may have become quicker. The longer a pause
 * costs, the longer it stays flat. */
#include "outbox/dispatch/throttle.h"

#include "base/clock.h"
#include "outbox/dispatch/retry.h"

#define THROTTLE_FIRST_CUT  0.5 /* of the rate tried, when nothing is measured yet */
#define THROTTLE_UNSURE_CUT 0.6 /* when less than the count below was accepted */
#define THROTTLE_SURE       4
#define THROTTLE_BEYOND     16   /* messages beyond a bucket that tell a rate */
#define THROTTLE_BELOW      0.05 /* how far below the rate found it starts */
/* The hold: longer with every push-back up to HOLD_MOST, at least so many pauses and messages. */
#define THROTTLE_HOLD_FIRST_NS (50.0 * NS_PER_MS)
#define THROTTLE_HOLD_MOST_NS  (0.8 * NS_PER_S)
#define THROTTLE_HOLD_PAUSES   9.0
#define THROTTLE_HOLD_MESSAGES 5.0
/* A bucket may fill up during a pause, which then counts only in part from here on. Too much
 * counted makes the rate found too low, which costs; too little makes it too high, which the
 * next push-back puts right. */
#define THROTTLE_FILLS_NS   (5.0 * NS_PER_MS)
#define THROTTLE_FILLS_PART 0.05
/* A pause from here on may have filled all of it. */
#define THROTTLE_LONG_PAUSE_NS (100.0 * NS_PER_MS)
#define THROTTLE_LOWEST_RATE   0.1
/* Above this a provider without configured limit is as good as unlimited again. */
#define THROTTLE_FREE_RATE 1e6
/* A gap between messages beyond this is idleness, not patience. */
#define THROTTLE_GAP_NS    (50.0 * NS_PER_MS)
#define THROTTLE_GAP_COSTS 4.0
/* What it asks for is believed up to this. */
#define THROTTLE_PAUSE_MAX_NS (3600 * NS_PER_S)

/* The pauses a provider gets that does not say how long. */
static const struct retry_policy pauses = {.first_ns = 20 * NS_PER_MS,
                                           .max_ns = 60 * NS_PER_S};

int64_t throttle_wait_ns(const struct throttle *throttle, int64_t now_ns)
{
    int64_t wait_ns = throttle->pause_until_ns - now_ns;
    return wait_ns > 0 ? wait_ns : 0;
}

bool throttle_is_on(const struct throttle *throttle, int64_t now_ns)
{
    return throttle->found_per_s > 0 || throttle->pause_until_ns > now_ns;
}

/* count_time: add what has passed to busy_ns. */
static void count_time(struct throttle *throttle, const struct limiter *limiter,
                       int64_t now_ns)
{
    if (throttle->seen_ns == 0)
        throttle->seen_ns = now_ns;
    if (now_ns <= throttle->seen_ns)
        return;
    double most_ns = THROTTLE_GAP_NS + THROTTLE_GAP_COSTS * limiter->cost_ns;
    if (throttle->pause_until_ns > throttle->seen_ns) {
        int64_t end_ns =
            throttle->pause_until_ns < now_ns ? throttle->pause_until_ns : now_ns;
        double pause_ns = (double)(end_ns - throttle->seen_ns);
        double fills_ns = pause_ns < THROTTLE_FILLS_NS ? pause_ns : THROTTLE_FILLS_NS;
        throttle->busy_ns += fills_ns + (pause_ns - fills_ns) * THROTTLE_FILLS_PART;
        throttle->seen_ns = end_ns;
    }
    double gap_ns = (double)(now_ns - throttle->seen_ns);
    double active_ns = gap_ns < most_ns ? gap_ns : most_ns;
    throttle->busy_ns += active_ns;
    throttle->active_ns += active_ns;
    throttle->seen_ns = now_ns;
}

int throttle_tick(struct throttle *throttle, struct limiter *limiter, int64_t now_ns)
{
    if (throttle->found_per_s <= 0)
        return 0;
    count_time(throttle, limiter, now_ns);
    double x = throttle->busy_ns / throttle->hold_ns - 1;
    double rate = throttle->found_per_s * (1 + THROTTLE_BELOW * x * x * x);
    double ceiling = limiter->ceiling_per_s;
    if (rate >= (ceiling > 0 ? ceiling : THROTTLE_FREE_RATE)) {
        rate = ceiling;
        throttle->found_per_s = 0;
    }
    limiter_adapt(limiter, rate);
    return 1;
}

void throttle_accepted(struct throttle *throttle, int64_t latency_ns, int64_t now_ns)
{
    throttle->accepted++;
    throttle->latency_ns += ((double)latency_ns - throttle->latency_ns) / 8;
    if (throttle->pauses > 0 && now_ns > throttle->pause_until_ns)
        throttle->pauses = 0;
}

/* What it accepted since the last push-back. A bucket that a long pause has filled gives that much at
 * once, which is no rate: what came beyond it, over the time of sending, is, but errs on the low side
 * when the bucket was not quite full. So the middle of both. */
static double accepted_per_s(const struct throttle *throttle)
{
    double accepted = (double)throttle->accepted;
    double beyond = accepted - (double)throttle->bucket;
    double least_per_ns = accepted / (throttle->active_ns + throttle->paused_ns);
    bool filled = throttle->paused_ns > THROTTLE_LONG_PAUSE_NS &&
                  least_per_ns * throttle->paused_ns >= (double)throttle->bucket;
    double most = accepted * (double)NS_PER_S / throttle->busy_ns;
    if (!filled || beyond < THROTTLE_BEYOND)
        return most;
    return (most + beyond * (double)NS_PER_S / throttle->active_ns) / 2;
}

/* What the provider can take, as far as we know; 0: nothing to go by. */
static double find_rate(const struct throttle *throttle, const struct limiter *limiter,
                        double tried_per_s)
{
    double rate = limiter->rate_per_s;
    bool free = rate == limiter->ceiling_per_s;
    if (throttle->measuring && throttle->accepted >= THROTTLE_SURE &&
        throttle->active_ns > 0) {
        double accepted = accepted_per_s(throttle);
        return rate > 0 && accepted > rate ? rate : accepted;
    }
    if (rate == 0 || (free && tried_per_s > 0 && tried_per_s < rate))
        rate = tried_per_s;
    return rate * (throttle->measuring ? THROTTLE_UNSURE_CUT : THROTTLE_FIRST_CUT);
}

static int64_t choose_pause(struct throttle *throttle, int64_t wait_ns, uint64_t seed)
{
    throttle->pauses++;
    if (wait_ns == 0)
        wait_ns = retry_wait_ns(&pauses, throttle->pauses, seed);
    /* so that the answers to what is under way come within it */
    if ((double)wait_ns < throttle->latency_ns)
        wait_ns = (int64_t)throttle->latency_ns;
    return wait_ns < THROTTLE_PAUSE_MAX_NS ? wait_ns : THROTTLE_PAUSE_MAX_NS;
}

static double choose_hold(const struct throttle *throttle, double pause_ns)
{
    double hold_ns = throttle->hold_ns * 2;
    if (hold_ns > THROTTLE_HOLD_MOST_NS)
        hold_ns = THROTTLE_HOLD_MOST_NS;
    double least[] = {THROTTLE_HOLD_FIRST_NS,
                      THROTTLE_HOLD_PAUSES * (pause_ns - THROTTLE_GAP_NS),
                      THROTTLE_HOLD_MESSAGES * (double)NS_PER_S / throttle->found_per_s};
    for (size_t i = 0; i < sizeof(least) / sizeof(*least); i++)
        hold_ns = hold_ns > least[i] ? hold_ns : least[i];
    return hold_ns;
}

int throttle_push_back(struct throttle *throttle, struct limiter *limiter,
                       double tried_per_s, int64_t wait_ns, int64_t now_ns, uint64_t seed)
{
    if (now_ns < throttle->pause_until_ns) {
        int64_t until_ns =
            now_ns + (wait_ns < THROTTLE_PAUSE_MAX_NS ? wait_ns : THROTTLE_PAUSE_MAX_NS);
        if (until_ns > throttle->pause_until_ns)
            throttle->pause_until_ns = until_ns;
        return 0;
    }
    count_time(throttle, limiter, now_ns);
    bool sure = throttle->accepted >= THROTTLE_SURE;
    if (!throttle->measuring || (sure && throttle->accepted < throttle->bucket))
        throttle->bucket = throttle->accepted;
    double rate = find_rate(throttle, limiter, tried_per_s);
    int64_t pause_ns = choose_pause(throttle, wait_ns, seed);
    throttle->pause_until_ns = now_ns + pause_ns;
    throttle->doubts = sure ? 0 : throttle->doubts + 1;
    if (throttle->doubts == 1 && throttle->found_per_s > 0)
        return 1; /* what was under way came late: the last push-back, once more */
    throttle->measuring = true;
    throttle->accepted = 0;
    throttle->busy_ns = 0;
    throttle->active_ns = 0;
    throttle->paused_ns = (double)pause_ns;
    if (rate <= 0)
        return 1;
    throttle->found_per_s = rate > THROTTLE_LOWEST_RATE ? rate : THROTTLE_LOWEST_RATE;
    throttle->hold_ns = choose_hold(throttle, (double)pause_ns);
    limiter_adapt(limiter, throttle->found_per_s * (1 - THROTTLE_BELOW));
    return 1;
}

void throttle_allowance(struct throttle *throttle, uint64_t remaining, uint64_t in_flight,
                        int64_t reset_ns, int64_t now_ns)
{
    if (reset_ns <= 0 || remaining > in_flight)
        return;
    int64_t until_ns =
        now_ns + (reset_ns < THROTTLE_PAUSE_MAX_NS ? reset_ns : THROTTLE_PAUSE_MAX_NS);
    if (until_ns > throttle->pause_until_ns)
        throttle->pause_until_ns = until_ns;
}
