/* bottleneck: which stage of a job holds the others up, from what the workers did lately
 * and what keeps its providers from being faster. Pure. */
#ifndef ENGINE_BOTTLENECK_H
#define ENGINE_BOTTLENECK_H

#include "engine/pipeline/stages.h"
#include "outbox/dispatch/dispatch.h"

struct bottleneck_view {
    double shares[STAGE_COUNT]; /* of all workers' time; together 1, or all 0 */
    unsigned workers;
    double io_cpu;             /* share of one processor the I/O thread used */
    bool all_selected;         /* no chunk is left to claim */
    bool job_rate;             /* the job has a rate or quiet hours of its own */
    const char *provider;      /* where most of the job's messages wait; NULL: nowhere */
    enum dispatch_brake brake; /* that provider's */
};

struct bottleneck {
    const char *stage; /* select, render, meter, commit, deliver, limit, none */
    char why[160];
};

void bottleneck_find(const struct bottleneck_view *view, struct bottleneck *out);

#endif
