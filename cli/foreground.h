/* foreground: `send` and `resume`: start a job, show its progress, print its books. */
#ifndef CLI_FOREGROUND_H
#define CLI_FOREGROUND_H

#include "cli/verb.h"
#include "engine/jobs/start.h"

/* foreground_run: start_fn makes the run (an enum start_answer or negative).
 * verb: what this process is called in `top`.
 * cancel: cancel it at once (to close the books of a job nobody runs).
 * Returns the exit status. */
int foreground_run(struct verb_context *context, const char *verb, struct text id,
                   int (*start_fn)(void *arg, struct io_thread *io,
                                   const struct job_env *env, struct run **run_out,
                                   struct error *err),
                   void *arg, bool cancel);

#endif
