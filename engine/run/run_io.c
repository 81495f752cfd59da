/* run_io: the I/O thread's side of a run: batches with their decisions and intents into the journal
 * and on to dispatch; pause, cancel and the end. What becomes of messages is in run_fate.c. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "engine/run/run_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run *run_of(struct delivery_source *source)
{
    return ((struct run_io *)(void *)source)->run;
}

static void wake(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

/* The sentence is the run's end: whoever runs it says it, once. */
static void break_off(struct run *run, int res)
{
    if (atomic_load(&run->io.broken))
        return;
    error_set(&run->io.why, ERROR_IO,
              "cannot write the journal in %s (%s); nothing more is sent: make room or "
              "repair the disk, then `volley resume %.*s`",
              run->dir, strerror(-res), TEXT_ARGS(run->job->file.id));
    atomic_store(&run->io.broken, true);
    if (run->pipeline) /* it starts after the journal */
        pipeline_stop(run->pipeline);
    run_io_pause(run);
}

void run_io_look(struct run *run)
{
    struct run_io *io = &run->io;
    bool decided = io->next_chunk >= io->chunks;
    bool stopped = (io->pausing || atomic_load(&io->broken)) && io->in_dispatch == 0 &&
                   io->intending_count == 0;
    run_hours_look(run);
    if ((decided && io->open == 0) || stopped) {
        atomic_store(&io->quiet, true);
        wake(run);
    }
}

/* --- on the way out --- */

static void intended(struct journal_wait *wait, int res)
{
    struct intending *intending = wait->arg;
    struct run *run = intending->run;
    struct delivery *list = intending->list;
    run->io.intending_count--;
    intending->next = run->io.intending_free;
    run->io.intending_free = intending;
    if (res)
        break_off(run, res);
    failpoint(FAILPOINT_INTENTS_DURABLE);
    dispatch_intended(run->io.dispatch, list); /* of a job that broke off all come back */
    run_io_look(run);
}

static void intend(struct delivery_source *source, struct delivery *list, size_t count)
{
    struct run *run = run_of(source);
    struct intending *intending = run->io.intending_free;
    if (intending) {
        run->io.intending_free = intending->next;
    } else {
        intending = calloc(1, sizeof(*intending));
        CHECK(intending != NULL);
    }
    struct journal_intent group[256];
    size_t used = 0;
    for (struct delivery *d = list; d; d = d->next) {
        group[used++] = (struct journal_intent){.row = d->row,
                                                .channel = (uint8_t)d->channel,
                                                .attempt = d->attempt,
                                                .provider = d->provider};
        if (used == ARRAY_COUNT(group) || !d->next) {
            journal_intents(run->io.journal, group, used);
            used = 0;
        }
    }
    (void)count;
    intending->run = run;
    intending->list = list;
    intending->wait = (struct journal_wait){.fn = intended, .arg = intending};
    run->io.intending_count++;
    journal_sync(run->io.journal, &intending->wait);
}

/* stopped: an opt-out since the message was decided on. An earlier run judged by the list as it
 * stood then, so what it left is held against the list as this run loaded it. */
static bool stopped(const struct run *run, enum channel channel, uint64_t hash)
{
    const struct job *job = run->job;
    unsigned mask = optout_mask_for(channel, job->file.category, job->single);
    return dedupe_has(&run->io.late_optouts[channel], hash) ||
           (run->replay && (optout_set_mask(job->optouts, hash) & mask));
}

static bool opted_out_late(const struct run *run, const struct delivery *d)
{
    bool any = run->replay || run->io.late_optouts[d->channel].count > 0;
    if (!any || d->row == JOURNAL_ROW_NOTICE)
        return false;
    struct text customer = ((const struct outgoing *)d->owner)->customer;
    if (stopped(run, d->channel, optout_hash(OPTOUT_CUSTOMER, customer)))
        return true;
    if (d->channel == CHANNEL_EMAIL)
        return stopped(run, d->channel, optout_hash(OPTOUT_EMAIL, d->to));
    return d->channel == CHANNEL_SMS &&
           stopped(run, d->channel, optout_hash(OPTOUT_PHONE, d->to));
}

