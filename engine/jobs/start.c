/* start: see start.h. */
#include "engine/jobs/start.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/job/reached.h"
#include "engine/job/turn.h"
#include "engine/jobs/daemon.h"
#include "engine/jobs/plan.h"
#include "engine/jobs/recover.h"
#include "engine/results/status.h"

#include <stdio.h>
#include <unistd.h>

/* How long the turn of an account is waited for. */
#define PLACE_NS    NS_PER_S
#define TERMINAL_NS (60 * NS_PER_S)

struct store_job start_entry(const struct job_file *file, int64_t content_hash,
                             const char *name, enum job_state state)
{
    static const char *const sources[] = {[JOB_CAMPAIGN] = "campaign",
                                          [JOB_SEQUENCE] = "sequence",
                                          [JOB_MANUAL] = "manual"};
    return (struct store_job){.id = file->id,
                              .account = file->account,
                              .category = text_of(category_name(file->category)),
                              .source = text_of(sources[file->source]),
                              .template_name = file->template_name,
                              .reason = TEXT(""),
                              .spool_name = text_of(name),
                              .priority = file->priority,
                              .state = state,
                              .created_ns = clock_now_ns(),
                              .started_ns = state == JOB_RUNNING ? clock_now_ns() : 0,
                              .send_at_ns = file->send_at_ns,
                              .pid = state == JOB_RUNNING ? getpid() : 0,
                              .content_hash = content_hash};
}

int64_t start_content_hash(struct text content)
{
    int64_t hash = (int64_t)hash64(content.data, content.bytes);
    return hash ? hash : 1;
}

void start_problem(void *arg, unsigned line, const char *sentence)
{
    struct start_problem *first = arg;
    (void)sentence;
    if (!first->told)
        *first = (struct start_problem){.line = line, .told = true};
}

/* What the store keeps of a job that is resumed. */
struct known {
    char spool_name[256];
    int64_t content_hash;
    bool paused;
    enum job_control control;
};

/* A start on its way. */
struct start {
    struct io_thread *io;
    const struct job_env *env;
    const char *name;
    struct text content;
    int64_t content_hash;
    bool recorded; /* the caller keeps the job's state */
    bool resumes;  /* also what is paused */
    struct run **run_out;
    struct error *err;
};

/* obstacle: why a known job is not to be started here: an answer or an error; 0: nothing. */
static int obstacle(const struct start *s, const struct store_job *known)
{
    const char *home = s->env->home;
    if (known->state == JOB_FINISHED || known->state == JOB_CANCELLED)
        return START_DONE;
    if (known->state == JOB_PAUSED && !s->resumes)
        return START_PAUSED;
    /* Recorded before a crash, or a moment ago: it must not begin before the daemon comes to it. */
    if (known->state == JOB_WAITING && known->control == JOB_CONTROL_PAUSE && !s->resumes)
        return s->recorded
                   ? error_set(s->err, ERROR_AGAIN, "job \"%.*s\" is about to be paused",
                               TEXT_ARGS(known->id))
                   : START_PAUSED;
    if (status_running(home, known) && known->pid != getpid())
        return error_set(s->err, ERROR_AGAIN,
                         "job \"%.*s\" is being sent by process %lld: `volley jobs` "
                         "shows how it stands",
                         TEXT_ARGS(known->id), (long long)known->pid);
    if (known->state == JOB_WAITING && !s->recorded && daemon_serves(home) &&
        recover_spooled(home, known->spool_name))
        return error_set(s->err, ERROR_AGAIN,
                         "job \"%.*s\" waits in the spool of `volley serve`: `volley "
                         "jobs` shows how it stands",
                         TEXT_ARGS(known->id));
    return 0;
}

/* look_up: obstacle of what the store knows of the job. known_out may be NULL. */
static int look_up(const struct start *s, struct text id, struct known *known_out)
{
    struct arena arena;
    struct store_job job;
    int rc = arena_init(&arena, (size_t)1 << 20, s->err);
    if (rc)
        return rc;
    rc = store_job_get(s->env->store, id, &arena, &job, s->err);
    if (rc == 1 && known_out) {
        snprintf(known_out->spool_name, sizeof(known_out->spool_name), "%.*s",
                 TEXT_ARGS(job.spool_name));
        known_out->content_hash = job.content_hash;
        known_out->paused = job.state == JOB_PAUSED;
        known_out->control = job.control;
    }
    if (rc == 1)
        rc = obstacle(s, &job);
    arena_fini(&arena);
    return rc;
}

