/* daemon: `volley serve`: jobs from the spool, several at a time, until told to stop. */
#ifndef ENGINE_DAEMON_H
#define ENGINE_DAEMON_H

#include "engine/process/process.h"

#include <signal.h>

/* daemon_run: serve home until *stop. On stop, what runs is brought to a safe point and
 * goes on at the next start. paused: nothing begins by itself (halt.h). ready_fn (may be NULL) is called once the spool is watched.
 * Errors: ERROR_AGAIN when another daemon serves this home; ERROR_CONFIG, ERROR_IO */
int daemon_run(const char *home, struct process *process, bool paused,
               void (*ready_fn)(void *arg), void *arg, const volatile sig_atomic_t *stop,
               struct error *err) MUST_USE;

/* daemon_serves: a daemon serves this home now. */
bool daemon_serves(const char *home);

#endif
