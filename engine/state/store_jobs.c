/* store_jobs: the jobs of a home and the notices sent on their account; see store.h. */
#include "engine/state/store_private.h"

#include "base/clock.h"

#include <unistd.h>

static const char *const state_names[] = {
    [JOB_WAITING] = "waiting",     [JOB_RUNNING] = "running",   [JOB_PAUSED] = "paused",
    [JOB_CANCELLED] = "cancelled", [JOB_FINISHED] = "finished", [JOB_FAILED] = "failed",
};
_Static_assert(ARRAY_COUNT(state_names) == JOB_STATE_COUNT, "every state has a name");

const char *job_state_name(enum job_state state)
{
    CHECK(state < JOB_STATE_COUNT);
    return state_names[state];
}

#define JOB_COLUMNS                                                                      \
    "id, account, category, source, template, reason, spool_name, state, control, "      \
    "created_ns, "                                                                       \
    "started_ns, finished_ns, send_at_ns, pid, priority, content_hash"

/* read_job: the row under statement, whose columns are JOB_COLUMNS. */
static int read_job(sqlite3_stmt *row, struct arena *arena, struct store_job *out,
                    struct error *err)
{
    struct text *texts[] = {&out->id,        &out->account,       &out->category,
                            &out->source,    &out->template_name, &out->reason,
                            &out->spool_name};
    for (int i = 0; i < (int)ARRAY_COUNT(texts); i++)
        *texts[i] = store_column(row, i, arena);
    int64_t state = sqlite3_column_int64(row, 7), control = sqlite3_column_int64(row, 8);
    int64_t priority = sqlite3_column_int64(row, 14);
    if (state < 0 || state >= JOB_STATE_COUNT || control < 0 ||
        control > JOB_CONTROL_RESUME || priority < 0 || priority >= PRIORITY_COUNT)
        return error_set(err, ERROR_IO, "state.db: the job \"%.*s\" is in no known state",
                         TEXT_ARGS(out->id));
    out->state = (enum job_state)state;
    out->control = (enum job_control)control;
    out->priority = (enum priority)priority;
    out->content_hash = sqlite3_column_int64(row, 15);
    int64_t *numbers[] = {&out->created_ns, &out->started_ns, &out->finished_ns,
                          &out->send_at_ns, &out->pid};
    for (int i = 0; i < (int)ARRAY_COUNT(numbers); i++)
        *numbers[i] = sqlite3_column_int64(row, 9 + i);
    return arena_overflowed(arena) ? store_arena_full(err) : 0;
}

int store_job_get(struct store *store, struct text id, struct arena *arena,
                  struct store_job *out, struct error *err)
{
    sqlite3_stmt *row =
        store_bind(store, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", "t", id);
    int rc = store_step(store, row, err);
    if (rc != 1)
        return rc;
    rc = read_job(row, arena, out, err);
    sqlite3_reset(row);
    return rc ? rc : 1;
}

int store_job_put(struct store *store, const struct store_job *job, struct error *err)
{
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT OR REPLACE INTO job (" JOB_COLUMNS
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?)",
        "tttttttiiiiiiiii", job->id, text_or_empty(job->account),
        text_or_empty(job->category), text_or_empty(job->source),
        text_or_empty(job->template_name), text_or_empty(job->reason),
        text_or_empty(job->spool_name), (int64_t)job->state, (int64_t)job->control,
        job->created_ns, job->started_ns, job->finished_ns, job->send_at_ns, job->pid,
        (int64_t)job->priority, job->content_hash);
    return store_run(store, insert, err);
}

static int unknown_job(struct store *store, struct text id, struct error *err)
{
    return store_unknown(store, "job", id,
                         "SELECT id FROM job ORDER BY created_ns DESC LIMIT 1000", err);
}

