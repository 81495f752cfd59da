/* status_file: spool/status/<id>.json, for systems that dropped a job and poll what becomes of it
 * (docs/spool.md). Replaced by a rename, so a reader sees one state or the next; not synced, for all
 * of it can be had again from state.db and the job's folder. */
#ifndef ENGINE_STATUS_FILE_H
#define ENGINE_STATUS_FILE_H

#include "engine/run/run.h"

struct status {
    struct text job, account;
    enum job_state state;
    enum priority priority;
    const char *reason;        /* or "" */
    const struct books *books; /* NULL: nothing is decided yet */
    int64_t elapsed_ns;
    uint64_t answered_before;
};

/* The files of a home. What could not be written, for want of room for example, stops no job: it is said
 * once, kept, and written when that works again.
 * Threads: one */
struct status_files;
struct status_files *status_files_create(const char *home);
void status_files_destroy(struct status_files **files);

/* status_files_retry: once more what is kept. */
void status_files_retry(struct status_files *files);

void status_file_write(struct status_files *files, const struct status *status);

/* status_file_ended: of a job that is over, as its report has it: a daemon that was killed may have
 * recorded the end and not told it. Without a report what is there stays. */
void status_file_ended(struct status_files *files, struct text job,
                       enum priority priority);

/* status_file_running: how a run stands. */
void status_file_running(struct status_files *files, struct run *run);

#endif
