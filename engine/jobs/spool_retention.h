/* spool_retention: what the spool and the outbox gather beside the jobs' own folders: files of done/
 * and status/, shared templates that no job has any more, and what killed processes left. */
#ifndef ENGINE_SPOOL_RETENTION_H
#define ENGINE_SPOOL_RETENTION_H

#include "engine/state/store.h"

struct spool_pruned {
    uint64_t files, templates, bytes;
};

/* spool_retention_prune: files of jobs that are over and older than that, at most limit of them (0: all);
 * those of jobs that go on stay. Adds to *out, also of what went before an error.
 * Returns how many it was, or negative */
int64_t spool_retention_prune(const char *home, struct store *store,
                              int64_t older_than_ns, bool dry_run, size_t limit,
                              struct spool_pruned *out, struct error *err) MUST_USE;

/* spool_retention_leftovers: half-written files and folders of processes that are dead. Only for the
 * daemon, before it writes any itself. */
int spool_retention_leftovers(const char *home, struct error *err) MUST_USE;

/* spool_retention_temporaries: the half-written files of one folder of home that nobody is at. */
int spool_retention_temporaries(const char *home, const char *folder,
                                struct error *err) MUST_USE;

#endif
