/* run_hours: messages that wait for their customer's hours, or for their slot in a job that is spread.
 * They give their batch back at once, are made again when their time comes, and are judged again
 * whenever they are about to go on: by the worker that makes them, when the job's own rate lets them
 * out, and when a provider takes them. */
#include "base/clock.h"
#include "engine/run/run_private.h"

#include <stdlib.h>

/* The calendar may be set, and the machine may sleep: look at it this often at least. */
#define LOOK_NS (5 * NS_PER_S)
/* The slots of a job that is spread are looked at in steps: each makes a batch. */
#define SPREAD_STEP_NS (50 * NS_PER_MS)
/* So many messages may be on their way to be made again; the rest stays a bit each. */
#define REMAKING_MAX ((size_t)CHUNK_ROWS_MAX * CHANNEL_COUNT)

int64_t run_hours_wait_ns(struct run *run, const struct delivery *d)
{
    if (!run->io.opening || d->row == JOURNAL_ROW_NOTICE)
        return 0;
    const struct outgoing *outgoing = d->owner;
    return opening_wait_ns(run->io.opening, outgoing->zone, clock_now_ns());
}

/* go_dormant: what is ahead of the slots' turn is met when it comes; what the turn has just passed
 * goes now, or at its hours. */
static void go_dormant(struct run_io *io, size_t chunk, const struct redo *redo,
                       int64_t until_ns)
{
    if (io->spread && redo->row >= io->spread_row) {
        dormant_keep(&io->dormant, redo->row, redo->channel);
        return;
    }
    if (io->spread && spread_slot_ns(io->spread, redo->row) == until_ns)
        until_ns = io->spread_ns; /* one time for many */
    dormant_add(&io->dormant, chunk, redo->row, redo->channel, until_ns);
}

void run_hours_put_off(struct run *run, size_t chunk, const struct redo *redo,
                       int64_t until_ns)
{
    struct run_io *io = &run->io;
    if (io->cancelling) {
        run_fate_settle_unmade(run, redo, OUTCOME_CANCELLED, DELIVERY_CANCELLED);
    } else if (until_ns == HOURS_NEVER) {
        run_fate_settle_unmade(run, redo, OUTCOME_EXPIRED, DELIVERY_EXPIRED);
    } else if (redo->attempt == 0 && !redo->in_doubt) {
        go_dormant(io, chunk, redo, until_ns);
    } else {
        int64_t wait_ns = until_ns - clock_now_ns();
        struct redo later = *redo;
        if (later.started_ns) /* the night does not count as time of trying */
            later.started_ns += wait_ns;
        run_fate_wait(run, &later, loop_now_ns(io->loop) + wait_ns);
    }
}

void run_hours_send_back(struct run *run, struct delivery *d, int64_t until_ns)
{
    const struct outgoing *outgoing = d->owner;
    struct redo redo = {.row = d->row,
                        .channel = (uint8_t)d->channel,
                        .attempt = (uint8_t)(d->attempt - 1),
                        .provider = d->provider,
                        .in_doubt = d->in_doubt,
                        .left_behind = d->left_behind,
                        .started_ns = d->attempt > 1 ? d->started_ns : 0};
    run_out_answered(run, d);
    run_hours_put_off(run, outgoing->batch->chunk_number, &redo, until_ns);
    run_fate_release(run, d);
    run_hours_look(run);
}

/* --- when their time comes --- */

static void wake_group(struct run *run, uint64_t *row, uint64_t end)
{
    struct redo group[1024];
    size_t count = dormant_take(&run->io.dormant, row, end, group, ARRAY_COUNT(group));
    run->io.remaking += count;
    if (count > 0)
        pipeline_redo(run->pipeline, group, count);
    if (*row > end) /* it looks at whole words */
        *row = end;
}

/* wake_spread: those whose slot has come. */
static void wake_spread(struct run *run)
{
    struct run_io *io = &run->io;
    int64_t now_ns = clock_now_ns();
    uint64_t end = spread_due(io->spread, now_ns);
    while (io->remaking < REMAKING_MAX && io->spread_row < end)
        wake_group(run, &io->spread_row, end);
    io->spread_ns = now_ns;
    io->spread_next_ns = io->spread_row < spread_rows(io->spread)
                             ? spread_slot_ns(io->spread, io->spread_row)
                             : HOURS_NEVER;
    io->spread_look_ns = loop_now_ns(io->loop) + SPREAD_STEP_NS;
}

static void wake(struct run *run)
{
    struct run_io *io = &run->io;
    size_t chunk;
    if (io->spread)
        wake_spread(run);
    while (io->remaking < REMAKING_MAX) {
        if (io->rousing_row >= io->rousing_end) {
            if (!dormant_due(&io->dormant, clock_now_ns(), &chunk))
                break;
            snapshot_chunk_rows(run->job->snapshot, chunk, &io->rousing_row,
                                &io->rousing_end);
            if (io->spread && io->rousing_end > io->spread_row)
                io->rousing_end = io->spread_row; /* the others' slots come */
        }
        if (io->rousing_row < io->rousing_end)
            wake_group(run, &io->rousing_row, io->rousing_end);
    }
}