/* claim: the job is ours to run, unless another process was faster: two that look at the same moment
 * wait for each other in store_begin. Who was to be cancelled still is. */
static int claim(const struct start *s, struct store_job *entry)
{
    struct known known = {0};
    int rc = store_begin(s->env->store, s->err);
    if (rc)
        return rc;
    rc = look_up(s, entry->id, &known);
    if (known.control == JOB_CONTROL_CANCEL)
        entry->control = JOB_CONTROL_CANCEL;
    if (rc == 0)
        rc = store_job_put(s->env->store, entry, s->err);
    return store_end(s->env->store, rc, s->err);
}

/* record: an answer, 0 or negative. */
static int record(const struct start *s, const struct job_file *file,
                  enum job_state state)
{
    if (s->recorded) {
        /* The next job of the account looks at once which others have started. */
        bool counted = state == JOB_RUNNING && s->env->config->frequency_cap.messages > 0;
        return counted ? store_job_state(s->env->store, file->id, state, TEXT(""), s->err)
                       : 0;
    }
    struct store_job entry = start_entry(file, s->content_hash, s->name, state);
    return claim(s, &entry);
}

/* note_plan: whom the job will write to, for the frequency cap of those that start after it. */
static int note_plan(const struct start *s, const struct job *job)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    struct reached reached = {0};
    int rc = frozen_dir(s->env->home, job->file.id, dir, s->err);
    if (rc == 0)
        rc = path_join(path, dir, TEXT(REACHED_PLANNED), s->err);
    if (rc == 0)
        rc = plan_reached(s->env->store, job, &reached, s->err);
    if (rc == 0)
        rc = reached_write(path, &reached, s->err);
    reached_fini(&reached);
    return rc;
}

static bool has_plan(const struct start *s, struct text id)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    return frozen_dir(s->env->home, id, dir, NULL) == 0 &&
           path_join(path, dir, TEXT(REACHED_PLANNED), NULL) == 0 && file_exists(path);
}

/* run_in_dir: turn is NULL for a job that need not wait for others, or has its plan. */
static int run_in_dir(const struct start *s, struct job *job, struct turn **turn)
{
    char dir[PATH_BYTES];
    int rc = *turn ? note_plan(s, job) : 0;
    failpoint(FAILPOINT_START_PLANNED);
    if (rc == 0)
        rc = record(s, &job->file, JOB_RUNNING);
    turn_end(turn);
    failpoint(FAILPOINT_START_RECORDED);
    if (rc == 0)
        rc = frozen_dir(s->env->home, job->file.id, dir, s->err);
    if (rc == 0)
        rc = run_start(s->io, s->env->store, dir, &job, s->run_out, s->err);
    job_close(&job);
    return rc ? rc : START_RUNNING;
}

/* surely_in_time: if every row of the snapshot got a message on every channel it would end in time, so
 * nobody has to be counted. */
static bool surely_in_time(const struct job *job)
{
    struct books all = {.matched = snapshot_rows(job->snapshot)};
    const struct waits none = {0};
    struct forecast forecast;
    char line[FORECAST_WARNING_BYTES];
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (job_uses(job, (enum channel)c))
            all.channels[c].dispositions[DISPOSITION_SEND] = all.matched;
    }
    forecast_make(job, &all, &none, &forecast);
    return job->hours.count == 0 && !forecast_warning(job, &forecast, line);
}

/* warn_late: a finish_by that cannot be met is said at the start, not when it is too late. */
static void warn_late(const struct start *s, const struct job *job)
{
    struct plan plan;
    struct error ignored; /* whatever it is, the run meets it and says so */
    char line[FORECAST_WARNING_BYTES];
    if (job->file.finish_by_ns && !surely_in_time(job) &&
        plan_make(s->env->store, job, &plan, &ignored) == 0 &&
        forecast_warning(job, &plan.forecast, line))
        log_warn("engine", "finish_by cannot be met", "job=%.*s reason=\"%s\"",
                 TEXT_ARGS(job->file.id), line);
}

/* take_turn: a place in the daemon is lent for a moment only, or the jobs of one account that wait behind
 * a large one would take all of them from the others. */
