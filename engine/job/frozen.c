/* frozen: see frozen.h. */
#include "engine/job/frozen.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "engine/job/draft.h"
#include "engine/job/frozen_template.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

int frozen_dir(const char *home, struct text id, char out[PATH_BYTES], struct error *err)
{
    char outbox[PATH_BYTES];
    if (!name_is_safe(id))
        return error_set(err, ERROR_INPUT, "\"%.*s\" is no job id", TEXT_ARGS(id));
    int rc = path_join(outbox, home, TEXT("outbox"), err);
    return rc ? rc : path_join(out, outbox, id, err);
}

bool frozen_exists(const char *home, struct text id)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    return frozen_dir(home, id, dir, NULL) == 0 &&
           path_join(path, dir, TEXT("job.json"), NULL) == 0 && file_exists(path);
}

/* --- make --- */

/* copy_big: without holding it in memory. */
static int copy_big(const char *from, const char *to, struct error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    ssize_t moved = in < 0 || out < 0 ? -1 : 1;
    while (moved > 0)
        moved = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
    if (moved == 0)
        moved = fsync(out);
    int rc = moved ? error_io(err, "cannot copy %s to %s", from, to) : 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc;
}

static int link_snapshot(const char *from, const char *to, struct error *err)
{
    if (link(from, to) == 0)
        return 0;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK)
        return error_io(err, "cannot link %s to %s", from, to);
    return copy_big(from, to, err);
}

static int write_clock(const char *path, const struct job *job, struct error *err)
{
    char now[CLOCK_FORMAT_BYTES];
    clock_format(job->now_ns, true, now);
    json_t *json =
        json_pack("{s:s, s:I}", "clock", now, "clock_ns", (json_int_t)job->now_ns);
    CHECK(json != NULL);
    if (job->where.data)
        json_object_set_new(json, "where",
                            json_stringn(job->where.data, job->where.bytes));
    char *content = json_dumps(json, JSON_INDENT(2));
    CHECK(content != NULL);
    int rc = file_create(path, text_of(content), 0644, err);
    free(content);
    json_decref(json);
    return rc;
}

static int fill_folder(const char *home, const char *dir, const struct job *job,
                       struct text content, struct error *err)
{
    char to[PATH_BYTES];
    int rc = path_join(to, dir, TEXT("snapshot.arrow"), err);
    if (rc == 0)
        rc = link_snapshot(job->snapshot_path, to, err);
    failpoint(FAILPOINT_FREEZE_SNAPSHOT);
    if (rc == 0)
        rc = path_join(to, dir, TEXT("template"), err);
    if (rc == 0)
        rc = frozen_template_make(home, job->template_dir, to, err);
    if (rc == 0)
        rc = path_join(to, dir, TEXT("frozen.json"), err);
    if (rc == 0)
        rc = write_clock(to, job, err);
    if (rc == 0)
        rc = path_join(to, dir, TEXT("job.json"), err);
    return rc ? rc : file_create(to, content, 0644, err);
}

int frozen_make(const char *home, const struct job *job, struct text content,
                struct error *err)
{
    char dir[PATH_BYTES], outbox[PATH_BYTES];
    struct draft draft;
    int rc = frozen_dir(home, job->file.id, dir, err);
    if (rc == 0)
        rc = path_join(outbox, home, TEXT("outbox"), err);
    if (rc == 0)
        rc = file_make_dirs(outbox, err);
    if (rc)
        return rc;
    rc = draft_open(&draft, outbox, job->file.id, err);
    if (rc == 0)
        rc = fill_folder(home, draft.path, job, content, err);
    if (rc == 0)
        rc = file_sync_dir(draft.path, err);
    failpoint(FAILPOINT_FREEZE_DRAFT);
    if (rc == 0)
        rc = draft_place(&draft, dir, err);
    failpoint(FAILPOINT_FREEZE_NAMED);
    draft_close(&draft);
    if (rc == 0)
        rc = file_sync_dir(outbox, err);
    return rc == 1
               ? error_set(err, ERROR_AGAIN,
                           "job \"%.*s\" is being started by another process: `volley "
                           "jobs` shows how it stands",
                           TEXT_ARGS(job->file.id))
               : rc;
}

/* --- open --- */

static int read_clock(const char *dir, struct job_frozen *frozen, json_t **json_out,
                      struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, dir, TEXT("frozen.json"), err);
    if (rc)
        return rc;
    json_error_t why;
    json_t *json = json_load_file(path, 0, &why);
    if (!json || !json_is_integer(json_object_get(json, "clock_ns"))) {
        json_decref(json);
        return error_set(err, ERROR_IO, "%s is damaged: %s", path, why.text);
    }
    frozen->now_ns = json_integer_value(json_object_get(json, "clock_ns"));
    json_t *where = json_object_get(json, "where");
    if (json_is_string(where))
        frozen->where =
            (struct text){json_string_value(where), json_string_length(where)};
    *json_out = json;
    return 0;
}

int frozen_open(const struct job_env *env, struct text id, struct job **out,
                struct error *err)
{
    char dir[PATH_BYTES], path[PATH_BYTES], snapshot[PATH_BYTES], templates[PATH_BYTES];
    struct job_frozen frozen = {.snapshot_path = snapshot, .template_dir = templates};
    struct buffer content = {0};
    struct job_file file;
    json_t *json = NULL;
    int rc = frozen_dir(env->home, id, dir, err);
    if (rc == 0 && !frozen_exists(env->home, id))
        return error_set(err, ERROR_INPUT,
                         "job \"%.*s\" was never started (see `volley jobs`)",
                         TEXT_ARGS(id));
    if (rc == 0)
        rc = path_join(path, dir, TEXT("job.json"), err);
    if (rc == 0)
        rc = path_join(snapshot, dir, TEXT("snapshot.arrow"), err);
    if (rc == 0)
        rc = path_join(templates, dir, TEXT("template"), err);
    if (rc == 0)
        rc = read_clock(dir, &frozen, &json, err);
    if (rc == 0)
        rc = file_read(path, FILE_BYTES_MAX, &content, err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&content), path, env->problem_fn, env->arg, &file,
                            err);
    if (rc == 0)
        rc = job_open(env, &file, &frozen, out, err);
    json_decref(json);
    buffer_fini(&content);
    return rc;
}
