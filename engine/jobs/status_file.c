/* status_file: see status_file.h. */
#include "engine/jobs/status_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/results/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* put: writes json and lets go of it. */
static void put(const char *home, struct text job, enum priority priority, json_t *json)
{
    char now[CLOCK_FORMAT_BYTES], path[PATH_BYTES];
    clock_format(clock_now_ns(), true, now);
    json_object_set_new(json, "priority", json_string(priority_name(priority)));
    json_object_set_new(json, "updated", json_string(now));
    char *content = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    struct error err = {0};
    bool fits = snprintf(path, sizeof(path), "%s/spool/status/%.*s.json", home,
                         TEXT_ARGS(job)) < PATH_BYTES;
    if (fits && file_replace(path, text_of(content), &err))
        log_warn("spool", "cannot write a job's status", "job=%.*s reason=\"%s\"",
                 TEXT_ARGS(job), err.text);
    free(content);
    json_decref(json);
}

void status_file_write(const char *home, const struct status *status)
{
    static const struct books none;
    json_t *json =
        report_json(status->job, status->account, status->books ? status->books : &none,
                    status->state, NULL, status->elapsed_ns, status->answered_before);
    if (status->reason[0])
        json_object_set_new(json, "reason", json_string(status->reason));
    put(home, status->job, status->priority, json);
}

void status_file_ended(const char *home, struct text job, enum priority priority)
{
    static const char *const keys[] = {"job",       "account",    "state",
                                       "balanced",  "matched",    "channels",
                                       "elapsed_s", "rate_per_s", "reason"};
    char dir[PATH_BYTES];
    json_t *report = frozen_dir(home, job, dir, NULL) == 0 ? report_read(dir) : NULL;
    if (!report)
        return;
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        json_t *value = json_object_get(report, keys[i]);
        if (value)
            json_object_set(json, keys[i], value);
    }
    put(home, job, priority, json);
    json_decref(report);
}

void status_file_running(const char *home, struct run *run)
{
    struct run_progress progress;
    run_progress(run, &progress);
    const struct job *job = run_job(run);
    status_file_write(home,
                      &(struct status){.job = job->file.id,
                                       .account = job->account.id,
                                       .state = JOB_RUNNING,
                                       .priority = job->file.priority,
                                       .reason = "",
                                       .books = &progress.books,
                                       .elapsed_ns = progress.elapsed_ns,
                                       .answered_before = progress.answered_before});
}
