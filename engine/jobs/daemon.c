/* daemon: see daemon.h. One control thread takes files, starts, polls and ends runs. A
 * job file stays in spool/active as long as its job is not over, so a restart finds it
 * there. */
#include "engine/jobs/daemon.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/jobs/recover.h"
#include "engine/jobs/start.h"
#include "ingest/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* With so many jobs at work a new one gets one worker and three batches, which bounds memory: a batch
 * of emails with text and HTML takes some 5 MB. */
#define GENEROUS_MAX 2
/* How long one round may take before the runs are polled again. */
#define ROUND_MS 100
/* How long a job that another process holds waits before it is tried again. */
#define BUSY_NS (2 * NS_PER_S)

struct active {
    struct run *run;
    char *name; /* in spool/active */
};

/* A file in spool/active whose job is not due or not free yet. */
struct later {
    char *name;
    int64_t due_ns; /* calendar */
};

struct daemon {
    const char *home;
    struct process *process;
    struct store *store;
    struct io_thread *io;
    struct spool *spool;
    int lock_fd;
    bool stopping;
    struct active *active; /* [active_max]; more jobs wait in the spool */
    size_t active_count, active_max;
    struct run **runs; /* theirs, for a tick */
    struct later *later;
    size_t later_count;
};

/* The first problem of a job file, for its error.json. */
struct first_problem {
    unsigned line;
    char sentence[ERROR_TEXT_BYTES];
};

static void on_problem(void *arg, unsigned line, const char *sentence)
{
    struct first_problem *first = arg;
    if (!first->sentence[0]) {
        first->line = line;
        snprintf(first->sentence, sizeof(first->sentence), "%s", sentence);
    }
}

static bool is_full(const struct daemon *d)
{
    return d->active_count >= d->active_max;
}

static void move(struct daemon *d, const char *name, enum spool_folder to)
{
    struct error err;
    if (spool_move(d->spool, name, SPOOL_ACTIVE, to, &err))
        log_error("spool", "cannot move a job file", "file=%s to=%s reason=\"%s\"", name,
                  spool_folder_name(to), err.text);
}

static void refuse(struct daemon *d, const char *name, const struct error *why,
                   unsigned line)
{
    struct error err;
    char quoted[ERROR_TEXT_BYTES];
    log_warn("spool", "job refused", "file=%s reason=%s", name,
             log_quote(text_of(why->text), quoted, sizeof(quoted)));
    if (spool_fail(d->spool, name, why, line, &err))
        log_error("spool", "cannot move a job file", "file=%s reason=\"%s\"", name,
                  err.text);
}

static void put_off(struct daemon *d, const char *name, int64_t due_ns)
{
    d->later = realloc(d->later, (d->later_count + 1) * sizeof(*d->later));
    CHECK(d->later != NULL);
    d->later[d->later_count++] =
        (struct later){.name = text_copy(text_of(name)), .due_ns = due_ns};
}

static void take(struct daemon *d, const char *name, struct text content)
{
    struct first_problem first = {0};
    struct job_env env = {.home = d->home,
                          .config = process_config(d->process),
                          .store = d->store,
                          .frugal = d->active_count >= GENEROUS_MAX,
                          .problem_fn = on_problem,
                          .arg = &first};
    struct error err = {0};
    struct run *run = NULL;
    int64_t due_ns = 0;
    int answer = start_content(d->io, &env, content, name, NULL, &due_ns, &run, &err);
    switch (answer) {
    case START_RUNNING:
        log_info("engine", "job started", "job=%.*s file=%s",
                 TEXT_ARGS(run_job(run)->file.id), name);
        d->active[d->active_count++] =
            (struct active){.run = run, .name = text_copy(text_of(name))};
        break;
    case START_DONE:
        log_info("engine", "job done (already sent)", "file=%s", name);
        move(d, name, SPOOL_DONE);
        break;
    case START_PAUSED:
        move(d, name, SPOOL_HOLD);
        break;
    case START_WAITING:
        put_off(d, name, due_ns);
        break;
    default:
        if (answer == -ERROR_AGAIN || answer == -ERROR_IO || answer == -ERROR_TEMPORARY) {
            log_warn("engine", "job waits", "file=%s reason=\"%s\"", name, err.text);
            put_off(d, name, clock_now_ns() + BUSY_NS);
            break;
        }
        refuse(d, name, &err, first.line);
    }
}

