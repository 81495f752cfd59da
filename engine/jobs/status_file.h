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

/* status_file_write: errors are logged: a status that cannot be written stops no job. */
void status_file_write(const char *home, const struct status *status);

/* status_file_ended: of a job that is over, as its report has it: a daemon that was killed may have
 * recorded the end and not told it. Without a report what is there stays. */
void status_file_ended(const char *home, struct text job, enum priority priority);

/* status_file_running: how a run stands. */
void status_file_running(const char *home, struct run *run);

#endif
