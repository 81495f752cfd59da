/* intake: job files of the spool become waiting jobs, see daemon_private.h. The id is the idempotency
 * key: state.db knows every id that ever was, and what its file said. */
#include "engine/jobs/daemon_private.h"

#include "base/log.h"
#include "engine/job/frozen.h"
#include "engine/jobs/halt.h"
#include "engine/jobs/start.h"
#include "engine/results/status.h"
#include "ingest/job_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAITING_MAX 100000

/* A job file on its way in. */
struct intake {
    struct daemon *d;
    const char *name;
    const struct job_file *file;
    int64_t hash;
    bool is_known; /* its id is not new */
    struct store_job known;
    struct error *err;
};

static struct filed *file_as(const struct intake *in, int kind, enum job_state state,
                             int64_t due_ns)
{
    struct backlog_job *job = backlog_job_make(in->file->id, in->file->account, in->name,
                                               in->file->priority, due_ns);
    struct filed *filed = daemon_file(in->d, job, kind, state);
    filed->from = SPOOL_ACTIVE;
    filed->taken_in = true;
    return filed;
}

static bool in_round(const struct daemon *d, struct text id)
{
    for (size_t i = 0; i < d->filed_count; i++) {
        if (d->filed[i].taken_in && d->filed[i].kind == FILED_WAITS &&
            text_is(id, d->filed[i].job->id))
            return true;
    }
    return false;
}

static int record(const struct intake *in, enum job_state state)
{
    struct store_job entry = start_entry(in->file, in->hash, in->name, state);
    if (in->is_known) { /* interrupted, or failed before it began */
        entry.created_ns = in->known.created_ns;
        entry.started_ns = in->known.started_ns;
        entry.control = in->known.control;
    }
    bool held = state == JOB_PAUSED;
    bool before = in->is_known && in->known.state == JOB_PAUSED;
    if (held)
        entry.reason = before ? in->known.reason : TEXT(HALT_REASON);
    int rc = store_job_put(in->d->store, &entry, in->err);
    if (rc)
        return rc;
    struct filed *filed = file_as(in, held ? FILED_HOLD : FILED_WAITS, state,
                                  held ? 0 : in->file->send_at_ns);
    snprintf(filed->why.text, sizeof(filed->why.text), "%.*s", TEXT_ARGS(entry.reason));
    return 0;
}

static int refuse_other(const struct intake *in)
{
    struct error why;
    error_set(&why, ERROR_INPUT,
              "job \"%.*s\" was submitted before with another content, and is %s: give "
              "this one an id of its own",
              TEXT_ARGS(in->file->id), job_state_name(in->known.state));
    daemon_refuse(in->d, in->name, &why, 0);
    return 0;
}

static int take_known(const struct intake *in)
{
    const struct store_job *known = &in->known;
    struct text id = in->file->id;
    bool begun = frozen_exists(in->d->home, id);
    bool again = known->state == JOB_FAILED && !begun;
    if (slots_has_file(in->d->slots, id, in->name)) /* seen again, after a round undone */
        return 0;
    bool other = known->content_hash && known->content_hash != in->hash;
    if (other && !again)
        return refuse_other(in);
    if (known->state == JOB_FINISHED || known->state == JOB_CANCELLED) {
        log_info("engine", "job done (already sent)", "job=%.*s file=%s", TEXT_ARGS(id),
                 in->name);
        file_as(in, FILED_DONE, known->state, 0);
        return 0;
    }
    /* Behind a round that could not be recorded active is read again: this one is where it belongs. */
    if (!in->d->active_read && text_is(known->spool_name, in->name) &&
        slots_know(in->d->slots, id))
        return 0;
    bool paused = known->state == JOB_PAUSED;
    bool namesake = known->spool_name.bytes > 0 && !text_is(known->spool_name, in->name);
    if (slots_know(in->d->slots, id) || in_round(in->d, id) || (paused && namesake)) {
        log_info("engine", "job file dropped (its job is known)", "job=%.*s file=%s",
                 TEXT_ARGS(id), in->name);
        file_as(in, FILED_DONE, known->state, 0);
        return 0;
    }
    if (status_running(in->d->home, known) &&
        known->pid != getpid()) { /* another process sends it */
        file_as(in, FILED_WAITS, JOB_RUNNING, 0)->job->retry_ns =
            clock_steady_ns() + SLOTS_AGAIN_NS;
        return 0;
    }
    bool stays = paused && known->control != JOB_CONTROL_RESUME &&
                 known->control != JOB_CONTROL_CANCEL;
    stays |= again && in->d->halted;
    return record(in, stays ? JOB_PAUSED : JOB_WAITING);
}

static int take_job(struct intake *in)
{
    struct arena arena;
    int rc = arena_init(&arena, (size_t)1 << 20, in->err);
    if (rc)
        return rc;
    rc = store_job_get(in->d->store, in->file->id, &arena, &in->known, in->err);
    if (rc == 1) {
        in->is_known = true;
        rc = take_known(in);
    } else if (rc == 0) {
        rc = record(in, in->d->halted ? JOB_PAUSED : JOB_WAITING);
    }
    arena_fini(&arena);
    return rc;
}

static int take_file(struct daemon *d, const char *name, struct text content,
                     struct error *err)
{
    struct job_file file;
    struct start_problem first = {0};
    struct error why = {0};
    if (spool_is_control(name))
        return wishes_control(d, name, content, SPOOL_ACTIVE, true, err);
    if (job_file_parse(content, name, start_problem, &first, &file, &why)) {
        daemon_refuse(d, name, &why, first.line);
        return 0;
    }
    struct intake in = {.d = d,
                        .name = name,
                        .file = &file,
                        .hash = start_content_hash(content),
                        .err = err};
    int rc = take_job(&in);
    job_file_fini(&file);
    return rc;
}

int intake_record(struct daemon *d, struct error *err)
{
    size_t room = slots_waiting(d->slots) < WAITING_MAX ? ROUND_FILES_MAX : 0;
    struct buffer content = {0};
    int found = 1;
    for (size_t i = 0; i < room && found == 1; i++) {
        const char *name;
        found = d->active_read ? spool_next(d->spool, &name, &content, err)
                               : spool_active(d->spool, &name, &content, err);
        if (found == 0 && !d->active_read) { /* what was left goes before anything new */
            d->active_read = true;
            found = 1;
        } else if (found == 1) {
            int rc = take_file(d, name, buffer_view(&content), err);
            found = rc ? rc : 1;
        }
    }
    buffer_fini(&content);
    return room ? found : 0;
}
