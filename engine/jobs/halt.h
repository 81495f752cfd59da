/* halt: everything stands still until a person says so: after a backup was restored, or while something
 * is wrong everywhere. What comes in is taken in and shown as paused; a job goes on by a wish of its
 * own, all of them when the halt ends. It outlives restarts: the mark is the file spool/.paused. */
#ifndef ENGINE_HALT_H
#define ENGINE_HALT_H

#include "engine/state/store.h"

/* What `volley jobs` says of a job that is paused by it. */
#define HALT_REASON "everything is paused; `volley resume --all` goes on"

/* halt_begin: from now on no job of home begins by itself. served: a running daemon has those that wait;
 * it and whoever sends a job is asked to pause them, the others are paused here.
 * Errors: ERROR_IO, and those of the store */
int halt_begin(const char *home, struct store *store, bool served,
               struct error *err) MUST_USE;

/* halt_end: every paused job that a daemon can go on with is to do so, now or when there is one.
 * begun_too: also those that have begun, which a terminal can go on with as well.
 * Returns how many, or negative. */
int64_t halt_end(const char *home, struct store *store, bool begun_too,
                 struct error *err) MUST_USE;

/* halted: true between the two. */
bool halted(const char *home);

#endif
