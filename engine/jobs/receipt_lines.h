/* receipt_lines: receipts from files, of lines or of mails. */
#ifndef ENGINE_RECEIPT_LINES_H
#define ENGINE_RECEIPT_LINES_H

#include "engine/jobs/receipts.h"

#include <signal.h>
#include <stdio.h>

struct receipt_lines {
    struct receipts *receipts;
    /* Told of each line that cannot be understood. May be NULL. */
    void (*refuse_fn)(void *arg, const char *name, uint64_t line, const char *why);
    void *arg;
    const volatile sig_atomic_t *stop; /* NULL: never */
    uint64_t refused, ignored;         /* lines; ignored: they tell nothing final */
    struct error *err;                 /* private, as rc */
    int rc;
};

/* receipt_lines_read: one line at a time, so the file may be of any size and the lines may come slowly.
 * name is for messages.
 * Errors: ERROR_IO; a line that is refused is none */
int receipt_lines_read(struct receipt_lines *lines, FILE *file, const char *name,
                       struct error *err) MUST_USE;

/* receipt_lines_mail: one mail. */
int receipt_lines_mail(struct receipt_lines *lines, const char *path,
                       struct error *err) MUST_USE;

#endif