static bool admit(struct delivery_source *source, struct delivery *d)
{
    struct run *run = run_of(source);
    bool expired = run->io.expires_ns && clock_now_ns() >= run->io.expires_ns;
    bool opted_out = opted_out_late(run, d);
    int64_t until_ns = expired || opted_out ? 0 : run_hours_wait_ns(run, d);
    if (!expired && !opted_out && until_ns == 0)
        return true;
    run->io.in_dispatch--;
    if (until_ns) {
        run_fate_not_tried(run, d);
        run_hours_send_back(run, d, until_ns);
        run_io_look(run);
        return false;
    }
    run_out_answered(run, d);
    enum outcome outcome = opted_out ? OUTCOME_CANCELLED : OUTCOME_EXPIRED;
    run_fate_settle(run, d, d->in_doubt ? OUTCOME_UNKNOWN : outcome,
                    opted_out ? DELIVERY_OPTED_OUT : DELIVERY_EXPIRED);
    run_io_look(run);
    return false;
}

/* --- batches --- */

/* settle_put_off: what of a batch was not made. */
static void settle_put_off(struct run *run, const struct batch *batch)
{
    for (size_t i = 0; i < batch->put_off_count && !run->io.pausing; i++) {
        const struct put_off *p = &batch->put_off[i];
        run_hours_put_off(run, batch->chunk_number, &p->redo, p->until_ns);
    }
}

static void deliver(struct run *run, struct batch *batch)
{
    struct run_io *io = &run->io;
    batch->open = batch->outgoing_count;
    io->remaking -= batch->remade;
    if (!batch->is_redo)
        io->open += batch->outgoing_count + batch->put_off_count;
    settle_put_off(run, batch);
    bool expired = io->expires_ns && clock_now_ns() >= io->expires_ns;
    if (batch->outgoing_count == 0 || io->pausing) {
        pipeline_return(run->pipeline, batch);
    } else if (io->cancelling || expired) {
        for (size_t i = 0, n = batch->outgoing_count; i < n; i++) {
            struct delivery *d = &batch->outgoing[i].delivery;
            enum outcome outcome = io->cancelling ? OUTCOME_CANCELLED : OUTCOME_EXPIRED;
            run_fate_settle(run, d, d->in_doubt ? OUTCOME_UNKNOWN : outcome,
                            io->cancelling ? DELIVERY_CANCELLED : DELIVERY_EXPIRED);
        }
    } else {
        struct delivery *list = run_fate_put_aside(run, &batch->outgoing[0].delivery);
        if (list)
            run_out_send(run, list);
    }
}

static void commit(struct run *run, struct batch *batch)
{
    struct run_io *io = &run->io;
    journal_append(io->journal, batch->frame);
    if (++io->next_chunk == io->chunks)
        journal_mark(io->journal, JOURNAL_DECIDED);
    deliver(run, batch);
}

static struct batch *unpark(struct run_io *io)
{
    for (struct batch **at = &io->parked; *at; at = &(*at)->next) {
        struct batch *batch = *at;
        if (batch->chunk_number == io->next_chunk) {
            *at = batch->next;
            return batch;
        }
    }
    return NULL;
}

static void take_here(struct loop_op *op, int64_t res, const char *data)
{
    (void)res;
    (void)data;
    struct run *run = op->arg;
    struct batch *batch =
        (struct batch *)(void *)((char *)op - offsetof(struct batch, op));
    if (atomic_load(&run->io.broken)) {
        pipeline_return(run->pipeline, batch);
    } else if (batch->is_redo) {
        deliver(run, batch);
    } else {
        batch->next = run->io.parked;
        run->io.parked = batch;
        while ((batch = unpark(&run->io)))
            commit(run, batch);
    }
    run_io_look(run);
}

void run_io_take(void *arg, struct batch *batch)
{
    struct run *run = arg;
    batch->op = (struct loop_op){.fn = take_here, .arg = run};
    loop_post(run->io.loop, &batch->op);
}

