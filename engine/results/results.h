/* results: what became of every customer of a job, row by row, from its journal. */
#ifndef ENGINE_RESULTS_H
#define ENGINE_RESULTS_H

#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/results/tally.h"

/* One customer × channel. Texts are valid during the call. */
struct result {
    uint64_t number;            /* of the row in results.arrow */
    struct text customer, role; /* the owner's notice has the customer "owner" */
    bool notice;
    enum channel channel;
    enum disposition disposition;
    enum outcome outcome; /* PENDING also when in doubt or never planned */
    enum delivery_reason why;
    const char *reason;   /* delivery_reason_name, or "" */
    struct text provider; /* the last one it was meant for */
    int provider_number;  /* in providers; -1: never tried */
    struct text provider_id, detail;
    uint32_t segments, attempts;
    int64_t at_ms;       /* calendar: when the last answer came; 0: none */
    int64_t first_at_ms; /* when the first one came; the same unless it was tried again */
    const struct text *providers; /* all the journal names, the same for every result */
    size_t provider_count;
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
    struct tally tally;
};

/* results_write: dir/results.arrow and, in the same pass, the summary. */
int results_write(const char *dir, const struct job *job, struct results_summary *out,
                  struct error *err) MUST_USE;

#endif
