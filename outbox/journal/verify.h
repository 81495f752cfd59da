/* verify: is a journal whole? Reads everything, changes nothing, and may be asked while
 * another process writes. */
#ifndef OUTBOX_VERIFY_H
#define OUTBOX_VERIFY_H

#include "outbox/journal/replay.h"

#include <sys/types.h>

enum verify_state {
    VERIFY_WHOLE,
    VERIFY_TORN,    /* what was on its way in a crash; going on cuts it off */
    VERIFY_WRITING, /* a live process is at it: the tail may grow */
    VERIFY_EMPTY,   /* nothing was written yet */
    VERIFY_DAMAGED, /* what was acknowledged is gone */
    VERIFY_STATE_COUNT
};
const char *verify_state_name(enum verify_state state);

struct verify {
    enum verify_state state;
    pid_t writer;         /* VERIFY_WRITING */
    struct replay replay; /* VERIFY_DAMAGED: up to there */
    struct error damage;  /* VERIFY_DAMAGED: file, offset and what to do */
};

/* verify_read:
 * Owns:   verify_fini frees out, also after an error
 * Errors: ERROR_IO; damage is none */
int verify_read(const char *dir, struct verify *out, struct error *err) MUST_USE;
void verify_fini(struct verify *verify);

#endif
