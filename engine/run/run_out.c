/* run_out: what a run's messages wait for before dispatch gets them: the job's own rate, and the
 * first ones' outcomes. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/run/run_private.h"

/* The job's own rate is let through in steps of this length. */
#define PACE_STEP_NS (10 * NS_PER_MS)

void run_out_submit(struct run *run, struct delivery *list)
{
    for (struct delivery *d = list; d; d = d->next) {
        d->source = &run->io.source;
        d->since_ns = run->job->now_ns;
        run->io.in_dispatch++;
    }
    if (list)
        dispatch_submit(run->io.dispatch, list);
}

/* --- the job's own rate --- */

static double pace_allowance(struct run *run, int64_t now)
{
    struct run_io *io = &run->io;
    double rate = run->job->file.max_message_rate_per_s;
    if (rate <= 0)
        return 1e18;
    double burst = rate * (double)PACE_STEP_NS * 2 / (double)NS_PER_S;
    double allowance =
        io->held_allowance + rate * (double)(now - io->held_since_ns) / (double)NS_PER_S;
    burst = burst > 1 ? burst : 1;
    io->held_since_ns = now;
    return allowance < burst ? allowance : burst;
}

/* next_held: the next one that the rate lets out; one whose customer's hours are over leaves its place
 * to others. */
static struct delivery *next_held(struct run *run)
{
    struct run_io *io = &run->io;
    while (io->held && io->held_allowance >= 1) {
        struct delivery *d = io->held;
        int64_t until_ns = run_hours_wait_ns(run, d);
        io->held = d->next;
        if (!io->held)
            io->held_tail = &io->held;
        d->next = NULL;
        if (until_ns == 0) {
            io->held_allowance -= 1;
            return d;
        }
        run_hours_send_back(run, d, until_ns);
    }
    return NULL;
}

static void pace(struct loop_timer *timer)
{
    struct run *run = timer->arg;
    struct run_io *io = &run->io;
    int64_t now = loop_now_ns(io->loop);
    io->held_allowance = pace_allowance(run, now);
    struct delivery *list = NULL, **tail = &list;
    while ((*tail = next_held(run)))
        tail = &(*tail)->next;
    run_out_submit(run, list);
    if (io->held)
        loop_timer_arm(io->loop, &io->pace_timer, now + PACE_STEP_NS);
    run_io_look(run);
}

static void hold(struct run *run, struct delivery *list)
{
    struct run_io *io = &run->io;
    *io->held_tail = list;
    for (; list; list = list->next)
        io->held_tail = &list->next;
    if (!io->pace_timer.heap_index)
        loop_timer_arm(io->loop, &io->pace_timer, loop_now_ns(io->loop));
}

static void send_on(struct run *run, struct delivery *list)
{
    if (list && run->job->file.max_message_rate_per_s > 0)
        hold(run, list);
    else
        run_out_submit(run, list);
}

/* --- the first messages go alone --- */

/* is_first: the first attempt of this run. */
static bool is_first(const struct delivery *d)
{
    return d->attempt == 1 + d->left_behind;
}

/* gate: the messages of a list that may go now; the others wait until their channel's canary is
 * over. What is tried again was out before. */
static struct delivery *gate(struct run *run, struct delivery *list)
{
    struct run_io *io = &run->io;
    struct delivery *out = NULL, **out_tail = &out;
    if (io->hold.shut == 0)
        return list;
    for (struct delivery *next; list; list = next) {
        next = list->next;
        list->next = NULL;
        bool may_go = !is_first(list) || auto_hold_pass(&io->hold, list->channel);
        struct delivery ***tail = may_go ? &out_tail : &io->gated_tail[list->channel];
        **tail = list;
        *tail = &list->next;
    }
    return out;
}

static struct delivery *take_gated(struct run_io *io, int channel)
{
    struct delivery *list = io->gated[channel];
    io->gated[channel] = NULL;
    io->gated_tail[channel] = &io->gated[channel];
    return list;
}

