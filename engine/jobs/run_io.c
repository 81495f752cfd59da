/* run_io: the I/O thread's side of a run: decisions, intents and outcomes into the
 * journal, deliveries to dispatch and back, waits between attempts. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/jobs/run_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many waiting messages are made again at a time: a batch's worth is never needed at
 * once. */
#define REDO_GROUP_MAX 1024

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

static void break_off(struct run *run, int res, const char *what)
{
    if (atomic_load(&run->io.broken))
        return;
    errno = -res;
    error_io(&run->io.why, "%s: cannot write the journal (%s)", run->dir, what);
    log_error("engine", "journal failed", "job=%.*s reason=\"%s\"",
              TEXT_ARGS(run->job->file.id), run->io.why.text);
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
    if ((decided && io->open == 0) || stopped) {
        atomic_store(&io->quiet, true);
        wake(run);
    }
}

/* --- waiting for the next attempt --- */

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = ((const struct redo *)a)->row, y = ((const struct redo *)b)->row;
    return x < y ? -1 : x > y;
}

static void redo_due(struct loop_timer *timer)
{
    struct run *run = timer->arg;
    struct run_io *io = &run->io;
    struct redo group[REDO_GROUP_MAX];
    size_t count = 0;
    int64_t now = loop_now_ns(io->loop);
    while (!io->pausing && count < REDO_GROUP_MAX && waiting_due_ns(&io->waiting) <= now)
        group[count++] = waiting_take(&io->waiting);
    if (count > 0) {
        qsort(group, count, sizeof(*group), compare_rows);
        pipeline_redo(run->pipeline, group, count);
    }
    if (!io->pausing && io->waiting.count > 0)
        loop_timer_arm(io->loop, &io->redo_timer, waiting_due_ns(&io->waiting));
}

static void wait_until(struct run *run, const struct delivery *d, int64_t due_ns,
                       bool in_doubt)
{
    struct run_io *io = &run->io;
    struct redo redo = {.row = d->row,
                        .channel = (uint8_t)d->channel,
                        .attempt = d->attempt,
                        .provider = d->provider,
                        .in_doubt = in_doubt,
                        .started_ns = d->started_ns};
    waiting_add(&io->waiting, due_ns, &redo);
    loop_timer_arm(io->loop, &io->redo_timer, waiting_due_ns(&io->waiting));
}

/* --- outcomes --- */

static void release(struct run *run, struct delivery *d)
{
    struct batch *batch = ((struct outgoing *)d->owner)->batch;
    if (--batch->open == 0 && batch != run->notice)
        pipeline_return(run->pipeline, batch);
}

static void record(struct run *run, const struct delivery *d, enum outcome outcome,
                   const struct delivery_result *result)
{
    journal_outcome(run->io.journal,
                    &(struct journal_outcome){.row = d->row,
                                              .channel = (uint8_t)d->channel,
                                              .outcome = (uint8_t)outcome,
                                              .attempt = d->attempt,
                                              .provider = result->provider,
                                              .reason = (uint16_t)result->reason,
                                              .address_dead = result->address_dead,
                                              .at_ms = clock_now_ns() / NS_PER_MS,
                                              .provider_id = result->provider_id,
                                              .detail = result->detail});
    if (outcome == OUTCOME_PENDING)
        return;
    run_out_settled(run, d, outcome, result);
    run->io.open--;
    if (d->row != JOURNAL_ROW_NOTICE)
        atomic_fetch_add_explicit(&run->io.outcomes[d->channel][outcome], 1,
                                  memory_order_relaxed);
}

/* settle: an outcome that no provider had a part in. */
static void settle(struct run *run, struct delivery *d, enum outcome outcome,
                   enum delivery_reason reason)
{
    struct delivery_result result = {.reason = reason, .provider = d->provider};
    record(run, d, outcome, &result);
    release(run, d);
}

/* policy_of: a provider that is no longer configured can neither be asked nor recognise a copy. */
static enum on_unknown policy_of(const struct run *run, uint8_t provider)
{
    if (provider == JOURNAL_PROVIDER_NONE)
        return ON_UNKNOWN_HOLD;
    const struct provider_config *config = &run->job->config->providers[provider];
    const struct provider_type *type = provider_type_find(text_of(config->type));
    return config->on_unknown_given ? config->on_unknown : type->on_unknown_default;
}

