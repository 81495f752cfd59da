/* audit: does what is left of a job agree with itself? Its journal, its report and its
 * results are read; nothing is changed, and the job may be running meanwhile. */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "engine/job/books.h"
#include "outbox/journal/verify.h"

enum audit_report {
    AUDIT_REPORT_NONE,  /* report.json is written when a run ends */
    AUDIT_REPORT_SAME,  /* its books are those of the journal */
    AUDIT_REPORT_OLDER, /* it is of an earlier run; the next end writes it anew */
    AUDIT_REPORT_DIFFERS,
    AUDIT_REPORT_COUNT
};
const char *audit_report_name(enum audit_report report);

#define AUDIT_PROBLEMS_MAX 3

struct audit {
    struct verify journal;
    uint64_t messages; /* planned, over all channels */
    enum audit_report report;
    int64_t results_rows; /* of results.arrow; -1: there is none, or not a whole one */
    /* Damage, each with its file and what to do. */
    struct error problems[AUDIT_PROBLEMS_MAX];
    size_t problem_count;
};

/* audit_read: dir is outbox/<job>.
 * Owns:   audit_fini frees out, also after an error
 * Errors: ERROR_IO; what is damaged is a problem, not an error */
int audit_read(const char *dir, struct audit *out, struct error *err) MUST_USE;
void audit_fini(struct audit *audit);

#endif
