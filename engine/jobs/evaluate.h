/* evaluate: a filter over a snapshot on its own, without a job. */
#ifndef ENGINE_EVALUATE_H
#define ENGINE_EVALUATE_H

#include "engine/audience/audience.h"

struct evaluate {
    const char *path; /* of the snapshot */
    const char *home; /* for column names and saved audiences, where there is one */
    struct text where;
    const struct audience_param *params;
    size_t param_count;
    unsigned workers; /* 0: as many as processors */
    /* Called with the id of each row that matches, in snapshot order, by the calling
     * thread; NULL: only count. */
    void (*id_fn)(void *arg, struct text id);
    void *arg;
};

/* evaluate: how many rows match, of how many. The clock is now, the time zone UTC.
 * Errors: those of snapshot_open, audience_compile, snapshot_cursor_chunk */
int evaluate(const struct evaluate *what, uint64_t *count_out, uint64_t *rows_out,
             struct error *err) MUST_USE;

#endif