static void end_run(struct daemon *d, size_t index, enum run_state state)
{
    struct active active = d->active[index];
    d->active[index] = d->active[--d->active_count];
    char id[160];
    struct error err = {0};
    snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(run_job(active.run)->file.id));
    bool held = run_held(active.run) != NULL;
    int rc = run_end(&active.run, &err);
    if (rc)
        refuse(d, active.name, &err, 0);
    else if (state == RUN_PAUSED && (held || !d->stopping))
        move(d, active.name, SPOOL_HOLD);
    else if (state != RUN_PAUSED)
        move(d, active.name, SPOOL_DONE);
    if (rc == 0)
        log_info("engine",
                 held                     ? "job held"
                 : state == RUN_PAUSED    ? "job paused"
                 : state == RUN_CANCELLED ? "job cancelled"
                                          : "job finished",
                 "job=%s", id);
    free(active.name);
}

static void tick(struct daemon *d)
{
    for (size_t i = 0; i < d->active_count; i++)
        d->runs[i] = d->active[i].run;
    process_tick(d->process, d->runs, d->active_count);
}

static void poll_runs(struct daemon *d)
{
    tick(d);
    for (size_t i = d->active_count; i-- > 0;) {
        enum run_state state = run_poll(d->active[i].run, 0);
        if (state != RUN_GOING)
            end_run(d, i, state);
    }
}

/* read_active: a file of spool/active by name; false when it is gone. */
static bool read_active(struct daemon *d, const char *name, struct buffer *content)
{
    char path[PATH_BYTES];
    return snprintf(path, sizeof(path), "%s/spool/active/%s", d->home, name) <
               PATH_BYTES &&
           file_read(path, (size_t)64 << 20, content, NULL) == 0;
}

static void take_later(struct daemon *d)
{
    for (size_t i = d->later_count; i-- > 0 && !is_full(d);) {
        struct later later = d->later[i];
        if (later.due_ns > clock_now_ns())
            continue;
        d->later[i] = d->later[--d->later_count];
        struct buffer content = {0};
        if (read_active(d, later.name, &content))
            take(d, later.name, buffer_view(&content));
        buffer_fini(&content);
        free(later.name);
    }
}

/* take_resumed: paused jobs of the spool that somebody asked to go on. */
static void take_resumed(struct daemon *d)
{
    struct arena arena;
    struct store_job *jobs;
    size_t count = 0;
    if (arena_init(&arena, (size_t)64 << 20, NULL))
        return;
    if (store_jobs(d->store, &arena, &jobs, &count, NULL))
        count = 0;
    for (size_t i = 0; i < count && !is_full(d); i++) {
        if (jobs[i].state != JOB_PAUSED || jobs[i].control != JOB_CONTROL_RESUME ||
            jobs[i].spool_name.bytes == 0)
            continue;
        char *name = text_copy(jobs[i].spool_name);
        struct buffer content = {0};
        /* Moved first: killed in between, it is still paused, and asked to go on. */
        if (spool_move(d->spool, name, SPOOL_HOLD, SPOOL_ACTIVE, NULL) == 0 &&
            store_job_state(d->store, jobs[i].id, JOB_WAITING, TEXT(""), NULL) == 0 &&
            read_active(d, name, &content))
            take(d, name, buffer_view(&content));
        buffer_fini(&content);
        free(name);
    }
    arena_fini(&arena);
}

