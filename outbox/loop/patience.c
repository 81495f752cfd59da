/* patience: see patience.h.
 *
 * Two rules. The batch grows while what it asks for comes in time, and falls back to what did come.
 * Where not even a few come it tries again ever more rarely: a talk of question and answer is not held
 * up (patience_learn).
 *
 * And it stays below a share of what is owed, so that the other side keeps its work (patience_look). Who
 * is busy asks for a quarter: more would make both sides wait for each other in turn. Who has nothing
 * else to do asks for half, and if the replies then come no slower, for three quarters: each switch and
 * timer serves so many more. A server that is nearly as fast as we are would run out of work while
 * three quarters are waited for; that looks like idleness of ours, so only the pace tells, and that of
 * half again and again, for the first time may have been a bad one. */
#include "outbox/loop/patience.h"

#include "base/clock.h"

#define BATCH_MAX    64
#define BATCH_USEFUL 4
#define WAITS_MIN    8
#define WAITS_MAX    1024

#define LOOK_WAITS  64
#define IDLE_SHARE  0.8
#define PERIOD_NS   (100 * NS_PER_MS)
#define PACE_LOST   0.95
#define ON_PERIODS  4  /* of three quarters, until half is looked at again */
#define OFF_PERIODS 64 /* the longest time until three quarters are tried again */

void patience_init(struct patience *p)
{
    *p = (struct patience){.batch = 1, .waits_wanted = WAITS_MIN, .periods_off_next = 1};
}

/* --- the batch --- */

unsigned patience_batch(const struct patience *p, unsigned owing)
{
    static const unsigned quarters[] = {
        [PATIENCE_QUARTER] = 1, [PATIENCE_HALF] = 2, [PATIENCE_MOST] = 3};
    unsigned most = owing * quarters[p->share] / 4;
    most = most > 0 ? most : 1;
    return p->batch < most ? p->batch : most;
}

/* Half of fifty mails take a server that needs 15 us for each nearly as long; the most, twice that. */
int64_t patience_wait_ns(const struct patience *p)
{
    return p->share == PATIENCE_MOST ? NS_PER_MS : NS_PER_MS / 2;
}

void patience_learn(struct patience *p, unsigned batch, unsigned came, bool in_time)
{
    bool is_useful = p->batch >= BATCH_USEFUL;
    if (batch < p->batch) /* the share was asked for, which says nothing about more */
        return;
    if (!in_time && batch > 1) {
        p->waits_in_time = 0;
        p->batch = came > 1 ? came : 1;
        p->waits_wanted = is_useful                     ? WAITS_MIN
                          : p->waits_wanted < WAITS_MAX ? p->waits_wanted * 2
                                                        : WAITS_MAX;
    } else if (in_time && ++p->waits_in_time >= p->waits_wanted) {
        p->waits_in_time = 0;
        p->batch += p->batch < BATCH_MAX;
        p->waits_wanted = is_useful ? WAITS_MIN : p->waits_wanted;
    }
}

/* --- the share --- */

bool patience_is_due(struct patience *p)
{
    return ++p->waits % LOOK_WAITS == 0;
}

static void begin_period(struct patience *p, enum patience_share share, int64_t now_ns)
{
    p->share = share;
    p->period_ns = now_ns;
    p->period_replies = p->replies;
}

/* end_period: half, or most, of what is owed was waited for this long. */
static void end_period(struct patience *p, int64_t now_ns)
{
    double pace =
        (double)(p->replies - p->period_replies) / (double)(now_ns - p->period_ns);
    if (p->share == PATIENCE_HALF) {
        p->half_pace = pace;
        bool is_off = p->periods_off > 0;
        p->periods_off -= is_off;
        begin_period(p, is_off ? PATIENCE_HALF : PATIENCE_MOST, now_ns);
    } else if (pace < p->half_pace * PACE_LOST) {
        p->periods_off = p->periods_off_next;
        p->periods_off_next *= p->periods_off_next < OFF_PERIODS ? 2 : 1;
        begin_period(p, PATIENCE_HALF, now_ns);
    } else {
        p->periods_off_next = 1;
        bool again = ++p->periods_on % ON_PERIODS == 0;
        begin_period(p, again ? PATIENCE_HALF : PATIENCE_MOST, now_ns);
    }
}

void patience_look(struct patience *p, int64_t now_ns, int64_t used_ns)
{
    bool idle =
        (double)(used_ns - p->used_ns) < IDLE_SHARE * (double)(now_ns - p->looked_ns);
    p->looked_ns = now_ns;
    p->used_ns = used_ns;
    if (!idle)
        begin_period(p, PATIENCE_QUARTER, now_ns);
    else if (p->share == PATIENCE_QUARTER)
        begin_period(p, PATIENCE_HALF, now_ns);
    else if (now_ns - p->period_ns >= PERIOD_NS)
        end_period(p, now_ns);
}
