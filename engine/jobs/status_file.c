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
#include <string.h>

/* A status that is still to be written. */
struct owed {
    char *job, *content;
    struct owed *next;
};

struct status_files {
    const char *home;
    struct owed *owed; /* none of two for a job */
    bool failing;      /* and that has been said */
};

struct status_files *status_files_create(const char *home)
{
    struct status_files *files = calloc(1, sizeof(*files));
    CHECK(files != NULL);
    files->home = home;
    return files;
}

static void owed_free(struct owed *owed)
{
    free(owed->job);
    free(owed->content);
    free(owed);
}

void status_files_destroy(struct status_files **at)
{
    struct status_files *files = *at;
    *at = NULL;
    for (struct owed *owed = files ? files->owed : NULL, *next; owed; owed = next) {
        next = owed->next;
        owed_free(owed);
    }
    free(files);
}

static int write_now(struct status_files *files, const char *job, const char *content)
{
    char path[PATH_BYTES];
    struct error err;
    if (snprintf(path, sizeof(path), "%s/spool/status/%s.json", files->home, job) >=
        PATH_BYTES)
        return 0; /* no other file of this home is written either */
    int rc = file_replace(path, text_of(content), &err);
    if (rc && !files->failing)
        log_warn("spool", "cannot write a job's status; it will be tried again",
                 "job=%s reason=\"%s\"", job, err.text);
    else if (rc == 0 && files->failing)
        log_info("spool", "the jobs' status is written again", "job=%s", job);
    files->failing = rc != 0;
    return rc;
}

static void forget(struct status_files *files, const char *job)
{
    for (struct owed **at = &files->owed; *at; at = &(*at)->next) {
        struct owed *owed = *at;
        if (strcmp(owed->job, job) == 0) {
            *at = owed->next;
            owed_free(owed);
            return;
        }
    }
}

void status_files_retry(struct status_files *files)
{
    struct owed *owed;
    while ((owed = files->owed) && write_now(files, owed->job, owed->content) == 0) {
        files->owed = owed->next;
        owed_free(owed);
    }
}

/* put: writes json and lets go of it. */
static void put(struct status_files *files, struct text id, enum priority priority,
                json_t *json)
{
    char now[CLOCK_FORMAT_BYTES], *job = text_copy(id);
    clock_format(clock_now_ns(), true, now);
    json_object_set_new(json, "priority", json_string(priority_name(priority)));
    json_object_set_new(json, "updated", json_string(now));
    char *content = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    json_decref(json);
    forget(files, job);
    if (write_now(files, job, content) == 0) {
        free(content);
        free(job);
        return;
    }
    struct owed *owed = malloc(sizeof(*owed));
    CHECK(owed != NULL);
    *owed = (struct owed){.job = job, .content = content, .next = files->owed};
    files->owed = owed;
}

void status_file_write(struct status_files *files, const struct status *status)
{
    static const struct books none;
    json_t *json =
        report_json(status->job, status->account, status->books ? status->books : &none,
                    status->state, NULL, status->elapsed_ns, status->answered_before);
    if (status->reason[0])
        json_object_set_new(json, "reason", json_string(status->reason));
    put(files, status->job, status->priority, json);
}

void status_file_ended(struct status_files *files, struct text job,
                       enum priority priority)
{
    static const char *const keys[] = {"job",       "account",    "state",
                                       "balanced",  "matched",    "channels",
                                       "elapsed_s", "rate_per_s", "reason"};
    char dir[PATH_BYTES];
    json_t *report =
        frozen_dir(files->home, job, dir, NULL) == 0 ? report_read(dir) : NULL;
    if (!report)
        return;
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        json_t *value = json_object_get(report, keys[i]);
        if (value)
            json_object_set(json, keys[i], value);
    }
    put(files, job, priority, json);
    json_decref(report);
}

void status_file_running(struct status_files *files, struct run *run)
{
    struct run_progress progress;
    run_progress(run, &progress);
    const struct job *job = run_job(run);
    status_file_write(files,
                      &(struct status){.job = job->file.id,
                                       .account = job->account.id,
                                       .state = JOB_RUNNING,
                                       .priority = job->file.priority,
                                       .reason = "",
                                       .books = &progress.books,
                                       .elapsed_ns = progress.elapsed_ns,
                                       .answered_before = progress.answered_before});
}
