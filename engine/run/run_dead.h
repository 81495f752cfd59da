/* run_dead: dead addresses on their way from a run's outcomes into state.db.
 *
 * The I/O thread notes them, the control thread writes what has come in one transaction every
 * look. What a crash takes from here stands in the journal, from which run_dead_recover has it. */
#ifndef ENGINE_RUN_DEAD_H
#define ENGINE_RUN_DEAD_H

#include "base/buffer.h"
#include "engine/job/job.h"
#include "outbox/journal/replay.h"

#include <pthread.h>

/* Growing list; texts lie in a buffer and are views only once they are written. */
struct run_dead_list {
    struct run_dead_entry *entries;
    size_t count, capacity;
    struct buffer texts;
};

struct run_dead {
    pthread_mutex_t lock;
    struct run_dead_list news;    /* under the lock */
    struct run_dead_list writing; /* the control thread's; kept until it is written */
};

void run_dead_init(struct run_dead *dead);
void run_dead_fini(struct run_dead *dead);

/* run_dead_note: provider is a name. Threads: any. */
void run_dead_note(struct run_dead *dead, enum channel channel, struct text address,
                   struct text reason, struct text provider, int64_t since_ns);

/* run_dead_write: what was noted up to now. Threads: the control thread.
 * Errors: those of the store; nothing is lost, the next call tries again */
int run_dead_write(struct run_dead *dead, struct store *store, struct text account,
                   struct error *err) MUST_USE;

/* A visitor of an earlier run's journal that collects the rows whose address was found dead. */
struct run_dead_journal {
    struct run_dead_row *rows;
    size_t count, capacity;
    struct buffer texts;
    struct buffer names; /* of the providers that the last header names */
    size_t name_offsets[JOURNAL_PROVIDER_NONE];
    size_t name_count;
};
struct replay_visitor run_dead_visitor(struct run_dead_journal *journal);

/* run_dead_recover: note the addresses of those rows.
 * Owns: journal is emptied. Errors: those of the snapshot */
int run_dead_recover(struct run_dead *dead, struct run_dead_journal *journal,
                     const struct job *job, struct error *err) MUST_USE;

#endif
