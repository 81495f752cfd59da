/* job_private: what the files that open a job share. */
#ifndef ENGINE_JOB_PRIVATE_H
#define ENGINE_JOB_PRIVATE_H

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/job/job.h"

#include <stdio.h>

#define JOB_FILE_BYTES_MAX ((size_t)64 << 20)

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

/* job_adopt: an error another room reported counts as a problem; other kinds than input win. */
void job_adopt(struct job_open *o, const struct error *err, unsigned line);

/* --- job_resend.c --- */

/* job_open_resend: which jobs' messages it sends once more, and which of them. */
void job_open_resend(struct job_open *o);

/* --- job_snapshot.c --- */

void job_open_snapshot(struct job_open *o);
/* job_check_ids: every text a customer id may occur in is limited here, so that message_id() never
 * overflows. */
void job_check_ids(struct job_open *o);
/* job_choose_needed: the columns that selecting and composing will look at. */
void job_choose_needed(struct job *job);

/* --- job_audience.c --- */

void job_open_audience(struct job_open *o);
void job_open_recipients(struct job_open *o);
void job_open_optouts(struct job_open *o);
/* job_open_recent: who had enough messages lately; a manual or transactional one is never one too many. */
void job_open_recent(struct job_open *o);

/* --- job_template.c --- */

/* job_open_templates: the template set, the values of its variables, the senders. */
void job_open_templates(struct job_open *o);

#endif
