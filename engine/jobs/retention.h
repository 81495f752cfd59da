/* retention: what old jobs leave behind is removed: the journal, the link to the snapshot, the copy of
 * the template; the books stay, and the id stays known in state.db for good. */
#ifndef ENGINE_RETENTION_H
#define ENGINE_RETENTION_H

#include "engine/config.h"
#include "engine/state/store.h"

struct retention {
    int64_t older_than_ns; /* since the job's end */
    bool results; /* remove the whole folder, with results.arrow and the reports */
    bool dry_run;
    size_t limit; /* at most so many jobs; 0: all */
};

struct retention_job {
    struct text id;
    uint64_t bytes; /* that the disk gets back */
};

/* retention_prune: fn, if there is one, is told of each job. Kept in any case: a job that is not over,
 * one that an unfinished resend refers to, a marketing job within frequency_cap.window while there is a
 * cap, and one without results.arrow unless results are to go.
 * Returns how many jobs it was, or negative; a crash in the middle leaves what the next call removes. */
int64_t retention_prune(const char *home, const struct config *config,
                        struct store *store, const struct retention *retention,
                        void (*fn)(void *arg, const struct retention_job *job), void *arg,
                        struct error *err) MUST_USE;

/* retention_pruned: the job's folder has been through this. */
bool retention_pruned(const char *home, struct text id);

#endif
