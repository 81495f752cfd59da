/* results_read: messages of a job that is over, found in its results.arrow column by column. */
#ifndef ENGINE_RESULTS_READ_H
#define ENGINE_RESULTS_READ_H

#include "engine/results/receipt_file.h"
#include "engine/results/results.h"

/* Which messages of one job are wanted. A text without value: any. */
struct results_filter {
    struct text customer, role, reason, provider_id;
    struct text status;         /* see results_status */
    int channel;                /* enum channel; -1: any */
    bool customers;             /* messages to customers */
    bool notice;                /* the notice to the owner */
    int64_t since_ns, until_ns; /* 0: open */
    enum receipt_status
        receipt; /* what was heard later; RECEIPT_NONE: anything or nothing */
    const struct receipt_file *receipts; /* the job's; NULL: nothing was heard */
    int64_t created_ns; /* the job's: when nothing was answered it stands for that */
};

/* results_status: a message's outcome, or why there is none: "failed", "opted_out" … */
const char *results_status(const struct result *result);

/* results_wanted: does one result pass? */
bool results_wanted(const struct results_filter *filter, const struct result *result);

/* results_read: fn, if there is one, for every wanted row of the file, as results_scan would
 * give it but for `why`, `providers` and `provider_number`; matched_out counts them. A non-zero
 * return of fn ends it with that value.
 * Errors: ERROR_INPUT for a file that is damaged or not ours, ERROR_IO */
int results_read(const char *path, const struct results_filter *filter,
                 int (*fn)(void *arg, const struct result *result), void *arg,
                 uint64_t *matched_out, struct error *err) MUST_USE;

/* results_rows: how many the file has.
 * Errors: as results_read */
int results_rows(const char *path, uint64_t *out, struct error *err) MUST_USE;

#endif