/* stop_here: too many messages fail; what is not out yet waits for a person. */
static void stop_here(struct run *run)
{
    char quoted[ERROR_TEXT_BYTES];
    log_warn("engine", "job held", "job=%.*s reason=%s", TEXT_ARGS(run->job->file.id),
             log_quote(text_of(run->io.held_because), quoted, sizeof(quoted)));
    atomic_store(&run->io.tripped, true);
    pipeline_stop(run->pipeline);
    run_io_pause(run);
}

static void judge_outcomes(struct loop_timer *timer)
{
    struct run *run = timer->arg;
    struct run_io *io = &run->io;
    int64_t now = loop_now_ns(io->loop), wait_ns = INT64_MAX;
    bool over = io->next_chunk >= io->chunks && io->open == 0;
    for (int c = 0; c < CHANNEL_COUNT && !io->pausing && !io->cancelling && !over; c++) {
        switch (auto_hold_judge(&io->hold, (enum channel)c, now, io->held_because)) {
        case AUTO_HOLD_OPEN:
            send_on(run, take_gated(io, c));
            break;
        case AUTO_HOLD_HOLD:
            stop_here(run);
            break;
        case AUTO_HOLD_WAIT:
            if (io->hold.channels[c].until_ns < wait_ns)
                wait_ns = io->hold.channels[c].until_ns;
            break;
        case AUTO_HOLD_NOTHING:
            break;
        }
    }
    if (wait_ns != INT64_MAX)
        loop_timer_arm(io->loop, &io->guard_timer, wait_ns);
}

/* judge_soon: not here, for letting messages out or holding the job calls on dispatch, which may be
 * what called us. */
static void judge_soon(struct run *run)
{
    loop_timer_arm(run->io.loop, &run->io.guard_timer, 0);
}

void run_out_answered(struct run *run, const struct delivery *d)
{
    if (is_first(d) && d->row != JOURNAL_ROW_NOTICE &&
        auto_hold_answered(&run->io.hold, d->channel))
        judge_soon(run);
}

void run_out_settled(struct run *run, const struct delivery *d, enum outcome outcome,
                     const struct delivery_result *result)
{
    if (d->row != JOURNAL_ROW_NOTICE &&
        auto_hold_settled(&run->io.hold, d->channel, outcome, result->reason,
                          result->detail))
        judge_soon(run);
}

static void init_guard(struct run *run)
{
    const struct job *job = run->job;
    uint64_t customers = snapshot_rows(job->snapshot), most = job->file.max_recipients;
    unsigned channels = 0;
    if (job->recipients && job->recipient_count < customers)
        customers = job->recipient_count;
    if (most > 0 && most < customers)
        customers = most;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        channels |= (unsigned)job_uses(job, (enum channel)c) << c;
    auto_hold_init(&run->io.hold, &job->auto_hold, customers, channels);
}

void run_out_send(struct run *run, struct delivery *list)
{
    send_on(run, gate(run, list));
}

struct delivery *run_out_take(struct run *run)
{
    struct run_io *io = &run->io;
    struct delivery *list = io->held;
    io->held = NULL;
    io->held_tail = &io->held;
    for (int c = 0; !list && c < CHANNEL_COUNT; c++)
        list = take_gated(io, c);
    return list;
}

void run_out_open(struct run *run)
{
    struct run_io *io = &run->io;
    io->held_tail = &io->held;
    io->held_since_ns = loop_now_ns(io->loop);
    io->pace_timer = (struct loop_timer){.fn = pace, .arg = run};
    io->guard_timer = (struct loop_timer){.fn = judge_outcomes, .arg = run};
    for (int c = 0; c < CHANNEL_COUNT; c++)
        io->gated_tail[c] = &io->gated[c];
    init_guard(run);
}

void run_out_close(struct run *run)
{
    loop_timer_disarm(run->io.loop, &run->io.pace_timer);
    loop_timer_disarm(run->io.loop, &run->io.guard_timer);
}
