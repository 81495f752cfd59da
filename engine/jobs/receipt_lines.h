/* receipt_lines: receipts from files, of lines or of mails. */
#ifndef ENGINE_RECEIPT_LINES_H
#define ENGINE_RECEIPT_LINES_H

#include "engine/jobs/receipts.h"

#include <stdio.h>

#define RECEIPT_MAIL_BYTES_MAX ((size_t)64 << 20)

struct receipt_lines {
    struct receipts *receipts;
    /* Told of each line that cannot be understood. May be NULL. */
    void (*refuse_fn)(void *arg, const char *name, uint64_t line, const char *why);
    bool (*stop_fn)(void *arg); /* asked before each line; NULL: never */
    void *arg;
    uint64_t refused, ignored; /* lines; ignored: they tell nothing final */
    struct error *err;         /* private, as rc */
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
