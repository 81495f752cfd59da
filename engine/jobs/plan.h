/* plan: a job's dry run: select, render the SMS, meter against a copy of the allowance.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/job/reached.h"
#include "engine/jobs/forecast.h"
#include "engine/pipeline/waits.h"
#include "engine/state/quota.h"

struct plan {
    struct books books;
    struct quota quota;  /* zero month when the job uses no SMS */
    uint64_t used_after; /* segments */
    uint64_t ucs2_texts; /* SMS that a character outside GSM-7 makes UCS-2 (R3) */
    char culprit[8];     /* the first such character */
    struct waits waits;  /* for the customers' hours, at the start */
    struct forecast forecast;
    double eta_s; /* from the start to the end at best; 0: no limit says */
};

/* plan_make:
 * Threads: starts config->workers of its own.
 * Errors: as a run's. */
int plan_make(struct store *store, const struct job *job, struct plan *out,
              struct error *err) MUST_USE;

/* plan_reached: whom the job would write to if it began now.
 * Owns:    reached_fini frees out, also after an error
 * Threads, Errors: as plan_make */
int plan_reached(struct store *store, const struct job *job, struct reached *out,
                 struct error *err) MUST_USE;

#endif
