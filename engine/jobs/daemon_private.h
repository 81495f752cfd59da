/* daemon_private: what the parts of the control thread share. In a round, what jobs have come to
 * (endings.c), what has been dropped (intake.c) and what is wished (wishes.c) is recorded in one
 * transaction of state.db; what follows from it, moves of files above all, is done once that is durable
 * and can be done again after a crash. */
#ifndef ENGINE_DAEMON_PRIVATE_H
#define ENGINE_DAEMON_PRIVATE_H

#include "engine/jobs/slots.h"
#include "ingest/spool.h"

#define ROUND_FILES_MAX 256

/* What is to be done with a job, or a control file, once the round is durable. */
struct filed {
    enum { FILED_WAITS, FILED_DONE, FILED_HOLD, FILED_FAILED, FILED_CONTROL } kind;
    struct backlog_job *job; /* the file is where spool_move finds it: in `from` */
    enum spool_folder from;
    enum job_state state;
    bool taken_in; /* by this round; else it was in the backlog or in hold */
    struct error why;
};

struct daemon {
    const char *home;
    struct process *process;
    struct store *store;
    struct io_thread *io;
    struct spool *spool;
    struct slots *slots;
    int lock_fd;
    bool stopping;
    bool active_read;                    /* what an earlier run left in spool/active */
    struct slot_news *news, **news_tail; /* not recorded yet */
    struct filed *filed;                 /* of this round */
    size_t filed_count, filed_capacity;
    int64_t prune_ns;  /* steady: when old jobs are looked for next */
    int64_t hold_ns;   /* steady: when blocked accounts were looked for last */
    int64_t status_ns; /* when the running jobs' status was written last */
    int64_t broken_ns; /* when it was last said that nothing can be recorded; 0: it can */
};

struct filed *daemon_file(struct daemon *d, struct backlog_job *job, int kind,
                          enum job_state state);

/* daemon_refuse: a file of active goes to failed with the reason. */
void daemon_refuse(struct daemon *d, const char *name, const struct error *why,
                   unsigned line);
void daemon_move(struct daemon *d, const char *name, enum spool_folder from,
                 enum spool_folder to);

/* endings_record: the news of the slots, inside the transaction; endings_follow: moves and status,
 * after it. */
int endings_record(struct daemon *d, struct error *err) MUST_USE;
void endings_follow(struct daemon *d);

/* intake_record: up to ROUND_FILES_MAX files of the spool; 1 when there may be more. */
int intake_record(struct daemon *d, struct error *err) MUST_USE;

/* wishes_record: control files and controls in the store. */
int wishes_record(struct daemon *d, struct error *err) MUST_USE;
/* wishes_control: a control file's content; last: the job should be known by now. */
int wishes_control(struct daemon *d, const char *name, struct text content,
                   enum spool_folder from, bool last, struct error *err) MUST_USE;

/* wishes_hold: from time to time, the accounts that are blocked. */
void wishes_hold(struct daemon *d);

/* filed_follow: what intake and wishes have filed; filed_undo: the round was not recorded. */
void filed_follow(struct daemon *d);
void filed_undo(struct daemon *d);

#endif
