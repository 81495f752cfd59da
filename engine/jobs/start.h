/* start: from a job file, or the id of an interrupted job, to a run. The job id is the
 * idempotency key: an id that was started before is gone on with, one that is done is not
 * sent again. */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include "base/buffer.h"
#include "engine/run/run.h"

enum start_answer {
    START_RUNNING = 1, /* *run_out */
    START_DONE = 2,    /* finished or cancelled before; nothing to do */
    START_WAITING = 3, /* send_at is ahead: ask again then */
    START_PAUSED = 4,  /* somebody paused it; only start_resume goes on */
};

/* start_content: a job file's bytes; name is for messages and the spool.
 * Returns an answer or a negative code; id_out (may be NULL) gets the job's id, due_out
 * the time it waits for. */
int start_content(struct io_thread *io, const struct job_env *env, struct text content,
                  const char *name, struct buffer *id_out, int64_t *due_ns_out,
                  struct run **run_out, struct error *err) MUST_USE;

/* start_recorded: the same for a job that the store has as waiting and whose further states the caller
 * records. Never START_WAITING for one that is due. */
int start_recorded(struct io_thread *io, const struct job_env *env, struct text content,
                   const char *name, struct run **run_out, struct error *err) MUST_USE;

/* start_entry: what the store keeps of a job file. Texts are borrowed. */
struct store_job start_entry(const struct job_file *file, int64_t content_hash,
                             const char *name, enum job_state state);
/* start_content_hash: never 0. */
int64_t start_content_hash(struct text content);

/* start_resume: go on with a job that was started once. Returns START_RUNNING, START_DONE
 * or a negative code. */
int start_resume(struct io_thread *io, const struct job_env *env, struct text id,
                 struct run **run_out, struct error *err) MUST_USE;

/* The first problem of a job file, for its error.json. start_problem: a job_problem_fn that notes it. */
struct start_problem {
    unsigned line;
    bool told;
};
void start_problem(void *arg, unsigned line, const char *sentence);

#endif