int store_job_state(struct store *store, struct text id, enum job_state state,
                    struct text reason, struct error *err)
{
    bool running = state == JOB_RUNNING;
    bool ended = state == JOB_CANCELLED || state == JOB_FINISHED || state == JOB_FAILED;
    int64_t now = clock_now_ns();
    sqlite3_stmt *update = store_bind(
        store,
        "UPDATE job SET state = ?2, reason = ?3, pid = ?4, finished_ns = ?5,"
        " control = CASE WHEN ?8 OR (?9 AND control <> ?10) THEN control ELSE 0 END,"
        " started_ns = CASE WHEN ?6 AND started_ns = 0 THEN ?7 ELSE started_ns END WHERE "
        "id = ?1",
        "titiiiiiii", id, (int64_t)state, text_or_empty(reason),
        running ? (int64_t)getpid() : 0, ended ? now : 0, (int64_t)running, now,
        (int64_t)(running || state == JOB_WAITING), (int64_t)(state == JOB_PAUSED),
        (int64_t)JOB_CONTROL_PAUSE);
    int rc = store_run(store, update, err);
    if (rc == 0 && store_changes(store) == 0)
        return unknown_job(store, id, err);
    return rc;
}

int store_job_control(struct store *store, struct text id, enum job_control control,
                      struct error *err)
{
    sqlite3_stmt *update = store_bind(store, "UPDATE job SET control = ?2 WHERE id = ?1",
                                      "ti", id, (int64_t)control);
    int rc = store_run(store, update, err);
    if (rc == 0 && store_changes(store) == 0)
        return unknown_job(store, id, err);
    return rc;
}

static int list_jobs(struct store *store, sqlite3_stmt *rows, struct arena *arena,
                     struct store_job **out, size_t *count_out, struct error *err)
{
    struct store_job *jobs = NULL;
    size_t count = 0;
    int rc;
    while ((rc = store_step(store, rows, err)) == 1) {
        jobs = store_grow(arena, jobs, count, sizeof(*jobs));
        rc = jobs ? read_job(rows, arena, &jobs[count], err) : store_arena_full(err);
        if (rc) {
            sqlite3_reset(rows);
            return rc;
        }
        count++;
    }
    *out = jobs;
    *count_out = count;
    return rc;
}

int store_jobs(struct store *store, struct arena *arena, struct store_job **out,
               size_t *count_out, struct error *err)
{
    sqlite3_stmt *rows = store_bind(
        store, "SELECT " JOB_COLUMNS " FROM job ORDER BY created_ns DESC, id", "");
    return list_jobs(store, rows, arena, out, count_out, err);
}

int store_wishes(struct store *store, struct arena *arena, struct store_job **out,
                 size_t *count_out, struct error *err)
{
    sqlite3_stmt *rows = store_bind(
        store, "SELECT " JOB_COLUMNS " FROM job WHERE control <> 0 ORDER BY id", "");
    return list_jobs(store, rows, arena, out, count_out, err);
}

int store_jobs_since(struct store *store, struct text account, const char *category,
                     int64_t since_ns, struct arena *arena, struct store_recent_job **out,
                     size_t *count_out, struct error *err)
{
    struct store_recent_job *jobs = NULL;
    size_t count = 0;
    int rc;
    sqlite3_stmt *rows =
        store_bind(store,
                   "SELECT id, state FROM job WHERE account = ? AND category = ? "
                   "AND started_ns >= ?",
                   "tti", account, text_of(category), since_ns);
    while ((rc = store_step(store, rows, err)) == 1) {
        jobs = store_grow(arena, jobs, count, sizeof(*jobs));
        if (!jobs || !(jobs[count].id = store_column(rows, 0, arena)).data) {
            sqlite3_reset(rows);
            return store_arena_full(err);
        }
        jobs[count++].state = (enum job_state)sqlite3_column_int64(rows, 1);
    }
    *out = jobs;
    *count_out = count;
    return rc;
}

int store_notice_claim(struct store *store, struct text account, struct text month,
                       uint64_t limit_segments, struct text job, struct error *err)
{
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = store_run(
        store,
        store_bind(store,
                   "INSERT OR IGNORE INTO notice (account, month, limit_segments, job) "
                   "VALUES (?, ?, ?, ?)",
                   "ttit", account, month, (int64_t)limit_segments, job),
        err);
    sqlite3_stmt *row = NULL;
    if (rc == 0) {
        row = store_bind(store,
                         "SELECT job = ? FROM notice WHERE account = ? AND month = ? AND "
                         "limit_segments = ?",
                         "ttti", job, account, month, (int64_t)limit_segments);
        rc = store_step(store, row, err);
    }
    if (rc == 1) {
        rc = sqlite3_column_int(row, 0);
        sqlite3_reset(row);
    }
    return store_end(store, rc, err);
}
