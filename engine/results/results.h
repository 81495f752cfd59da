/* results: what became of every customer of a job, row by row, from its journal. */
#ifndef ENGINE_RESULTS_H
#define ENGINE_RESULTS_H

#include "engine/job/books.h"
#include "engine/job/job.h"

/* One customer × channel. Texts are valid during the call. */
struct result {
    struct text customer, role; /* the owner's notice has the customer "owner" */
    bool notice;
    enum channel channel;
    enum disposition disposition;
    enum outcome outcome; /* PENDING also when in doubt or never planned */
    const char *reason;   /* delivery_reason_name, or "" */
    struct text provider, provider_id, detail;
    uint32_t segments, attempts;
    int64_t at_ms; /* calendar; 0: no outcome */
};

/* results_scan: fn for every row × channel that has a decision, in snapshot order; a
 * non-zero return ends the scan with that value.
 * Shapes: memory for half a million rows at a time, whatever the job's size
 * Errors: those of replay_read and of the snapshot */
int results_scan(const char *dir, const struct snapshot *snapshot,
                 int (*fn)(void *arg, const struct result *result), void *arg,
                 struct error *err) MUST_USE;

struct results_summary {
    struct books books;        /* counted from the journal, row by row */
    uint64_t charged_segments; /* of SMS that were sent or may have been */
};

/* results_write: dir/results.arrow and the summary. */
int results_write(const char *dir, const struct job *job, struct results_summary *out,
                  struct error *err) MUST_USE;

#endif
