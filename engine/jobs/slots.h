/* slots: threads that take one waiting job after the other from start to closed books. Opening a job,
 * reading its journal and writing its results take their time; each slot does that for its own job, so
 * no job waits for another's. What comes of it is told as news, whose recording is left to the control
 * thread: it does many at once. */
#ifndef ENGINE_SLOTS_H
#define ENGINE_SLOTS_H

#include "engine/jobs/backlog.h"
#include "engine/process/process.h"
#include "engine/run/run.h"

/* How long a job waits before it is tried again that another process has, or that the disk failed. */
#define SLOTS_AGAIN_NS (2 * NS_PER_S)

struct slots;

enum slot_news_kind {
    SLOT_STARTED,
    SLOT_ENDED,   /* ending */
    SLOT_DONE,    /* it was over before */
    SLOT_PAUSED,  /* somebody has paused it before */
    SLOT_LATER,   /* why it cannot start before due_ns */
    SLOT_BLOCKED, /* its account is, as why says: it waits until that changes */
    SLOT_ASLEEP,  /* it goes on at due_ns: its messages wait for their customers' hours */
    SLOT_REFUSED, /* why it never will, or why it broke off */
};

struct slot_news {
    enum slot_news_kind kind;
    struct backlog_job
        *job; /* stays in the backlog, running, until slots_forget or slots_again */
    struct run_ending ending;
    struct error why;
    unsigned line;  /* of the job file; 0: none */
    int64_t due_ns; /* calendar */
    struct slot_news *next;
};

/* slots_create: count threads, each with its own connection to the store.
 * Errors: those of store_open */
int slots_create(const char *home, struct process *process, struct io_thread *io,
                 unsigned count, struct slots **out, struct error *err) MUST_USE;

/* slots_stop: bring what runs to a safe point and end the threads; news of it can be taken then.
 * tick_fn is called meanwhile. */
void slots_stop(struct slots *slots, void (*tick_fn)(void *arg), void *arg);
void slots_destroy(struct slots **slots);

/* slots_fd: readable when there is news. */
int slots_fd(const struct slots *slots);
/* slots_news: all there is, oldest first. Owns: the caller frees each. */
struct slot_news *slots_news(struct slots *slots);

/* slots_add: one more job that waits. Owns: moves into slots */
void slots_add(struct slots *slots, struct backlog_job *job);
/* slots_take: the job, out of the backlog, if it waits; else NULL, and *known_out says whether it runs
 * or its end is not recorded. Owns: the caller's */
struct backlog_job *slots_take(struct slots *slots, struct text id, bool *known_out);
bool slots_know(struct slots *slots, struct text id);
/* slots_has_file: the job is known, and this is its file in active. */
bool slots_has_file(struct slots *slots, struct text id, const char *name);
size_t slots_waiting(struct slots *slots);
/* slots_hold: as backlog_hold. */
void slots_hold(struct slots *slots, const struct text *accounts, size_t count);
/* slots_forget: what the news of a job said is recorded. */
void slots_forget(struct slots *slots, struct backlog_job *job);
/* slots_again: it waits once more, until due_ns (calendar). */
void slots_again(struct slots *slots, struct backlog_job *job, int64_t due_ns);

/* slots_tick: process_tick with what runs. */
void slots_tick(struct slots *slots);
/* slots_each: every run, while it cannot end. */
void slots_each(struct slots *slots, void (*fn)(void *arg, struct run *run), void *arg);

#endif
