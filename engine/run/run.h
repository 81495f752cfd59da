/* run: a job on its way: pipeline, journal and deliveries, from start or resume to closed
 * books.
 *
 * One thread (the control thread) starts, polls and ends a run; the I/O thread does the
 * rest of the bookkeeping. Several runs share one I/O thread. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/job/books.h"
#include "engine/run/io_thread.h"
#include "engine/job/job.h"
#include "engine/pipeline/stages.h"
#include "engine/state/quota.h"

struct run;

enum run_state {
    RUN_GOING,
    RUN_PAUSED,    /* everything handed over is answered; the rest waits in the journal */
    RUN_FINISHED,  /* books closed */
    RUN_CANCELLED, /* books closed */
    RUN_FAILED,    /* run_end tells why; resumable */
};

/* run_start: take the job (frozen in dir) up where its journal ends.
 * Owns:   *job moves into the run on success
 * Errors: ERROR_AGAIN when another process runs it; those of journal, quota, snapshot */
int run_start(struct io_thread *io, struct store *store, const char *dir,
              struct job **job, struct run **out, struct error *err) MUST_USE;

/* run_poll: let at most wait_ms pass; look after opt-outs, notices and wishes to pause or
 * cancel that came through the store. */
enum run_state run_poll(struct run *run, int wait_ms);

void run_pause(struct run *run);
/* run_put_off: pause a run that only waits, to be started again when run_waits_until_ns said; its job
 * is then recorded as waiting, not as paused by a person. */
void run_put_off(struct run *run);
void run_cancel(struct run *run);
/* What the store gives as the reason of a job that was paused or cancelled from outside, from the
 * moment nothing more goes out until its books are closed. */
#define RUN_STOPPED "nothing more goes out; its books are being closed"

struct run_progress {
    struct books books;
    struct quota quota; /* used: before this run */
    size_t chunks_settled, chunks;
    uint64_t rows;
    int64_t elapsed_ns;
    uint64_t answered_before;  /* outcomes that earlier runs of the job had recorded */
    struct stage_times stages; /* of the workers */
    uint64_t waiting;          /* for their customers' hours */
    int64_t late_ends_ns;      /* when it would end, later than finish_by; 0: in time */
    int64_t waiting_until_ns;  /* when the next ones may go; calendar */
};
void run_progress(struct run *run, struct run_progress *out);
/* run_waits_until_ns: until when nothing is to be done but to wait for customers' hours; 0: there is
 * something, or the run ends.
 * Units: calendar */
int64_t run_waits_until_ns(const struct run *run);
/* run_held: why the job was held because too many messages fail, or NULL; the run is paused then. */
const char *run_held(const struct run *run);
/* run_blocked: why the run was paused because its account is blocked, or NULL. */
const char *run_blocked(const struct run *run);
/* run_progress_planned: messages decided on so far; run_progress_share: how much of the job is done,
 * taking what is not selected yet to be like what is. */
uint64_t run_progress_planned(const struct run_progress *progress);
double run_progress_share(const struct run_progress *progress);
/* run_state_name: "running", "pausing", "cancelling", … */
const char *run_state_name(const struct run *run);
const struct job *run_job(const struct run *run);

/* run_end: after run_poll said it is over: close the journal, settle the quota, write
 * results and report, record the job's state.
 * Owns: *run is destroyed in every case.
 * Errors: why a failed run failed. */
int run_end(struct run **run, struct error *err) MUST_USE;

/* run_close: run_end but for the job's state in the store, which is left to the caller: for many jobs
 * it is recorded together.
 * Errors: as run_end; then out->state is JOB_FAILED */
struct run_ending {
    enum job_state state;
    bool held;    /* because too many messages failed: reason says so */
    bool blocked; /* paused, because its account is blocked: reason says so */
    char reason[ERROR_TEXT_BYTES];
    struct books books;
    int64_t elapsed_ns;
    uint64_t answered_before;
};
int run_close(struct run **run, struct run_ending *out, struct error *err) MUST_USE;

#endif
