/* audit_rows: results.arrow counted by what its rows say, to be held against the journal. */
#ifndef ENGINE_AUDIT_ROWS_H
#define ENGINE_AUDIT_ROWS_H

#include "outbox/journal/replay.h"

struct audit_rows {
    uint64_t count; /* rows, the owner's notice included */
    uint64_t dispositions[CHANNEL_COUNT][DISPOSITION_COUNT];
    uint64_t outcomes[CHANNEL_COUNT][OUTCOME_COUNT]; /* of messages */
};

/* audit_rows_read: every byte of every column is read and checked.
 * Errors: ERROR_INPUT: damaged; ERROR_IO. */
int audit_rows_read(const char *path, struct audit_rows *out, struct error *err) MUST_USE;

/* audit_rows_compare:
 * Errors: ERROR_INPUT: the rows are not what became of the messages. */
int audit_rows_compare(const struct audit_rows *rows, const struct replay *replay,
                       const char *path, struct error *err) MUST_USE;

#endif