void run_io_take_notice(struct run *run)
{
    run->notice->open = 1;
    run->io.open++;
    atomic_store(&run->io.quiet, false);
    run_out_submit(run, &run->notice->outgoing[0].delivery);
}

/* --- start, stop, end --- */

static void done(struct delivery_source *source, struct delivery *d,
                 const struct delivery_result *result)
{
    run_fate_done(run_of(source), d, result);
}

int run_io_open(struct run *run, struct error *err)
{
    struct run_io *io = &run->io;
    const struct job *job = run->job;
    struct text providers[64];
    for (size_t i = 0; i < job->config->provider_count; i++)
        providers[i] = text_of(job->config->providers[i].name);
    struct journal_header header = {.account = job->account.id,
                                    .job = job->file.id,
                                    .snapshot_hash = snapshot_hash(job->snapshot),
                                    .rows = snapshot_rows(job->snapshot),
                                    .providers = providers,
                                    .provider_count = job->config->provider_count};
    io->source = (struct delivery_source){
        .intend = intend,
        .admit = admit,
        .done = done,
        .priority =
            job->file.category == CATEGORY_MARKETING ? PRIORITY_NORMAL : PRIORITY_HIGH,
        .account = hash64(job->account.id.data, job->account.id.bytes)};
    io->run = run;
    int rc = journal_open(run->dir, &header, io->loop, &io->journal, err);
    if (rc)
        return rc;
    for (int c = 0; run->replay && c < CHANNEL_COUNT; c++) {
        io->open += run->replay->outcomes[c][OUTCOME_PENDING];
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            atomic_store(&io->outcomes[c][o], run->replay->outcomes[c][o]);
    }
    io->cancelling = run->replay && run->replay->cancelled;
    run_fate_open(run);
    run_hours_open(run);
    run_out_open(run);
    run_io_look(run);
    return 0;
}

void run_io_pause(struct run *run)
{
    run->io.pausing = true;
    while (run_out_take(run))
        ;
    dispatch_withdraw(run->io.dispatch, &run->io.source);
    atomic_store(&run->io.still, true);
    run_io_look(run);
}

static void cancel_list(struct run *run, struct delivery *list)
{
    for (struct delivery *next; list; list = next) {
        next = list->next;
        run_fate_settle(run, list, list->in_doubt ? OUTCOME_UNKNOWN : OUTCOME_CANCELLED,
                        DELIVERY_CANCELLED);
    }
}

void run_io_cancel(struct run *run)
{
    struct run_io *io = &run->io;
    if (io->cancelling)
        return;
    io->cancelling = true;
    journal_mark(io->journal, JOURNAL_CANCELLED);
    for (struct delivery *list; (list = run_out_take(run));)
        cancel_list(run, list);
    run_fate_cancel_waiting(run);
    run_hours_cancel(run);
    dispatch_withdraw(io->dispatch, &io->source);
    atomic_store(&io->still, true);
    run_io_look(run);
}

void run_io_late_optout(struct run *run, uint64_t hash, unsigned mask)
{
    const struct job *job = run->job;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (mask & optout_mask_for((enum channel)c, job->file.category, job->single))
            dedupe_add(&run->io.late_optouts[c], hash);
    }
}

static void closed(struct journal_wait *wait, int res)
{
    struct run *run = wait->arg;
    struct run_io *io = &run->io;
    if (res)
        break_off(run, res);
    run_fate_close(run);
    run_hours_close(run);
    run_out_close(run);
    journal_close(&io->journal);
    free(wait);
    atomic_store(&io->closed, true);
    wake(run);
}

void run_io_close(struct run *run, int mark)
{
    if (mark)
        journal_mark(run->io.journal, (enum journal_mark)mark);
    struct journal_wait *wait = calloc(1, sizeof(*wait));
    CHECK(wait != NULL);
    *wait = (struct journal_wait){.fn = closed, .arg = run};
    journal_sync(run->io.journal, wait);
}