static int take_turn(const struct start *s, struct text account, struct turn **out)
{
    const struct turn_wait wait = {.at_most_ns = s->recorded ? PLACE_NS : TERMINAL_NS,
                                   .stop = s->env->stop};
    return turn_begin(s->env->home, account, &wait, out, s->err);
}

static int start_fresh(const struct start *s, struct job_file *file)
{
    struct job *job = NULL;
    struct turn *turn = NULL;
    int rc = 0;
    if (job_is_capped(s->env->config, file))
        rc = take_turn(s, file->account, &turn);
    if (rc == 0)
        rc = job_open(s->env, file, NULL, &job, s->err);
    if (rc == 0) {
        warn_late(s, job);
        rc = frozen_make(s->env->home, job, s->content, s->err);
        failpoint(FAILPOINT_START_FROZEN);
    }
    if (rc == 0)
        return run_in_dir(s, job, &turn);
    turn_end(&turn);
    job_close(&job);
    return rc;
}

static int go_on(const struct start *s, struct text id)
{
    struct job *job;
    struct turn *turn = NULL;
    int rc = frozen_open(s->env, id, &job, s->err);
    /* Killed before it had planned, or begun when there was no cap: it counts those that came since. */
    if (rc == 0 && job_is_capped(s->env->config, &job->file) && !has_plan(s, id)) {
        rc = take_turn(s, job->account.id, &turn);
        job_close(&job);
        if (rc == 0)
            rc = frozen_open(s->env, id, &job, s->err);
    }
    if (rc == 0)
        return run_in_dir(s, job, &turn);
    turn_end(&turn);
    return rc;
}

static int start(const struct start *s, struct job_file *file)
{
    int rc = look_up(s, file->id, NULL);
    if (rc)
        return rc;
    if (frozen_exists(s->env->home, file->id))
        return go_on(s, file->id);
    if (file->send_at_ns <= clock_now_ns())
        return start_fresh(s, file);
    rc = record(s, file, JOB_WAITING);
    return rc ? rc : START_WAITING;
}

static int parse_and_start(const struct start *s, struct buffer *id_out,
                           int64_t *due_ns_out)
{
    struct job_file file;
    int rc = job_file_parse(s->content, s->name, s->env->problem_fn, s->env->arg, &file,
                            s->err);
    if (rc)
        return rc;
    if (id_out)
        buffer_text(id_out, file.id);
    if (due_ns_out)
        *due_ns_out = file.send_at_ns;
    rc = start(s, &file);
    job_file_fini(&file); /* nothing when it has moved into the job */
    return rc;
}

int start_content(struct io_thread *io, const struct job_env *env, struct text content,
                  const char *name, struct buffer *id_out, int64_t *due_ns_out,
                  struct run **run_out, struct error *err)
{
    struct start s = {.io = io,
                      .env = env,
                      .name = name,
                      .content = content,
                      .content_hash = start_content_hash(content),
                      .run_out = run_out,
                      .err = err};
    return parse_and_start(&s, id_out, due_ns_out);
}

int start_recorded(struct io_thread *io, const struct job_env *env, struct text content,
                   const char *name, struct run **run_out, struct error *err)
{
    struct start s = {.io = io,
                      .env = env,
                      .name = name,
                      .content = content,
                      .content_hash = start_content_hash(content),
                      .recorded = true,
                      .run_out = run_out,
                      .err = err};
    return parse_and_start(&s, NULL, NULL);
}

int start_resume(struct io_thread *io, const struct job_env *env, struct text id,
                 struct run **run_out, struct error *err)
{
    struct known known = {0};
    struct start s = {.io = io,
                      .env = env,
                      .name = known.spool_name,
                      .resumes = true,
                      .run_out = run_out,
                      .err = err};
    int rc = look_up(&s, id, &known);
    s.content_hash = known.content_hash;
    if (rc == 0 && known.paused && known.spool_name[0] && !frozen_exists(env->home, id))
        rc = error_set(err, ERROR_INPUT,
                       "job \"%.*s\" was paused before it began: `volley resume %.*s "
                       "--spool` hands it to `volley serve`",
                       TEXT_ARGS(id), TEXT_ARGS(id));
    return rc ? rc : go_on(&s, id);
}
