/* run_fate: what becomes of a run's messages: an outcome in the journal, or another attempt later;
 * and what an earlier run left in doubt. On the I/O thread. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "engine/run/run_private.h"

#include <stdlib.h>
#include <string.h>

/* How many waiting messages are made again at a time: a batch's worth is never needed at
 * once. */
#define REDO_GROUP_MAX 1024

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
    io->remaking += count;
    if (count > 0) {
        qsort(group, count, sizeof(*group), compare_rows);
        pipeline_redo(run->pipeline, group, count);
    }
    if (!io->pausing && io->waiting.count > 0)
        loop_timer_arm(io->loop, &io->redo_timer, waiting_due_ns(&io->waiting));
}

void run_fate_wait(struct run *run, const struct redo *redo, int64_t due_ns)
{
    struct run_io *io = &run->io;
    waiting_add(&io->waiting, due_ns, redo);
    loop_timer_arm(io->loop, &io->redo_timer, waiting_due_ns(&io->waiting));
}

static void wait_until(struct run *run, const struct delivery *d, int64_t due_ns,
                       bool in_doubt)
{
    struct redo redo = {.row = d->row,
                        .channel = (uint8_t)d->channel,
                        .attempt = d->attempt,
                        .provider = d->provider,
                        .in_doubt = in_doubt,
                        .left_behind = d->left_behind,
                        .started_ns = d->started_ns};
    run_fate_wait(run, &redo, due_ns);
}

/* --- outcomes --- */

void run_fate_release(struct run *run, struct delivery *d)
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
    failpoint(FAILPOINT_OUTCOME_APPENDED);
    if (outcome == OUTCOME_PENDING)
        return;
    run_out_settled(run, d, outcome, result);
    run->io.open--;
    if (d->row != JOURNAL_ROW_NOTICE)
        atomic_fetch_add_explicit(&run->io.outcomes[d->channel][outcome], 1,
                                  memory_order_relaxed);
}

void run_fate_settle(struct run *run, struct delivery *d, enum outcome outcome,
                     enum delivery_reason reason)
{
    struct delivery_result result = {.reason = reason, .provider = d->provider};
    record(run, d, outcome, &result);
    run_fate_release(run, d);
}

void run_fate_settle_unmade(struct run *run, const struct redo *redo,
                            enum outcome outcome, enum delivery_reason reason)
{
    struct delivery d = {.row = redo->row,
                         .channel = (enum channel)redo->channel,
                         .provider = redo->provider,
                         .attempt = redo->attempt};
    record(run, &d, redo->in_doubt ? OUTCOME_UNKNOWN : outcome,
           &(struct delivery_result){.reason = reason, .provider = redo->provider});
}

void run_fate_not_tried(struct run *run, const struct delivery *d)
{
    if (!d->in_doubt)
        record(run, d, OUTCOME_PENDING,
               &(struct delivery_result){.reason = DELIVERY_TEMPORARY,
                                         .provider = d->provider});
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
    bool looked_up = reconciles(run, result->provider);
    bool again = policy == ON_UNKNOWN_RESEND ? d->attempt < config->retry_attempts
                                             : looked_up && !result->doubt_settled;
    if (policy == ON_UNKNOWN_ASSUME_SENT) {
        record(run, d, OUTCOME_SENT, result);
    } else if (again && d->row != JOURNAL_ROW_NOTICE && !run->io.cancelling) {
        /* No record: the intent stands, so that after a crash the message is still in
         * doubt. */
        int64_t wait_ns = config->retry_first_ns;
        if (looked_up && wait_ns < config->lookup_after_ns)
            wait_ns = config->lookup_after_ns;
        int64_t due_ns = loop_now_ns(run->io.loop) + wait_ns;
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

void run_fate_done(struct run *run, struct delivery *d,
                   const struct delivery_result *result)
{
    failpoint(FAILPOINT_REPLY_RECEIVED);
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
    run_fate_release(run, d);
    run_io_look(run);
}

/* --- what an earlier run left in doubt --- */

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
    for (int c = 0; c < CHANNEL_COUNT; c++) {
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

/* looked_up_at: not before this is a provider's list asked for what an earlier run left with it. That
 * run was at work until we took over, as far as anybody knows. */
static int64_t looked_up_at(const struct run *run, const struct delivery *d)
{
    return d->left_behind && reconciles(run, d->provider)
               ? run->started_steady_ns +
                     run->job->config->providers[d->provider].lookup_after_ns
               : 0;
}

struct delivery *run_fate_put_aside(struct run *run, struct delivery *list)
{
    struct delivery *rest = NULL, **end = &rest;
    int64_t now_ns = loop_now_ns(run->io.loop);
    for (struct delivery *next; list; list = next) {
        next = list->next;
        int64_t due_ns = looked_up_at(run, list);
        if (due_ns <= now_ns) {
            *end = list;
            end = &list->next;
            continue;
        }
        list->attempt--; /* waiting is none */
        wait_until(run, list, due_ns, true);
        run_fate_release(run, list);
    }
    *end = NULL;
    return rest;
}

/* --- the door --- */

void run_fate_open(struct run *run)
{
    run->io.redo_timer = (struct loop_timer){.fn = redo_due, .arg = run};
    if (!run->replay)
        return;
    renumber(run);
    resolve_doubt(run);
}

void run_fate_cancel_waiting(struct run *run)
{
    while (run->io.waiting.count > 0) {
        struct redo redo = waiting_take(&run->io.waiting);
        run_fate_settle_unmade(run, &redo, OUTCOME_CANCELLED, DELIVERY_CANCELLED);
    }
}

void run_fate_close(struct run *run)
{
    loop_timer_disarm(run->io.loop, &run->io.redo_timer);
}