/* reconciles: can the provider say what became of a message that may have reached it? */
static bool reconciles(const struct run *run, uint8_t provider)
{
    if (provider == JOURNAL_PROVIDER_NONE)
        return false;
    const char *type = run->job->config->providers[provider].type;
    return provider_type_find(text_of(type))->reconciles;
}

static void done_unknown(struct run *run, struct delivery *d,
                         const struct delivery_result *result)
{
    const struct provider_config *config = &run->job->config->providers[result->provider];
    enum on_unknown policy = policy_of(run, result->provider);
    bool again = policy == ON_UNKNOWN_RESEND
                     ? d->attempt < config->retry_attempts
                     : reconciles(run, result->provider) &&
                           !result->doubt_settled; /* look it up */
    if (policy == ON_UNKNOWN_ASSUME_SENT) {
        record(run, d, OUTCOME_SENT, result);
    } else if (again && d->row != JOURNAL_ROW_NOTICE && !run->io.cancelling) {
        /* No record: the intent stands, so that after a crash the message is still in
         * doubt. */
        int64_t due_ns = loop_now_ns(run->io.loop) + config->retry_first_ns;
        wait_until(run, d, due_ns > result->retry_at_ns ? due_ns : result->retry_at_ns,
                   true);
    } else {
        record(run, d, OUTCOME_UNKNOWN, result);
    }
}

static void done_deferred(struct run *run, struct delivery *d,
                          const struct delivery_result *result)
{
    if (run->io.cancelling) {
        record(run, d, d->in_doubt ? OUTCOME_UNKNOWN : OUTCOME_CANCELLED, result);
        return;
    }
    if (d->row == JOURNAL_ROW_NOTICE && !run->io.pausing) {
        record(run, d, OUTCOME_FAILED, result);
        return;
    }
    if (!d->in_doubt)
        record(run, d, OUTCOME_PENDING, result);
    if (!run->io.pausing)
        wait_until(run, d, result->retry_at_ns, d->in_doubt);
}

static void note_dead(struct run *run, const struct delivery *d,
                      const struct delivery_result *result)
{
    if (d->row != JOURNAL_ROW_NOTICE && dead_can(d->channel))
        run_dead_note(&run->dead, d->channel, d->to, result->detail,
                      text_of(run->job->config->providers[result->provider].name),
                      clock_now_ns());
}

static void done(struct delivery_source *source, struct delivery *d,
                 const struct delivery_result *result)
{
    struct run *run = run_of(source);
    run->io.in_dispatch--;
    run_out_answered(run, d);
    if (result->address_dead)
        note_dead(run, d, result);
    switch (result->verdict) {
    case DELIVERY_SENT:
        record(run, d, OUTCOME_SENT, result);
        break;
    case DELIVERY_FAILED:
        record(run, d,
               d->in_doubt && !result->doubt_settled ? OUTCOME_UNKNOWN : OUTCOME_FAILED,
               result);
        break;
    case DELIVERY_UNKNOWN:
        done_unknown(run, d, result);
        break;
    case DELIVERY_DEFERRED:
        done_deferred(run, d, result);
        break;
    }
    release(run, d);
    run_io_look(run);
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
        break_off(run, res, "intents");
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
    bool expired = run->io.expires_ns && loop_now_ns(run->io.loop) >= run->io.expires_ns;
    bool opted_out = opted_out_late(run, d);
    if (!expired && !opted_out)
        return true;
    run->io.in_dispatch--;
    run_out_answered(run, d);
    enum outcome outcome = opted_out ? OUTCOME_CANCELLED : OUTCOME_EXPIRED;
    settle(run, d, d->in_doubt ? OUTCOME_UNKNOWN : outcome,
           opted_out ? DELIVERY_OPTED_OUT : DELIVERY_EXPIRED);
    run_io_look(run);
    return false;
}

/* --- batches --- */

