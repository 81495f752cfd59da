/* turn: marketing jobs of one account start one after the other when there is a frequency cap. Each
 * leaves the list of whom it will write to before the next one looks, so that of two jobs that start at
 * once the later one counts what the earlier one has planned, and no customer gets one too many. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "base/error.h"
#include "base/text.h"

#include <signal.h>
#include <stdint.h>

struct turn;

struct turn_wait {
    int64_t at_most_ns;
    const volatile sig_atomic_t *stop; /* set: wait no more; NULL: never */
};

/* turn_begin: wait for it, also for other processes.
 * Errors: ERROR_AGAIN when it takes longer than that, ERROR_IO */
int turn_begin(const char *home, struct text account, const struct turn_wait *wait,
               struct turn **out, struct error *err) MUST_USE;
/* turn_end: NULL is allowed. */
void turn_end(struct turn **turn);

#endif
