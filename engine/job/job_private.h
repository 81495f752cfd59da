/* job_private: what the files that open a job share. */
#ifndef ENGINE_JOB_PRIVATE_H
#define ENGINE_JOB_PRIVATE_H

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/job/job.h"

#include <stdio.h>

struct job_open {
    const struct job_env *env;
    const struct job_frozen *frozen;
    struct job *job;
    struct error *err;
    int rc; /* of the first problem */
    bool has_account;
};

void job_problem(struct job_open *o, unsigned line, const char *format, ...)
    PRINTF_LIKE(3, 4);
void job_warning(struct job_open *o, const char *format, ...) PRINTF_LIKE(2, 3);

/* job_open_templates: the template set, the values of its variables, the senders. */
void job_open_templates(struct job_open *o);

#endif
