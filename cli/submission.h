/* submission: a job file handed to the daemon, and what is said of it. */
#ifndef CLI_SUBMISSION_H
#define CLI_SUBMISSION_H

#include "cli/verb.h"

/* submission_make: content into the spool as <id>.json.
 * Errors: those of spool_submit */
int submission_make(const struct verb_context *context, struct text id,
                    struct text content, struct error *err) MUST_USE;

#endif
