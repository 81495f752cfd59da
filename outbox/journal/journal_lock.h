/* journal_lock: one process writes a journal at a time, and who that is. */
#ifndef OUTBOX_JOURNAL_LOCK_H
#define OUTBOX_JOURNAL_LOCK_H

#include "base/error.h"

#include <sys/types.h>

/* journal_lock: lock the folder; *fd_out, once closed, unlocks it.
 * Errors: ERROR_AGAIN names the process that has it; ERROR_IO. */
int journal_lock(const char *dir, int *fd_out, struct error *err) MUST_USE;

/* journal_lock_holder: the process that has it, found without touching the lock: nobody
 * who starts at this moment is turned away. 0: none, or none that can be seen from here. */
pid_t journal_lock_holder(const char *dir);

#endif