static int take_files(struct daemon *d,
                      int (*next)(struct spool *, const char **, struct buffer *,
                                  struct error *),
                      struct error *err)
{
    while (!is_full(d) && d->later_count < 100000) {
        struct buffer content = {0};
        const char *name;
        int found = next(d->spool, &name, &content, err);
        if (found == 1)
            take(d, name, buffer_view(&content));
        buffer_fini(&content);
        if (found <= 0)
            return found;
        poll_runs(d);
    }
    return 0;
}

static int rounds(struct daemon *d, const volatile sig_atomic_t *stop, struct error *err)
{
    bool active_read = false;
    int64_t looked_ns = 0;
    int rc = 0;
    while (rc == 0 && !*stop) {
        struct pollfd watched = {.fd = spool_fd(d->spool), .events = POLLIN};
        poll(&watched, 1, ROUND_MS);
        if (!active_read) { /* what an earlier run left, before anything new */
            rc = take_files(d, spool_active, err);
            active_read = !is_full(d);
        }
        if (rc == 0 && active_read)
            rc = take_files(d, spool_next, err);
        if (clock_steady_ns() - looked_ns > NS_PER_S / 2) {
            looked_ns = clock_steady_ns();
            take_later(d);
            take_resumed(d);
        }
        poll_runs(d);
        if (rc == 0 && io_thread_failed(d->io, err))
            rc = -ERROR_IO;
    }
    return rc;
}

static int lock_home(struct daemon *d, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, d->home, TEXT("spool/.lock"), err);
    if (rc)
        return rc;
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (d->lock_fd < 0)
        return error_io(err, "cannot open %s", path);
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return error_set(err, ERROR_AGAIN, "%s is served by another `volley serve`",
                         d->home);
    return error_io(err, "cannot lock %s", path);
}

static void stop_runs(struct daemon *d)
{
    d->stopping = true;
    for (size_t i = 0; i < d->active_count; i++)
        run_pause(d->active[i].run);
    while (d->active_count > 0) {
        struct run *run = d->active[d->active_count - 1].run;
        char id[160];
        snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(run_job(run)->file.id));
        enum run_state state;
        while ((state = run_poll(run, ROUND_MS)) == RUN_GOING)
            tick(d);
        bool held = run_held(run) != NULL;
        end_run(d, d->active_count - 1, state);
        if (state == RUN_PAUSED &&
            !held) /* not paused by a person: the next start goes on */
            (void)!store_job_state(d->store, text_of(id), JOB_RUNNING, TEXT(""), NULL);
    }
}

int daemon_run(const char *home, struct process *process, void (*ready_fn)(void *arg),
               void *arg, const volatile sig_atomic_t *stop, struct error *err)
{
    struct daemon d = {.home = home, .process = process, .lock_fd = -1};
    d.active_max = process_config(process)->max_active_jobs;
    d.active = calloc(d.active_max, sizeof(*d.active));
    d.runs = calloc(d.active_max, sizeof(struct run *));
    CHECK(d.active != NULL && d.runs != NULL);
    int rc = spool_make(home, err);
    if (rc == 0)
        rc = lock_home(&d, err);
    if (rc == 0)
        rc = store_open(home, false, &d.store, err);
    if (rc == 0)
        rc = recover_to_spool(home, d.store, err);
    if (rc == 0)
        rc = spool_open(home, &d.spool, err);
    if (rc == 0)
        rc = io_thread_start(process_config(process), &d.io, err);
    process_attach(process, d.io);
    if (rc == 0) {
        if (ready_fn)
            ready_fn(arg);
        rc = rounds(&d, stop, err);
        stop_runs(&d);
    }
    process_attach(process, NULL);
    io_thread_stop(&d.io);
    if (d.spool)
        spool_close(&d.spool);
    if (d.store)
        store_close(&d.store);
    for (size_t i = 0; i < d.later_count; i++)
        free(d.later[i].name);
    free(d.later);
    free(d.active);
    free(d.runs);
    if (d.lock_fd >= 0)
        close(d.lock_fd);
    return rc;
}
