/* recover: jobs that were begun, are not over, and that no process is at: what a crash leaves. */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include "engine/state/store.h"

struct recover_job {
    char *id;
    bool paused; /* by a person, or held because too many messages failed */
};

struct recover_jobs {
    struct recover_job *list; /* by id */
    size_t count;
};

/* recover_find: every job in <home>/outbox that state.db has as running or paused, or does not know (we
 * died between freezing and recording), and whose journal nobody writes.
 * Owns:   recover_fini frees out, also after an error
 * Errors: ERROR_IO */
int recover_find(const char *home, struct store *store, struct recover_jobs *out,
                 struct error *err) MUST_USE;
void recover_fini(struct recover_jobs *jobs);

/* recover_to_spool: put the job file of each that is not paused into the spool, unless it is there: so
 * `serve` also goes on with what `send` began in the foreground. */
int recover_to_spool(const char *home, struct store *store, struct error *err) MUST_USE;

/* recover_spooled: the spool has a file of this name, taken in or not. */
bool recover_spooled(const char *home, struct text name);

/* recover_submit: put the job file of one that has begun into the spool once more, as it came. */
int recover_submit(const char *home, struct text id, struct error *err) MUST_USE;

#endif
