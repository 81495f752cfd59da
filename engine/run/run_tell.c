/* run_tell: what the store is told of a run while it goes. On the control thread. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/run/run_private.h"

#include <inttypes.h>
#include <stdio.h>

/* How often the store is told how many messages wait for their customers' hours. */
#define TELL_NS (10 * NS_PER_S)

void run_tell_dead(struct run *run)
{
    struct error err;
    if (run_dead_write(&run->dead, run->store, run->job->account.id, &err))
        log_warn("engine", "cannot record dead addresses", "reason=\"%s\"", err.text);
}

void run_tell_sentence(const struct run *run, int64_t until_ns, char out[RUN_TELL_BYTES])
{
    char when[CLOCK_FORMAT_BYTES];
    clock_format(until_ns, false, when);
    snprintf(out, RUN_TELL_BYTES,
             "%" PRIu64 " messages wait for their %s, the next until %s",
             atomic_load(&run->io.dormant_messages),
             run->spread ? "turn in spread_over" : "customers' hours", when);
}

void run_tell_waiting(struct run *run)
{
    int64_t until_ns = atomic_load(&run->io.dormant_until_ns);
    int64_t now_ns = clock_steady_ns();
    bool stale = (until_ns || run->told_late) && now_ns - run->told_ns > TELL_NS;
    bool late = atomic_load(&run->late.ends_ns) != 0;
    bool changed = until_ns != run->told_until_ns;
    if (run->spread) /* whose next slot is always another one */
        changed = !until_ns != !run->told_until_ns;
    if (!changed && !stale && late == run->told_late)
        return;
    char sentence[RUN_LATE_BYTES + RUN_TELL_BYTES + 2], waiting[RUN_TELL_BYTES] = "";
    struct error err;
    if (until_ns)
        run_tell_sentence(run, until_ns, waiting);
    run_late_sentence(run, sentence);
    size_t used = strlen(sentence);
    snprintf(sentence + used, sizeof(sentence) - used, "%s%s",
             used && *waiting ? "; " : "", waiting);
    if (store_job_state(run->store, run->job->file.id, JOB_RUNNING, text_of(sentence),
                        &err))
        log_warn("engine", "cannot record what the job waits for", "reason=\"%s\"",
                 err.text);
    run->told_late = late;
    run->told_until_ns = until_ns;
    run->told_ns = now_ns;
}

void run_tell_still(struct run *run)
{
    struct error err;
    if (!run->asked || run->told_still || !atomic_load(&run->io.still))
        return;
    run->told_still = true;
    if (store_job_state(run->store, run->job->file.id, JOB_RUNNING, TEXT(RUN_STOPPED),
                        &err))
        log_warn("engine", "cannot record that the job has stopped", "reason=\"%s\"",
                 err.text);
}