static void deliver(struct run *run, struct batch *batch)
{
    struct run_io *io = &run->io;
    batch->open = batch->outgoing_count;
    if (!batch->is_redo)
        io->open += batch->outgoing_count;
    bool expired = io->expires_ns && loop_now_ns(io->loop) >= io->expires_ns;
    if (batch->outgoing_count == 0 || io->pausing) {
        pipeline_return(run->pipeline, batch);
    } else if (io->cancelling || expired) {
        for (size_t i = 0, n = batch->outgoing_count; i < n; i++) {
            struct delivery *d = &batch->outgoing[i].delivery;
            enum outcome outcome = io->cancelling ? OUTCOME_CANCELLED : OUTCOME_EXPIRED;
            settle(run, d, d->in_doubt ? OUTCOME_UNKNOWN : outcome,
                   io->cancelling ? DELIVERY_CANCELLED : DELIVERY_EXPIRED);
        }
    } else {
        run_out_send(run, &batch->outgoing[0].delivery);
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

/* settle_doubt: the outcome of a message that an earlier run left in doubt and that is not sent
 * again. */
static void settle_doubt(struct run *run, uint32_t row, enum channel channel,
                         struct replay_state *state, enum outcome outcome)
{
    struct delivery d = {.row = row, .channel = channel, .provider = state->provider};
    record(run, &d, outcome,
           &(struct delivery_result){.reason = DELIVERY_INTERRUPTED,
                                     .provider = state->provider});
    state->outcome = (uint8_t)(outcome & 7);
}

static uint8_t provider_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (strcmp(config->providers[i].name, name) == 0)
            return (uint8_t)i;
    }
    return JOURNAL_PROVIDER_NONE;
}

/* renumber: the providers of what is in doubt, from the journal's numbers to the configuration's. */
static void renumber(const struct run *run)
{
    uint8_t numbers[JOURNAL_PROVIDER_NONE + 1];
    struct replay *replay = run->replay;
    memset(numbers, JOURNAL_PROVIDER_NONE, sizeof(numbers));
    for (size_t i = 0; i < replay->provider_count; i++)
        numbers[i] = provider_named(run->job->config, replay->providers[i]);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (uint32_t r = 0; replay->states[c] && r < replay->rows; r++) {
            struct replay_state *state = &replay->states[c][r];
            if (state->outcome == REPLAY_IN_DOUBT)
                state->provider = numbers[state->provider];
        }
    }
}

/* resolve_doubt: apply the policy of the provider that may have it to each message that an earlier
 * run left in doubt. */
static void resolve_doubt(struct run *run)
{
    struct replay *replay = run->replay;
    for (int c = 0; replay && c < CHANNEL_COUNT; c++) {
        for (uint32_t r = 0; replay->states[c] && r < replay->rows; r++) {
            struct replay_state *state = &replay->states[c][r];
            if (state->outcome != REPLAY_IN_DOUBT)
                continue;
            enum on_unknown policy = policy_of(run, state->provider);
            bool again = policy == ON_UNKNOWN_RESEND ||
                         (policy == ON_UNKNOWN_HOLD && reconciles(run, state->provider));
            if (!again)
                settle_doubt(run, r, (enum channel)c, state,
                             policy == ON_UNKNOWN_HOLD ? OUTCOME_UNKNOWN : OUTCOME_SENT);
        }
    }
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
    io->source = (struct delivery_source){.intend = intend, .admit = admit, .done = done};
    io->run = run;
    io->redo_timer = (struct loop_timer){.fn = redo_due, .arg = run};
    int rc = journal_open(run->dir, &header, io->loop, &io->journal, err);
    if (rc)
        return rc;
    for (int c = 0; run->replay && c < CHANNEL_COUNT; c++) {
        io->open += run->replay->outcomes[c][OUTCOME_PENDING];
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            atomic_store(&io->outcomes[c][o], run->replay->outcomes[c][o]);
    }
    io->cancelling = run->replay && run->replay->cancelled;
    if (run->replay)
        renumber(run);
    resolve_doubt(run);
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
    run_io_look(run);
}

static void cancel_list(struct run *run, struct delivery *list)
{
    for (struct delivery *next; list; list = next) {
        next = list->next;
        settle(run, list, list->in_doubt ? OUTCOME_UNKNOWN : OUTCOME_CANCELLED,
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
    while (io->waiting.count > 0) {
        struct redo redo = waiting_take(&io->waiting);
        struct delivery d = {.row = redo.row,
                             .channel = (enum channel)redo.channel,
                             .provider = redo.provider,
                             .attempt = redo.attempt};
        record(run, &d, redo.in_doubt ? OUTCOME_UNKNOWN : OUTCOME_CANCELLED,
               &(struct delivery_result){.reason = DELIVERY_CANCELLED,
                                         .provider = redo.provider});
    }
    dispatch_withdraw(io->dispatch, &io->source);
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
        break_off(run, res, "the end");
    loop_timer_disarm(io->loop, &io->redo_timer);
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
