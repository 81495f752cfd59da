/* control_file: `<name>.control.json` in the spool: what another system wants to be done with a job. */
#ifndef INGEST_CONTROL_FILE_H
#define INGEST_CONTROL_FILE_H

#include "base/error.h"
#include "base/text.h"

enum control_wish { CONTROL_PAUSE, CONTROL_RESUME, CONTROL_CANCEL, CONTROL_WISH_COUNT };

struct control_file {
    char job[129]; /* its id */
    enum control_wish wish;
};

/* control_file_parse: {"job": "<id>", "do": "pause" | "resume" | "cancel"}.
 * Errors: ERROR_INPUT with the first problem as `name:line: sentence` */
int control_file_parse(struct text content, const char *name, struct control_file *out,
                       struct error *err) MUST_USE;

#endif
