/* run_private: what the files of a run's control side (run.c) and of its I/O side (run_io.c) share.
 */
#ifndef ENGINE_RUN_PRIVATE_H
#define ENGINE_RUN_PRIVATE_H

#include "engine/run/run.h"
#include "engine/run/run_dead.h"
#include "engine/run/auto_hold.h"
#include "engine/run/dormant.h"
#include "engine/run/waiting.h"
#include "engine/job/opening.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/dedupe.h"
#include "engine/pipeline/pipeline.h"
#include "outbox/journal/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/* A list whose intents are on their way to the disk. */
struct intending {
    struct journal_wait wait;
    struct run *run;
    struct delivery *list;
    struct intending *next; /* free list */
};

/* The I/O thread's part of a run; nobody else touches it, but for the atomics. */
struct run_io {
    struct delivery_source source;
    struct run *run;
    struct loop *loop;
    struct dispatch *dispatch;
    struct journal *journal;
    size_t chunks;
    size_t next_chunk;    /* decisions are appended in chunk order */
    struct batch *parked; /* batches that came too early */
    uint64_t open;        /* messages without an outcome, wherever they are */
    uint64_t in_dispatch;
    struct waiting waiting;
    struct loop_timer redo_timer;
    struct opening *opening; /* NULL: messages may go at any time */
    struct dormant dormant;
    struct loop_timer hours_timer;
    /* Of a job that is spread: the rows before spread_row have had their turn, by spread_ns (calendar);
     * the next one is due at spread_next_ns, but looked at not before spread_look_ns (steady). */
    const struct spread *spread;
    uint64_t spread_row;
    int64_t spread_ns, spread_next_ns, spread_look_ns;
    uint64_t rousing_row, rousing_end; /* of a chunk whose time has come */
    size_t remaking;                   /* asked of the pipeline and not back yet */
    _Atomic uint64_t dormant_messages;
    _Atomic int64_t dormant_until_ns; /* calendar; 0: none */
    _Atomic int64_t asleep_until_ns;  /* and nothing else is to be done; 0: there is */
    struct intending *intending_free;
    size_t intending_count;             /* not yet answered */
    struct delivery *held, **held_tail; /* waiting for the job's own rate */
    double held_allowance;
    int64_t held_since_ns;
    struct loop_timer pace_timer;
    struct auto_hold hold;
    struct delivery *gated[CHANNEL_COUNT],
        **gated_tail[CHANNEL_COUNT]; /* behind a canary */
    struct loop_timer guard_timer;
    _Atomic bool tripped; /* the hold stopped the job; held_because says why */
    char held_because[AUTO_HOLD_SENTENCE_BYTES];
    _Atomic bool closed; /* the journal is */
    struct dedupe
        late_optouts[CHANNEL_COUNT]; /* hashes that are stopped since the start */
    int64_t expires_ns;              /* steady; 0: never */
    bool cancelling, pausing;
    _Atomic bool still;  /* paused or cancelled: no message leaves any more */
    _Atomic bool quiet;  /* nothing more will happen without a new impulse */
    _Atomic bool broken; /* the journal failed; why says how */
    struct error why;
    _Atomic uint64_t outcomes[CHANNEL_COUNT][OUTCOME_COUNT];
};

/* What the control thread knows of a job's finish_by. */
struct run_late {
    int64_t looked_ns; /* steady; 0: not yet */
    double share;      /* done then */
    uint64_t done;     /* messages */
    bool was, told;
    _Atomic int64_t ends_ns; /* calendar; 0: in time */
};

