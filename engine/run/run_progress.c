/* run_progress: how far a run has come, for whoever shows it. */
#include "base/clock.h"
#include "engine/run/run_private.h"

void run_progress(struct run *run, struct run_progress *out)
{
    *out = (struct run_progress){.quota = run->quota,
                                 .chunks_settled = pipeline_settled(run->pipeline),
                                 .chunks = run->io.chunks,
                                 .rows = snapshot_rows(run->job->snapshot),
                                 .elapsed_ns = clock_steady_ns() - run->started_steady_ns,
                                 .answered_before = run->done_before};
    /* Outcomes first: a message's decision is always counted before its outcome. */
    uint64_t outcomes[CHANNEL_COUNT][OUTCOME_COUNT];
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (int o = 0; o < OUTCOME_COUNT; o++)
            outcomes[c][o] = atomic_load(&run->io.outcomes[c][o]);
    }
    pipeline_books(run->pipeline, &out->books);
    for (int c = 0; c < CHANNEL_COUNT; c++)
        memcpy(out->books.channels[c].outcomes, outcomes[c], sizeof(outcomes[c]));
    pipeline_stages(run->pipeline, &out->stages);
    out->late_ends_ns = atomic_load(&run->late.ends_ns);
    out->waiting = atomic_load(&run->io.dormant_messages);
    out->waiting_until_ns = atomic_load(&run->io.dormant_until_ns);
}

int64_t run_waits_until_ns(const struct run *run)
{
    bool going = run->state == RUN_GOING && !run->pausing && !run->cancelling;
    return going ? atomic_load(&run->io.asleep_until_ns) : 0;
}

uint64_t run_progress_planned(const struct run_progress *progress)
{
    uint64_t planned = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        const struct books_channel *channel = &progress->books.channels[c];
        planned += channel->dispositions[DISPOSITION_SEND] +
                   channel->dispositions[DISPOSITION_FROM_FALLBACK];
    }
    return planned;
}

double run_progress_share(const struct run_progress *progress)
{
    uint64_t planned = run_progress_planned(progress);
    uint64_t pending = books_total(&progress->books, OUTCOME_PENDING);
    double selected = progress->chunks
                          ? (double)progress->chunks_settled / (double)progress->chunks
                          : 1;
    return planned && selected > 0
               ? (double)(planned - pending) / (double)planned * selected
               : selected;
}

const char *run_state_name(const struct run *run)
{
    if (run->state != RUN_GOING)
        return "ending";
    return run->cancelling ? "cancelling" : run->pausing ? "pausing" : "running";
}

const char *run_held(const struct run *run)
{
    return atomic_load(&run->io.tripped) ? run->io.held_because : NULL;
}

const char *run_blocked(const struct run *run)
{
    return run->blocked_because[0] ? run->blocked_because : NULL;
}

const struct job *run_job(const struct run *run)
{
    return run->job;
}
