/* why_waits: see why_waits.h. */
#include "cli/why_waits.h"

#include "base/clock.h"
#include "engine/results/status.h"

#include <stdio.h>

struct text why_waits(const char *home, struct store *store, const struct store_job *job,
                      bool served, char out[WHY_WAITS_BYTES])
{
    char due[CLOCK_FORMAT_BYTES];
    bool gone = job->state == JOB_RUNNING && !status_running(home, job);
    bool later = job->send_at_ns > clock_now_ns();
    out[0] = 0;
    if (gone) { /* what was recorded is what that process said */
        snprintf(out, WHY_WAITS_BYTES,
                 "its process is gone; `volley resume` or `volley serve` goes on");
    } else if (job->state == JOB_WAITING &&
               account_blocked(store, job->account, out, NULL) == 1) {
        return text_of(out);
    } else if (job->reason.bytes > 0) {
        return job->reason;
    } else if (job->state == JOB_WAITING && later) {
        clock_format(job->send_at_ns, false, due);
        snprintf(out, WHY_WAITS_BYTES, "not before its send_at, %s%s", due,
                 served ? "" : "; no `volley serve` runs in this home");
    } else if (job->state == JOB_WAITING) {
        snprintf(out, WHY_WAITS_BYTES, "%s",
                 served ? "for its turn: see max_active_jobs, and priority"
                        : "no `volley serve` runs in this home");
    }
    return text_of(out);
}
