/* report: report.json and report.html, the books of a job as it stands when its run ends. */
#ifndef ENGINE_REPORT_H
#define ENGINE_REPORT_H

#include "base/file.h"
#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/results/receipt_file.h"
#include "engine/results/results.h"
#include "engine/state/quota.h"

/* report_json: what `send --json` and `show --json` print (DESIGN 4.8). elapsed is that
 * of the last run, the rate what it got done; answered_before came from the runs before
 * it.
 * Owns: the caller decrefs. */
json_t *report_json(struct text job, struct text account, const struct books *books,
                    enum job_state state, const struct quota *quota, int64_t elapsed_ns,
                    uint64_t answered_before);

/* What a run has to say when it ends. */
struct report {
    const struct job *job;
    const struct books *books;
    enum job_state state;
    const struct quota *quota;
    const struct results_summary *results; /* NULL while the job is only held */
    int64_t started_ns, finished_ns;       /* calendar; 0: not yet */
    int64_t elapsed_ns;
    uint64_t answered_before;
    struct text reason; /* why the job is held, or "" */
};

/* report_write: dir/report.json, and dir/report.html, which shows the same. */
int report_write(const char *dir, const struct report *report,
                 struct error *err) MUST_USE;

/* report_page: dir/report.html from what report_json or report_read gives. */
int report_page(const char *dir, const json_t *report, char path_out[PATH_BYTES],
                struct error *err) MUST_USE;

/* report_read: dir/report.json, or NULL when there is none yet. */
json_t *report_read(const char *dir);

/* report_heard: what was heard later of the job's messages, counted into report ("receipts", by status).
 * report_heard_write: into dir's report.json and report.html; no report is fine. */
int report_heard(const char *dir, json_t *report, struct error *err) MUST_USE;
int report_heard_write(const char *dir, struct error *err) MUST_USE;

#endif
