/* error: one sentence about what stopped a job, and whose move it is.
 *
 * Functions that cross a room take a last `struct error *err` (NULL allowed) and return 0
 * or a negative code; the code is the negated kind, so a caller without an error object
 * still knows whose move it is. A row's fate is never an error (see message.h). */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/check.h"

#include <stdarg.h>
#include <stddef.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_USAGE,     /* the command line; exit 2 */
    ERROR_CONFIG,    /* volley.yaml; exit 78 */
    ERROR_INPUT,     /* a job, template, snapshot or expression; exit 65 */
    ERROR_IO,        /* disk, file system, database; exit 74 */
    ERROR_TEMPORARY, /* a provider cannot be reached; exit 69 */
    ERROR_PERMANENT, /* a provider refuses for good; exit 69 */
    ERROR_AGAIN,     /* paused, locked by another process; exit 75 */
    ERROR_BUG,       /* ours; exit 70 */
};

#define ERROR_TEXT_BYTES 512

struct error {
    enum error_kind kind;
    char text[ERROR_TEXT_BYTES]; /* one sentence without a final newline, UTF-8 */
};

/* error_set: store a sentence that says what is wrong, where, and what to do.
 * Errors: returns -kind, so that `return error_set(err, ERROR_INPUT, …)` reads well. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
int error_set_v(struct error *err, enum error_kind kind, const char *format,
                va_list args);

/* error_io: like error_set with ERROR_IO, followed by `: ` and strerror(errno). */
int error_io(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* error_prefix: put a place in front of the sentence, e.g. "jobs/a.json:12: ". */
void error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* error_exit_status: the exit status of DESIGN 4.1 for a kind. */
int error_exit_status(enum error_kind kind);

/* error_kind_name: "config", "input", …; stable, used in JSON. */
const char *error_kind_name(enum error_kind kind);

#endif
