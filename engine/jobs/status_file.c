/* status_file: see status_file.h. */
#include "engine/jobs/status_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
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

void status_file_write(const char *home, const struct status *status)
{
    static const struct books none;
    char now[CLOCK_FORMAT_BYTES];
    clock_format(clock_now_ns(), true, now);
    json_t *json =
        report_json(status->job, status->account, status->books ? status->books : &none,
                    status->state, NULL, status->elapsed_ns, status->answered_before);
    json_object_set_new(json, "priority", json_string(priority_name(status->priority)));
    if (status->reason[0])
        json_object_set_new(json, "reason", json_string(status->reason));
    json_object_set_new(json, "updated", json_string(now));
    char *content = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    if (!replace(home, status->job, content))
        log_warn("spool", "cannot write a job's status", "job=%.*s reason=\"%s\"",
                 TEXT_ARGS(status->job), strerror(errno));
    free(content);
    json_decref(json);
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