struct run {
    struct run_io io;
    struct io_thread *thread;
    struct store *store;       /* the control thread's */
    struct store *quota_store; /* the meter's */
    char *dir;
    struct job *job;
    struct pipeline *pipeline;
    struct replay *replay; /* NULL for a fresh job */
    struct spread *spread; /* NULL for a job that is not */
    struct run_dead dead;
    struct quota quota;         /* before this run */
    struct quota_job *segments; /* NULL: no SMS */
    int64_t started_steady_ns;
    int64_t looked_ns; /* when the store was last asked */
    struct run_late late;
    bool told_late;
    bool asked, told_still; /* to stop, from outside; and the store knows that it has */
    int64_t told_until_ns, told_ns; /* what the store knows of messages that wait */
    uint64_t done_before;
    /* Also read by whoever shows how it goes. */
    _Atomic bool pausing, cancelling;
    bool put_off;
    char blocked_because[ACCOUNT_BLOCKED_BYTES]; /* "": it is not */
    _Atomic enum run_state state;
    bool notice_settled;
    struct batch *notice; /* holds the owner's notice while it is on its way */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* --- run_io.c; on the I/O thread unless said otherwise --- */

/* run_io_open: open the journal and settle what an earlier run left in doubt. */
int run_io_open(struct run *run, struct error *err);
/* run_io_take: a batch from the pipeline (any thread). */
void run_io_take(void *arg, struct batch *batch);
/* run_io_take_notice: the owner's notice. */
void run_io_take_notice(struct run *run);
void run_io_pause(struct run *run);
void run_io_cancel(struct run *run);
/* run_io_look: set quiet when there is nothing left to do; wakes the control thread. */
void run_io_look(struct run *run);
/* run_io_late_optout: from now on nothing goes to this hash on the channels the mask
 * stops. */
void run_io_late_optout(struct run *run, uint64_t hash, unsigned mask);
/* run_io_close: mark (0: none), make everything durable, close; io.closed tells when. */
void run_io_close(struct run *run, int mark);

/* --- run_fate.c; on the I/O thread --- */

/* run_fate_open: settle what an earlier run left in doubt, or see that it is offered again. */
void run_fate_open(struct run *run);
/* run_fate_done: dispatch's answer for a message. */
void run_fate_done(struct run *run, struct delivery *d,
                   const struct delivery_result *result);
/* run_fate_settle: an outcome that no provider had a part in. */
void run_fate_settle(struct run *run, struct delivery *d, enum outcome outcome,
                     enum delivery_reason reason);
/* run_fate_put_aside: the deliveries of a list that may go now. What an earlier run left with a provider
 * that can be asked waits until its list is believed (lookup_after). */
struct delivery *run_fate_put_aside(struct run *run, struct delivery *list);
/* run_fate_settle_unmade: the same for a message that waits. */
void run_fate_settle_unmade(struct run *run, const struct redo *redo,
                            enum outcome outcome, enum delivery_reason reason);
/* run_fate_wait: make a message again at due_ns (steady). */
void run_fate_wait(struct run *run, const struct redo *redo, int64_t due_ns);
/* run_fate_not_tried: its intent was written, and then it was not handed over. */
void run_fate_not_tried(struct run *run, const struct delivery *d);
/* run_fate_release: a message has left its batch. */
void run_fate_release(struct run *run, struct delivery *d);
/* run_fate_cancel_waiting: end what waits for another attempt. */
void run_fate_cancel_waiting(struct run *run);
void run_fate_close(struct run *run);

/* --- run_out.c; on the I/O thread --- */

/* run_out_send: hand messages to dispatch, as soon as the job's rate and the first messages' outcomes
 * let them; run_out_submit: at once. */
void run_out_open(struct run *run);
void run_out_send(struct run *run, struct delivery *list);
void run_out_submit(struct run *run, struct delivery *list);
/* run_out_answered: the provider, or admit, has said something of a message; run_out_settled: its
 * outcome. */
void run_out_answered(struct run *run, const struct delivery *d);
void run_out_settled(struct run *run, const struct delivery *d, enum outcome outcome,
                     const struct delivery_result *result);
/* run_out_take: take back what still waits, a list at a time; NULL: nothing. */
struct delivery *run_out_take(struct run *run);
void run_out_close(struct run *run);

/* --- run.c; on the control thread --- */

/* run_wait_changed: until the I/O thread has something to say, at most wait_ms; with the lock held. */
void run_wait_changed(struct run *run, int wait_ms);
/* run_close_journal: on the I/O thread, and wait for it. */
void run_close_journal(struct run *run);
void run_destroy(struct run *run);

/* --- run_tell.c; on the control thread --- */

/* run_tell_dead: addresses that turned out dead. What cannot be written now is tried again, at the
 * latest when somebody resumes the job. */
void run_tell_dead(struct run *run);
/* run_tell_waiting: what the job waits for, into the store, where other processes see it;
 * run_tell_sentence: the same for `show`, so that nobody thinks that the job hangs. */
void run_tell_waiting(struct run *run);
#define RUN_TELL_BYTES 160
void run_tell_sentence(const struct run *run, int64_t until_ns, char out[RUN_TELL_BYTES]);
/* run_tell_still: to whoever asked the run to stop. Its books may take a while. */
void run_tell_still(struct run *run);

/* --- run_late.c; on the control thread --- */

/* run_late_look: from time to time: is the job going to be late? */
void run_late_look(struct run *run);
/* run_late_sentence: "" when it is not. */
#define RUN_LATE_BYTES 160
void run_late_sentence(const struct run *run, char out[RUN_LATE_BYTES]);
/* run_late_ends_ns: when all is done, if it goes on as in the time that it took from one share to
 * another. */
int64_t run_late_ends_ns(int64_t now_ns, int64_t took_ns, double share_before,
                         double share);

/* --- run_hours.c; on the I/O thread --- */

void run_hours_open(struct run *run);
/* run_hours_wait_ns: until when a message has to wait, as opening_wait_ns. */
int64_t run_hours_wait_ns(struct run *run, const struct delivery *d);
/* run_hours_put_off: a message that is in no batch waits; with HOURS_NEVER it has expired, and in a job
 * that is being cancelled it is. */
void run_hours_put_off(struct run *run, size_t chunk, const struct redo *redo,
                       int64_t until_ns);
/* run_hours_send_back: the same for one that was about to go. */
void run_hours_send_back(struct run *run, struct delivery *d, int64_t until_ns);
/* run_hours_look: see to it that those whose time has come are made. */
void run_hours_look(struct run *run);
/* run_hours_cancel: end what waits. */
void run_hours_cancel(struct run *run);
void run_hours_close(struct run *run);

#endif
