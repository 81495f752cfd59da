/* recent_kept: what a process remembers of an account between its jobs, for struct recent: a table that
 * nobody changes any more, and which jobs are in it. */
#ifndef ENGINE_RECENT_KEPT_H
#define ENGINE_RECENT_KEPT_H

#include "engine/job/recent_table.h"

#include <pthread.h>
#include <stdatomic.h>

struct recent_base {
    struct recent_table table;
    _Atomic unsigned references;
};

struct recent_base *recent_base_create(void);
void recent_base_release(struct recent_base **base);

/* One job as it counts: by the file of what it reached, of what it planned, or by a journal that still
 * grows. */
struct recent_source {
    struct text id; /* in an arena, or of its own in an account's list */
    bool over, growing;
};

struct recent_sources {
    struct recent_source *items; /* by id and over */
    size_t count;
};

/* recent_source_order: for qsort. */
int recent_source_order(const void *a, const void *b);

struct recent_kept {
    char *home, *account;
    pthread_mutex_t lock;
    struct recent_base *base;
    struct recent_sources sources; /* in it */
    uint64_t used;                 /* the larger, the later; under kept_lock, as bytes */
    size_t bytes;
    struct recent_kept *next;
};

/* recent_kept_of: the account's; never freed, for others may wait for its lock. */
struct recent_kept *recent_kept_of(const char *home, struct text account);
/* recent_kept_forget: its base and what is in it. With the lock held, as recent_kept_make_room: drop
 * the bases of other accounts while all take too much; those asked for longest ago go first. */
void recent_kept_forget(struct recent_kept *kept);
void recent_kept_make_room(struct recent_kept *kept);

#endif
