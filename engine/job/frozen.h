/* frozen: a job's own folder outbox/<id>/, where its inputs stand still from the start
 * on: the job file, the clock, the expression, a copy of the template, a link to the
 * snapshot. With them every message can be made again, which is why the journal stores no
 * bodies. */
#ifndef ENGINE_FROZEN_H
#define ENGINE_FROZEN_H

#include "base/file.h"
#include "engine/job/job.h"

/* frozen_dir: <home>/outbox/<id>.
 * Errors: ERROR_INPUT for an unsafe id. */
int frozen_dir(const char *home, struct text id, char out[PATH_BYTES],
               struct error *err) MUST_USE;

/* frozen_exists: the job has started once. */
bool frozen_exists(const char *home, struct text id);

/* frozen_make: freeze an opened job. content is the job file as it came. The folder
 * appears whole or not at all.
 * Errors: ERROR_AGAIN when another process has frozen it meanwhile; ERROR_IO. */
int frozen_make(const char *home, const struct job *job, struct text content,
                struct error *err) MUST_USE;

/* frozen_open: the job as it was frozen.
 * Errors: those of job_open; ERROR_INPUT when it never was. */
int frozen_open(const struct job_env *env, struct text id, struct job **out,
                struct error *err) MUST_USE;

#endif
