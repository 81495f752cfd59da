/* backlog: the jobs that wait for a slot, and which of them is next. Pure: it is told the time.
 *
 * First by priority; among equals the account that has the fewest jobs running, then the one that
 * had its turn the longest ago; of an account the job that has waited longest. So that nothing
 * starves, every BACKLOG_AGED_TURN-th start is for the job that has waited longest of all, once it
 * has waited BACKLOG_AGED_NS.
 *
 * Threads: one at a time; whoever shares it locks. */
#ifndef ENGINE_BACKLOG_H
#define ENGINE_BACKLOG_H

#include "base/clock.h"
#include "base/text.h"
#include "ingest/job_file.h"

#define BACKLOG_AGED_TURN 8
#define BACKLOG_AGED_NS   (30 * NS_PER_S)

struct backlog_account;

struct backlog_job {
    char *id, *account, *name; /* name: in spool/active */
    enum priority priority;
    int64_t due_ns;   /* calendar; 0: at once */
    int64_t since_ns; /* steady: waiting since; set by backlog_add where it is 0 */
    bool cancel;      /* to be started only to close its books */
    /* The backlog's own. */
    enum { BACKLOG_WAITING, BACKLOG_LATER, BACKLOG_RUNNING } place;
    struct backlog_account *owner;
    struct backlog_job *next, *previous; /* in its list */
    struct backlog_job *same_bucket;
};

/* backlog_job_make: a job of its own texts; free with backlog_job_free. */
struct backlog_job *backlog_job_make(struct text id, struct text account,
                                     const char *name, enum priority priority,
                                     int64_t due_ns);
void backlog_job_free(struct backlog_job **job);

struct backlog;
struct backlog *backlog_create(void);
/* backlog_destroy: with all jobs in it, running ones too. */
void backlog_destroy(struct backlog **backlog);

/* backlog_add: one more that waits. Also for one that backlog_remove returned.
 * Owns: the job moves into the backlog, whose ids are different */
void backlog_add(struct backlog *backlog, struct backlog_job *job, int64_t steady_ns);

/* backlog_find: waiting or running; NULL: neither. */
struct backlog_job *backlog_find(const struct backlog *backlog, struct text id);

/* backlog_next: the job to start now, which counts as running until it is removed; NULL: none is
 * due. */
struct backlog_job *backlog_next(struct backlog *backlog, int64_t steady_ns,
                                 int64_t now_ns);

/* backlog_hold: no job of these accounts starts, but to close its books; those of all others do. It
 * holds for accounts that have a job here. */
void backlog_hold(struct backlog *backlog, const struct text *accounts, size_t count);

/* backlog_remove: take a job out, whether it waits or runs.
 * Owns: it is the caller's again */
void backlog_remove(struct backlog *backlog, struct backlog_job *job);

/* backlog_waiting: how many wait, those that are not due included. */
size_t backlog_waiting(const struct backlog *backlog);

#endif
