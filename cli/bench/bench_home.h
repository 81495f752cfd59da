/* bench_home: a home of its own for `volley bench`, with an account, a template and made-up customers
 * who all have one address; removed at the end. */
#ifndef CLI_BENCH_HOME_H
#define CLI_BENCH_HOME_H

#include "base/file.h"
#include "engine/config.h"
#include "engine/state/store.h"

struct bench_home {
    char path[PATH_BYTES];
    struct store *store;
    enum channel channel;
    const char *to;   /* every customer's address, number or token */
    const char *from; /* "": a made-up one */
    unsigned jobs;    /* made so far */
};

/* bench_home_make: in parent when that is a home, so that its disk is measured, else in $TMPDIR. The
 * fields channel, to and from are set before.
 * Errors: ERROR_IO, ERROR_INPUT for an address that cannot be one */
int bench_home_make(struct bench_home *home, const char *parent,
                    struct error *err) MUST_USE;
void bench_home_remove(struct bench_home *home);

/* bench_home_job: the next job file, for so many customers, with its snapshot.
 * Shapes: content_out is appended to */
int bench_home_job(struct bench_home *home, uint64_t customers,
                   struct buffer *content_out, struct error *err) MUST_USE;

#endif
