/* daemon: see daemon.h. One control thread takes files in, records what happens and moves files; slots
 * (slots.h) do the jobs. A job file stays in spool/active as long as its job is not over, so a restart
 * finds it there. */
#include "engine/jobs/daemon.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/jobs/daemon_private.h"
#include "engine/jobs/recover.h"
#include "engine/jobs/retention.h"
#include "engine/jobs/status_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define ROUND_MS  100
#define STATUS_NS NS_PER_S
/* How long nothing is recorded after state.db could not be written. */
#define BROKEN_MS 500
/* How often that is said. */
#define BROKEN_TOLD_NS (60 * NS_PER_S)
/* Old jobs are looked for once a day, and a few at a time: a person who wants to pause does not wait. */
#define PRUNE_NS   (24 * 3600 * NS_PER_S)
#define PRUNE_JOBS 20

void daemon_move(struct daemon *d, const char *name, enum spool_folder from,
                 enum spool_folder to)
{
    struct error err;
    if (spool_move(d->spool, name, from, to, &err))
        log_error("spool", "cannot move a job file", "file=%s to=%s reason=\"%s\"", name,
                  spool_folder_name(to), err.text);
}

void daemon_refuse(struct daemon *d, const char *name, const struct error *why,
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

/* --- what a round has filed --- */

struct filed *daemon_file(struct daemon *d, struct backlog_job *job, int kind,
                          enum job_state state)
{
    if (d->filed_count == d->filed_capacity) {
        d->filed_capacity = d->filed_capacity ? 2 * d->filed_capacity : ROUND_FILES_MAX;
        d->filed = realloc(d->filed, d->filed_capacity * sizeof(*d->filed));
        CHECK(d->filed != NULL);
    }
    struct filed *filed = &d->filed[d->filed_count++];
    *filed = (struct filed){.job = job, .state = state};
    filed->kind = kind;
    return filed;
}

static void follow_control(struct daemon *d, const struct filed *filed)
{
    const char *name = filed->job->name;
    if (filed->from == SPOOL_INCOMING)
        daemon_move(d, name, SPOOL_INCOMING,
                    filed->why.text[0] ? SPOOL_ACTIVE : SPOOL_DONE);
    else if (!filed->why.text[0])
        daemon_move(d, name, SPOOL_ACTIVE, SPOOL_DONE);
    if (filed->why.text[0])
        daemon_refuse(d, name, &filed->why, 0);
}

static void follow(struct daemon *d, struct filed *filed)
{
    struct backlog_job *job = filed->job;
    if (filed->kind == FILED_CONTROL) {
        follow_control(d, filed);
        backlog_job_free(&filed->job);
        return;
    }
    bool known = filed->taken_in && filed->kind == FILED_DONE;
    if (known && filed->state != JOB_RUNNING && filed->state != JOB_WAITING)
        status_file_ended(d->home, text_of(job->id), job->priority);
    else if (!known)
        status_file_write(d->home, &(struct status){.job = text_of(job->id),
                                                    .account = text_of(job->account),
                                                    .state = filed->state,
                                                    .priority = job->priority,
                                                    .reason = ""});
    if (filed->kind == FILED_WAITS) {
        slots_add(d->slots, job);
        return;
    }
    daemon_move(d, job->name, filed->from,
                filed->kind == FILED_HOLD ? SPOOL_HOLD : SPOOL_DONE);
    backlog_job_free(&filed->job);
}

void filed_follow(struct daemon *d)
{
    for (size_t i = 0; i < d->filed_count; i++)
        follow(d, &d->filed[i]);
    d->filed_count = 0;
}

/* filed_undo: what was taken in is in active and is found there again. */
void filed_undo(struct daemon *d)
{
    for (size_t i = 0; i < d->filed_count; i++) {
        struct filed *filed = &d->filed[i];
        bool waited = !filed->taken_in && filed->from == SPOOL_ACTIVE;
        if (waited)
            slots_add(d->slots, filed->job);
        else
            backlog_job_free(&filed->job);
    }
    d->filed_count = 0;
    d->active_read = false;
    struct error err;
    if (spool_reread(d->spool, &err))
        log_error("spool", "cannot look for job files", "reason=\"%s\"", err.text);
}

/* --- rounds --- */

/* record: all of a round in one transaction. Returns 1 when more files may wait. */
static int record(struct daemon *d, struct error *err)
{
    int more = 0;
    int rc = store_begin(d->store, err);
    if (rc)
        return rc;
    rc = endings_record(d, err);
    if (rc == 0 && !d->stopping)
        rc = more = intake_record(d, err);
    if (rc >= 0 && !d->stopping)
        rc = wishes_record(d, err);
    rc = store_end(d->store, rc, err);
    return rc < 0 ? rc : more;
}

static void tell_broken(struct daemon *d, const struct error *why)
{
    int64_t now_ns = clock_steady_ns();
    if (d->broken_ns && now_ns - d->broken_ns < BROKEN_TOLD_NS)
        return;
    d->broken_ns = now_ns;
    log_error("engine", "cannot record what happens; it will be tried again",
              "reason=\"%s\"", why->text);
}

static int round_of(struct daemon *d, struct error *err)
{
    struct error why = {0};
    int more = record(d, &why);
    if (more < 0) {
        tell_broken(d, &why);
        filed_undo(d);
        usleep(BROKEN_MS * 1000);
        return 0;
    }
    if (d->broken_ns)
        log_info("engine", "what happens is recorded again", "home=%s", d->home);
    d->broken_ns = 0;
    endings_follow(d);
    filed_follow(d);
    int rc = spool_sync(d->spool, err);
    return rc ? rc : more;
}

static void write_running(void *arg, struct run *run)
{
    const struct daemon *d = arg;
    status_file_running(d->home, run);
}

static void tick(void *arg)
{
    struct daemon *d = arg;
    slots_tick(d->slots);
    wishes_hold(d);
    if (clock_steady_ns() - d->status_ns < STATUS_NS)
        return;
    d->status_ns = clock_steady_ns();
    slots_each(d->slots, write_running, d);
}

/* prune: what the key `retention` says. */
static void prune(struct daemon *d)
{
    struct error err;
    const struct config *config = process_config(d->process);
    if (!config->retention_ns || clock_steady_ns() < d->prune_ns)
        return;
    struct retention retention = {.older_than_ns = config->retention_ns,
                                  .limit = PRUNE_JOBS};
    int64_t pruned =
        retention_prune(d->home, config, d->store, &retention, NULL, NULL, &err);
    if (pruned < 0)
        log_warn("engine", "cannot remove what old jobs left", "reason=\"%s\"", err.text);
    else if (pruned > 0)
        log_info("engine", "removed what old jobs left", "jobs=%lld", (long long)pruned);
    d->prune_ns = clock_steady_ns() + (pruned == PRUNE_JOBS ? NS_PER_S : PRUNE_NS);
}

static int rounds(struct daemon *d, const volatile sig_atomic_t *stop, struct error *err)
{
    int rc = 0;
    while (rc >= 0 && !*stop) {
        struct pollfd watched[] = {{.fd = spool_fd(d->spool), .events = POLLIN},
                                   {.fd = slots_fd(d->slots), .events = POLLIN}};
        poll(watched, ARRAY_COUNT(watched), rc == 1 ? 0 : ROUND_MS);
        rc = round_of(d, err);
        tick(d);
        prune(d);
        if (rc >= 0 && io_thread_failed(d->io, err))
            rc = -ERROR_IO;
    }
    return rc < 0 ? rc : 0;
}

/* --- start and end --- */

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

bool daemon_serves(const char *home)
{
    char path[PATH_BYTES];
    if (path_join(path, home, TEXT("spool/.lock"), NULL))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return locked;
}

static int open_all(struct daemon *d, struct error *err)
{
    const struct config *config = process_config(d->process);
    int rc = spool_make(d->home, err);
    if (rc == 0)
        rc = lock_home(d, err);
    if (rc == 0)
        rc = store_open(d->home, false, &d->store, err);
    if (rc == 0)
        rc = recover_to_spool(d->home, d->store, err);
    if (rc == 0)
        rc = spool_open(d->home, &d->spool, err);
    if (rc == 0)
        rc = io_thread_start(config, &d->io, err);
    process_attach(d->process, d->io);
    if (rc == 0) {
        spool_defer(d->spool);
        rc = slots_create(d->home, d->process, d->io, config->max_active_jobs, &d->slots,
                          err);
    }
    return rc;
}

static void close_all(struct daemon *d)
{
    process_attach(d->process, NULL);
    slots_destroy(&d->slots);
    io_thread_stop(&d->io);
    if (d->spool)
        spool_close(&d->spool);
    if (d->store)
        store_close(&d->store);
    free(d->filed);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
}

int daemon_run(const char *home, struct process *process, void (*ready_fn)(void *arg),
               void *arg, const volatile sig_atomic_t *stop, struct error *err)
{
    struct daemon d = {.home = home, .process = process, .lock_fd = -1};
    d.news_tail = &d.news;
    int rc = open_all(&d, err);
    if (rc == 0) {
        struct error last;
        if (ready_fn)
            ready_fn(arg);
        rc = rounds(&d, stop, err);
        d.stopping = true;
        slots_stop(d.slots, tick, &d);
        int told = round_of(&d, &last);
        if (told < 0 && rc == 0)
            rc = told;
    }
    close_all(&d);
    return rc;
}
