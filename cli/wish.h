/* wish: what a person at a terminal wants to be done with a job that another process has. */
#ifndef CLI_WISH_H
#define CLI_WISH_H

#include "engine/state/store.h"

enum {
    WISH_NOBODY = 1, /* nobody has the job */
    WISH_STOPPED, /* nothing more goes out; its books take longer than a person waits */
};

/* wish_ask: record the wish for whoever has the job, the process that runs it or the daemon in whose
 * spool it waits, and wait until it is fulfilled.
 * Errors: ERROR_INPUT for a job that is not known or over; ERROR_AGAIN when nothing happened in time */
int wish_ask(const char *home, struct store *store, struct text id,
             enum job_control control, struct error *err);

/* wish_look: the job, or ERROR_INPUT when it is not known. */
int wish_look(struct store *store, struct text id, struct arena *arena,
              struct store_job *job, struct error *err);

#endif
