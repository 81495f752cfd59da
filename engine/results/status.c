/* status: see status.h. */
#include "engine/results/status.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/job/frozen.h"
#include "engine/results/report.h"
#include "ingest/job_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int read_names(const char *dir, struct books *books, struct error *err)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    struct job_file file;
    int rc = path_join(path, dir, TEXT("job.json"), err);
    if (rc == 0)
        rc = file_read(path, (size_t)64 << 20, &content, err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&content), path, NULL, NULL, &file, err);
    if (rc == 0) {
        for (size_t i = 0; i < file.channel_count; i++)
            books->channels[file.channels[i]].named = true;
        job_file_fini(&file);
    }
    buffer_fini(&content);
    return rc;
}

int status_books(const char *dir, const struct replay *replay, struct books *out,
                 struct error *err)
{
    *out = (struct books){0};
    int rc = read_names(dir, out, err);
    for (int c = 0; rc == 0 && c < CHANNEL_COUNT; c++) {
        uint64_t matched = 0;
        for (int d = DISPOSITION_SEND; d < DISPOSITION_COUNT; d++)
            matched += out->channels[c].dispositions[d] = replay->counts[c][d];
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            out->channels[c].outcomes[o] = replay->outcomes[c][o];
        if (out->channels[c].named)
            out->matched = matched;
    }
    out->channels[CHANNEL_SMS].segments = replay->sms_segments;
    return rc;
}

static int read_books(const char *dir, struct books *books, struct error *err)
{
    struct replay replay = {0};
    int rc = replay_exists(dir) ? replay_read(dir, NULL, &replay, err) : 0;
    if (rc == 0)
        rc = status_books(dir, &replay, books, err);
    replay_fini(&replay);
    return rc;
}

/* lives: who sends from a home holds this lock (engine/process/run_dir.c). */
static bool lives(const char *home, int64_t pid)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s/run/%" PRId64 ".lock", home, pid) >= PATH_BYTES)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return locked;
}

bool status_running(const char *home, const struct store_job *job)
{
    return job->state == JOB_RUNNING && job->pid > 0 && lives(home, job->pid);
}

static json_t *describe(const char *dir, const struct store_job *job, struct error *err)
{
    struct books books = {0};
    bool ended = job->state == JOB_FINISHED || job->state == JOB_CANCELLED;
    json_t *report = ended ? report_read(dir) : NULL;
    if (report && report_heard(dir, report, err)) {
        json_decref(report);
        return NULL;
    }
    if (report)
        return report;
    char begun[PATH_BYTES]; /* paused, cancelled or failed before it had a journal */
    if (path_join(begun, dir, TEXT("journal.0000"), NULL) == 0 && file_exists(begun) &&
        read_books(dir, &books, err))
        return NULL;
    int64_t until = job->finished_ns ? job->finished_ns : clock_now_ns();
    return report_json(job->id, job->account, &books, job->state, NULL,
                       job->started_ns ? until - job->started_ns : 0, 0);
}

int status_read(const char *home, struct store *store, struct text id, json_t **out,
                struct error *err)
{
    char dir[PATH_BYTES];
    struct arena arena;
    struct store_job job;
    int rc = frozen_dir(home, id, dir, err);
    if (rc == 0)
        rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    int found = store_job_get(store, id, &arena, &job, err);
    if (found == 0)
        rc = error_set(err, ERROR_INPUT, "job \"%.*s\" is not known (see `volley jobs`)",
                       TEXT_ARGS(id));
    else if (found < 0)
        rc = found;
    struct error why = {0};
    *out = rc ? NULL : describe(dir, &job, &why);
    if (rc == 0 && !*out) {
        rc = -(int)why.kind;
        if (err)
            *err = why;
    } else if (rc == 0) {
        json_object_set_new(*out, "priority", json_string(priority_name(job.priority)));
        /* of a job that runs it is what a process said, which may be dead */
        if (job.reason.bytes > 0 &&
            (job.state != JOB_RUNNING || status_running(home, &job)))
            json_object_set_new(*out, "reason",
                                json_stringn(job.reason.data, job.reason.bytes));
        if (job.state == JOB_RUNNING)
            json_object_set_new(*out, "running",
                                json_boolean(status_running(home, &job)));
    }
    arena_fini(&arena);
    return rc;
}
