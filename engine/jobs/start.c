/* start: see start.h. */
#include "engine/jobs/start.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "engine/job/frozen.h"

#include <stdio.h>
#include <unistd.h>

/* What the store says of a job; JOB_RUNNING when it says nothing (we died between freezing
 * and recording). */
struct known {
    enum job_state state;
    char spool_name[256];
};

static int look_up(struct store *store, struct text id, struct known *out,
                   struct error *err)
{
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc)
        return rc;
    int found = store_job_get(store, id, &arena, &job, err);
    *out = (struct known){.state = found == 1 ? job.state : JOB_RUNNING};
    if (found == 1)
        snprintf(out->spool_name, sizeof(out->spool_name), "%.*s",
                 TEXT_ARGS(job.spool_name));
    arena_fini(&arena);
    return found < 0 ? found : 0;
}

static int record(const struct job_env *env, const struct job *job, const char *name,
                  enum job_state state, struct error *err)
{
    struct store_job entry = {.id = job->file.id,
                              .account = job->file.account,
                              .category = text_of(category_name(job->file.category)),
                              .source =
                                  text_of(job->file.source == JOB_CAMPAIGN   ? "campaign"
                                          : job->file.source == JOB_SEQUENCE ? "sequence"
                                                                             : "manual"),
                              .template_name = job->file.template_name,
                              .reason = TEXT(""),
                              .spool_name = text_of(name),
                              .state = state,
                              .created_ns = clock_now_ns(),
                              .started_ns = state == JOB_RUNNING ? clock_now_ns() : 0,
                              .send_at_ns = job->file.send_at_ns,
                              .pid = state == JOB_RUNNING ? getpid() : 0};
    return store_job_put(env->store, &entry, err);
}

static int run_in_dir(struct io_thread *io, const struct job_env *env, struct job *job,
                      struct run **run_out, struct error *err)
{
    char dir[PATH_BYTES];
    int rc = frozen_dir(env->home, job->file.id, dir, err);
    if (rc == 0)
        rc = run_start(io, env->store, dir, &job, run_out, err);
    job_close(&job);
    return rc ? rc : START_RUNNING;
}

static int start_fresh(struct io_thread *io, const struct job_env *env,
                       struct job_file *file, struct text content, const char *name,
                       struct run **run_out, struct error *err)
{
    struct job *job;
    int rc = job_open(env, file, NULL, &job, err);
    if (rc)
        return rc;
    rc = frozen_make(env->home, job, content, err);
    failpoint(FAILPOINT_START_FROZEN);
    if (rc == 0)
        rc = record(env, job, name, JOB_RUNNING, err);
    failpoint(FAILPOINT_START_RECORDED);
    if (rc == 0)
        return run_in_dir(io, env, job, run_out, err);
    job_close(&job);
    return rc;
}

static int go_on(struct io_thread *io, const struct job_env *env, struct text id,
                 const char *name, struct run **run_out, struct error *err)
{
    struct job *job;
    int rc = frozen_open(env, id, &job, err);
    if (rc)
        return rc;
    rc = record(env, job, name, JOB_RUNNING, err);
    if (rc == 0)
        return run_in_dir(io, env, job, run_out, err);
    job_close(&job);
    return rc;
}

int start_content(struct io_thread *io, const struct job_env *env, struct text content,
                  const char *name, struct buffer *id_out, int64_t *due_ns_out,
                  struct run **run_out, struct error *err)
{
    struct job_file file;
    struct known known;
    int rc = job_file_parse(content, name, env->problem_fn, env->arg, &file, err);
    if (rc)
        return rc;
    if (id_out)
        buffer_text(id_out, file.id);
    if (due_ns_out)
        *due_ns_out = file.send_at_ns;
    rc = look_up(env->store, file.id, &known, err);
    if (rc) {
        /* told below */
    } else if (known.state == JOB_FINISHED || known.state == JOB_CANCELLED) {
        rc = START_DONE;
    } else if (frozen_exists(env->home, file.id)) {
        rc = known.state == JOB_PAUSED ? START_PAUSED
                                       : go_on(io, env, file.id, name, run_out, err);
    } else if (file.send_at_ns > clock_now_ns()) {
        struct job unopened = {.file = file};
        rc = record(env, &unopened, name, JOB_WAITING, err);
        rc = rc ? rc : START_WAITING;
    } else {
        return start_fresh(io, env, &file, content, name, run_out, err);
    }
    job_file_fini(&file);
    return rc;
}

int start_resume(struct io_thread *io, const struct job_env *env, struct text id,
                 struct run **run_out, struct error *err)
{
    struct known known;
    int rc = look_up(env->store, id, &known, err);
    if (rc)
        return rc;
    if (known.state == JOB_FINISHED || known.state == JOB_CANCELLED)
        return START_DONE;
    return go_on(io, env, id, known.spool_name, run_out, err);
}
