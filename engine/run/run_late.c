/* run_late: whether a job on its way will be over by its finish_by, as fast as it went lately. On the
 * control thread. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/run/run_private.h"

#include <stdio.h>

/* The rate is taken over a twentieth of the time that the job has, within these; two of them in a row
 * have to say the same, for the first messages may go alone. */
#define WINDOW_MIN_NS   (NS_PER_S / 2)
#define WINDOW_MAX_NS   (10 * NS_PER_S)
#define WINDOW_MESSAGES 20
/* A fiftieth of what is left is no matter for a warning. */
#define SLACK    50
#define KEEPS_UP 0.02

int64_t run_late_ends_ns(int64_t now_ns, int64_t took_ns, double share_before,
                         double share)
{
    if (share >= 1)
        return now_ns;
    double left = (1 - share) * (double)took_ns;
    double went = share - share_before;
    /* a year and never are the same to whoever waits */
    double most = 365.0 * 86400 * (double)NS_PER_S;
    return now_ns + (int64_t)(left < went * most ? left / went : most);
}

static void warn_once(struct run *run)
{
    char sentence[RUN_LATE_BYTES];
    if (run->late.told)
        return;
    run->late.told = true;
    run_late_sentence(run, sentence);
    log_warn("engine", "job will be late", "job=%.*s reason=\"%s\"",
             TEXT_ARGS(run->job->file.id), sentence);
}

void run_late_sentence(const struct run *run, char out[RUN_LATE_BYTES])
{
    char by[CLOCK_FORMAT_BYTES], ends[CLOCK_FORMAT_BYTES];
    int64_t ends_ns = atomic_load(&run->late.ends_ns);
    clock_format(run->job->file.finish_by_ns, false, by);
    clock_format(ends_ns, false, ends);
    out[0] = '\0';
    if (ends_ns)
        snprintf(out, RUN_LATE_BYTES, "it would end at %s, later than its finish_by, %s",
                 ends, by);
}

/* enough: has what was seen since the last judgement a rate? A job of few messages takes longer. */
static bool enough(const struct run_late *late, int64_t took_ns, int64_t had_ns,
                   uint64_t done)
{
    int64_t window_ns = had_ns / 20;
    window_ns = window_ns > WINDOW_MAX_NS ? WINDOW_MAX_NS : window_ns;
    window_ns = window_ns < WINDOW_MIN_NS ? WINDOW_MIN_NS : window_ns;
    return took_ns >= window_ns &&
           (done - late->done >= WINDOW_MESSAGES || took_ns >= had_ns / 10);
}

/* estimate: a job that keeps up with its slots ends with them, and how fast it goes says nothing while
 * the rest waits for its hours. */
static int64_t estimate(const struct run *run, const struct run_progress *progress,
                        int64_t now_ns, int64_t took_ns, double share)
{
    if (run->spread) {
        int64_t start_ns = spread_start_ns(run->job),
                span_ns = run->job->file.spread_over_ns;
        double due = (double)(now_ns - start_ns) / (double)span_ns;
        if (share + KEEPS_UP >= due && now_ns < start_ns + span_ns)
            return start_ns + span_ns;
    } else if (progress->waiting > 0) {
        int64_t until_ns = progress->waiting_until_ns;
        return until_ns > now_ns ? until_ns : now_ns;
    }
    return run_late_ends_ns(now_ns, took_ns, run->late.share, share);
}

void run_late_look(struct run *run)
{
    struct run_late *late = &run->late;
    int64_t by_ns = run->job->file.finish_by_ns, now_ns = clock_now_ns();
    if (by_ns == 0 || run->pausing || run->cancelling)
        return;
    struct run_progress progress;
    run_progress(run, &progress);
    double share = run_progress_share(&progress);
    int64_t steady_ns = clock_steady_ns(), took_ns = steady_ns - late->looked_ns;
    uint64_t done =
        run_progress_planned(&progress) - books_total(&progress.books, OUTCOME_PENDING);
    bool first = late->looked_ns == 0;
    if (!first && !enough(late, took_ns, by_ns - spread_start_ns(run->job), done))
        return;
    int64_t ends_ns = first ? now_ns : estimate(run, &progress, now_ns, took_ns, share);
    bool is_late = !first && ends_ns - (ends_ns - now_ns) / SLACK > by_ns;
    if (is_late && (late->was || now_ns >= by_ns)) {
        atomic_store(&late->ends_ns, ends_ns);
        warn_once(run);
    } else if (!is_late && !late->was) {
        atomic_store(&late->ends_ns, 0);
    }
    late->was = is_late;
    late->looked_ns = steady_ns;
    late->share = share;
    late->done = done;
}
