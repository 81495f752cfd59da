/* status_file: see status_file.h. */
#include "engine/jobs/status_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/results/report.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool replace(const char *home, struct text job, const char *content)
{
    char path[PATH_BYTES], draft[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s/spool/status/%.*s.json", home, TEXT_ARGS(job)) >=
            PATH_BYTES ||
        snprintf(draft, sizeof(draft), "%s/spool/status/.%.*s.tmp", home,
                 TEXT_ARGS(job)) >= PATH_BYTES)
        return false;
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    size_t bytes = strlen(content);
    bool written = write(fd, content, bytes) == (ssize_t)bytes;
    close(fd);
    return written && rename(draft, path) == 0;
}

/* put: writes json and lets go of it. */
static void put(const char *home, struct text job, enum priority priority, json_t *json)
{
    char now[CLOCK_FORMAT_BYTES];
    clock_format(clock_now_ns(), true, now);
    json_object_set_new(json, "priority", json_string(priority_name(priority)));
    json_object_set_new(json, "updated", json_string(now));
    char *content = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    if (!replace(home, job, content))
        log_warn("spool", "cannot write a job's status", "job=%.*s reason=\"%s\"",
                 TEXT_ARGS(job), strerror(errno));
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