/* publish: for the control thread. */
static void publish(struct run_io *io, int64_t next_ns)
{
    int64_t until_ns = next_ns == HOURS_NEVER ? 0 : next_ns, asleep_ns = 0;
    if (io->dormant.messages > 0 && io->next_chunk >= io->chunks &&
        io->open == io->dormant.messages + io->waiting.count) {
        int64_t retry_ns = waiting_due_ns(&io->waiting);
        asleep_ns = until_ns;
        if (retry_ns != INT64_MAX)
            retry_ns += clock_now_ns() - loop_now_ns(io->loop);
        if (retry_ns < asleep_ns)
            asleep_ns = retry_ns;
    }
    atomic_store(&io->dormant_messages, io->dormant.messages);
    atomic_store(&io->dormant_until_ns, until_ns);
    atomic_store(&io->asleep_until_ns, asleep_ns);
}

/* next_wake: when to look again; until_ns says it to people. */
static int64_t next_wake_ns(const struct run_io *io, int64_t *until_ns)
{
    int64_t hours_ns = dormant_next_ns(&io->dormant), now_ns = clock_now_ns();
    int64_t wait_ns = hours_ns - now_ns;
    *until_ns = hours_ns;
    if (io->spread && io->spread_next_ns < hours_ns && io->dormant.messages > 0) {
        *until_ns = io->spread_next_ns;
        wait_ns = io->spread_next_ns - now_ns;
        int64_t step_ns = io->spread_look_ns - loop_now_ns(io->loop);
        wait_ns = wait_ns > step_ns ? wait_ns : step_ns;
    }
    if (wait_ns < 0 || io->rousing_row < io->rousing_end)
        wait_ns = 0;
    return loop_now_ns(io->loop) + (wait_ns < LOOK_NS ? wait_ns : LOOK_NS);
}

void run_hours_look(struct run *run)
{
    struct run_io *io = &run->io;
    if (io->dormant.messages == 0 && atomic_load(&io->dormant_messages) == 0)
        return;
    int64_t until_ns, wake_ns = next_wake_ns(io, &until_ns);
    publish(io, until_ns);
    if (io->pausing || io->cancelling)
        return;
    if (until_ns == HOURS_NEVER || io->remaking >= REMAKING_MAX)
        return; /* what comes back looks again */
    loop_timer_arm(io->loop, &io->hours_timer, wake_ns);
}

/* --- cancelled while they wait --- */

struct cancelling {
    struct journal_wait wait;
    struct run *run;
    uint64_t row;
};

/* cancel_some: a part, and the next one once it is on the disk: not ten million records at once. */
static void cancel_some(struct journal_wait *wait, int res)
{
    struct cancelling *cancelling = wait->arg;
    struct run *run = cancelling->run;
    struct redo group[1024];
    size_t count = 0;
    for (int i = 0; i < 64 && res == 0 && !run->io.pausing; i++) {
        count = dormant_take(&run->io.dormant, &cancelling->row, run->io.dormant.rows,
                             group, ARRAY_COUNT(group));
        for (size_t g = 0; g < count; g++)
            run_fate_settle_unmade(run, &group[g], OUTCOME_CANCELLED, DELIVERY_CANCELLED);
    }
    if (count > 0) {
        journal_sync(run->io.journal, wait);
    } else {
        free(cancelling);
    }
    run_io_look(run);
}

void run_hours_cancel(struct run *run)
{
    struct cancelling *cancelling = calloc(1, sizeof(*cancelling));
    CHECK(cancelling != NULL);
    *cancelling =
        (struct cancelling){.wait = {.fn = cancel_some, .arg = cancelling}, .run = run};
    cancel_some(&cancelling->wait, 0);
}

/* --- the door --- */

static void look(struct loop_timer *timer)
{
    struct run *run = timer->arg;
    if (!run->io.pausing && !run->io.cancelling)
        wake(run);
    run_hours_look(run);
}

void run_hours_open(struct run *run)
{
    struct run_io *io = &run->io;
    io->hours_timer = (struct loop_timer){.fn = look, .arg = run};
    io->opening = opening_create(run->job);
    io->spread = run->spread;
    dormant_init(&io->dormant, snapshot_rows(run->job->snapshot), io->chunks);
}

void run_hours_close(struct run *run)
{
    struct run_io *io = &run->io;
    loop_timer_disarm(io->loop, &io->hours_timer);
    opening_destroy(&io->opening);
    dormant_fini(&io->dormant);
}
