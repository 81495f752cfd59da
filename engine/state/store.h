/* store: state.db (SQLite, WAL): everything that outlives a job and is not per message.
 * Threads: a store is one connection and belongs to one thread; open one per thread. */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "ingest/job_file.h"

struct store;

/* store_open: <home>/state.db, made or migrated to the newest schema.
 * Errors: ERROR_INPUT when home is no home (says to run `volley init`), ERROR_IO, ERROR_AGAIN when
 *         another process keeps it locked for longer than 10 s. */
int store_open(const char *home, bool create, struct store **out,
               struct error *err) MUST_USE;
void store_close(struct store **store);

/* store_secret: the home's 32-byte random key for unsubscribe tokens, made at init. */
int store_secret(struct store *store, unsigned char out[32], struct error *err) MUST_USE;

/* store_begin: lock for writing (BEGIN IMMEDIATE), so that what is read stays true and what is written
 * until store_end becomes durable together. They nest. */
int store_begin(struct store *store, struct error *err) MUST_USE;
/* store_end: commit when rc >= 0, else roll back. Returns rc or the commit's error. */
int store_end(struct store *store, int rc, struct error *err) MUST_USE;

/* --- jobs --- */

enum job_state {
    JOB_WAITING, /* recorded, not started: send_at is ahead or no slot is free */
    JOB_RUNNING,
    JOB_PAUSED,
    JOB_CANCELLED, /* books closed */
    JOB_FINISHED,  /* books closed */
    JOB_FAILED,    /* could not start or go on; reason says why */
    JOB_STATE_COUNT
};
const char *job_state_name(enum job_state state);

enum job_control {
    JOB_CONTROL_NONE,
    JOB_CONTROL_PAUSE,
    JOB_CONTROL_CANCEL,
    JOB_CONTROL_RESUME
};

struct store_job {
    struct text id, account, category, source, template_name, reason;
    struct text spool_name; /* file name in the spool, or "" */
    enum priority priority;
    enum job_state state;
    enum job_control control;
    int64_t created_ns, started_ns, finished_ns, send_at_ns; /* calendar; 0: not yet */
    int64_t pid;          /* of the process that runs it; 0: none */
    int64_t content_hash; /* of the job file's bytes; 0: not known */
};

/* store_job_get: 1 and the job (texts in arena), 0 when there is none, or negative. */
int store_job_get(struct store *store, struct text id, struct arena *arena,
                  struct store_job *out, struct error *err) MUST_USE;
int store_job_put(struct store *store, const struct store_job *job,
                  struct error *err) MUST_USE;
/* store_job_state: change state and reason; sets started/finished times on the way, and
 * pid to this process for JOB_RUNNING, else to 0. With any state but running and waiting the job's
 * control is fulfilled.
 * Errors: ERROR_INPUT for an unknown id. */
int store_job_state(struct store *store, struct text id, enum job_state state,
                    struct text reason, struct error *err) MUST_USE;
int store_job_control(struct store *store, struct text id, enum job_control control,
                      struct error *err) MUST_USE;
/* store_wishes: the jobs with a control, in arena. */
int store_wishes(struct store *store, struct arena *arena, struct store_job **out,
                 size_t *count_out, struct error *err) MUST_USE;
/* store_jobs: all, newest first, in arena. */
int store_jobs(struct store *store, struct arena *arena, struct store_job **out,
               size_t *count_out, struct error *err) MUST_USE;

/* store_jobs_since: an account's jobs of a category that started at since_ns or later, in arena. */
struct store_recent_job {
    struct text id;
    enum job_state state;
};
int store_jobs_since(struct store *store, struct text account, const char *category,
                     int64_t since_ns, struct arena *arena, struct store_recent_job **out,
                     size_t *count_out, struct error *err) MUST_USE;

/* --- saved audiences --- */

struct store_audience {
    struct text name, expression;
    int64_t changed_ns;
};
int store_audience_save(struct store *store, struct text name, struct text expression,
                        struct error *err) MUST_USE;
/* store_audience_get: 1, 0 or negative. */
int store_audience_get(struct store *store, struct text name, struct arena *arena,
                       struct text *expression_out, struct error *err) MUST_USE;
int store_audience_remove(struct store *store, struct text name,
                          struct error *err) MUST_USE; /* 1, 0, neg. */
int store_audiences(struct store *store, struct arena *arena, struct store_audience **out,
                    size_t *count_out, struct error *err) MUST_USE;

/* --- owner's notices (R17): once per account, month and limit --- */

/* store_notice_claim: 1 when this job is the one to send it (also on a repeated claim by the same
 * job), 0 when another has. */
int store_notice_claim(struct store *store, struct text account, struct text month,
                       uint64_t limit_segments, struct text job,
                       struct error *err) MUST_USE;

#endif
