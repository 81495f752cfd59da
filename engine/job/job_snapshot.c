/* job_snapshot: the customers of a job: their snapshot, made from CSV where the job names that, and the
 * columns that it needs of it. */
#include "base/file.h"
#include "engine/job/job_private.h"
#include "ingest/import/import_csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool ends_with(const char *path, const char *ending)
{
    size_t bytes = strlen(path), tail = strlen(ending);
    return bytes > tail && strcmp(path + bytes - tail, ending) == 0;
}

static int64_t changed_ns(const char *path)
{
    struct stat st;
    return stat(path, &st) ? -1 : st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

/* import_on_the_way: a job may name customers.csv: customers.csv.arrow is made beside it, and made
 * again when the CSV file has changed. */
static int import_on_the_way(struct job_open *o, char path[PATH_BYTES], struct error *err)
{
    char csv[PATH_BYTES];
    memcpy(csv, path, PATH_BYTES);
    if (ends_with(path, ".ndjson"))
        return error_set(err, ERROR_INPUT, "%s: this version reads .arrow and .csv",
                         path);
    if (!ends_with(path, ".csv"))
        return 0;
    if (snprintf(path, PATH_BYTES, "%s.arrow", csv) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", csv);
    if (changed_ns(csv) >= 0 && changed_ns(path) > changed_ns(csv))
        return 0;
    struct import_csv_options options = {.customers_path = csv, .out_path = path};
    struct import_report report;
    int rc = import_csv(&options, &report, err);
    if (rc == 0 && report.rejected_path[0])
        job_warning(o, "%" PRIu64 " rows of %s were rejected: see %s", report.rejected,
                    csv, report.rejected_path);
    return rc;
}

void job_open_snapshot(struct job_open *o)
{
    struct job *job = o->job;
    char path[PATH_BYTES];
    struct error err;
    int rc = 0;
    if (o->frozen)
        snprintf(path, sizeof(path), "%s", o->frozen->snapshot_path);
    else
        rc = path_join(path, o->env->home, job->file.audience.snapshot, &err);
    if (rc == 0 && !o->frozen)
        rc = import_on_the_way(o, path, &err);
    if (rc == 0)
        rc = snapshot_open(path, job->config->aliases, job->config->alias_count,
                           &job->snapshot, &err);
    job->snapshot_path = arena_text(&job->arena, text_of(path)).data;
    if (rc)
        job_adopt(o, &err, 0);
    else if (job->resend && job->resend->rows != snapshot_rows(job->snapshot))
        job_problem(o, 0,
                    "a resend needs the snapshot of its job: "
                    "\"outbox/%.*s/snapshot.arrow\"",
                    TEXT_ARGS(job->file.resend.job));
}

void job_check_ids(struct job_open *o)
{
    const struct job *job = o->job;
    if (!job->snapshot)
        return;
    int id = snapshot_column(job->snapshot, SNAPSHOT_ID);
    size_t columns;
    snapshot_schema(job->snapshot, &columns);
    uint64_t *needed = calloc(bitmap_words(columns) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    bitmap_set(needed, (size_t)id);
    struct snapshot_cursor *cursor = snapshot_cursor_create(job->snapshot, needed);
    struct arena arena;
    struct error err;
    int rc = arena_init(&arena, (size_t)1 << 20, &err);
    for (size_t c = 0; rc == 0 && c < snapshot_chunks(job->snapshot); c++) {
        struct chunk chunk;
        rc = snapshot_cursor_chunk(cursor, c, &chunk, &err);
        for (uint32_t r = 0; rc == 0 && r < chunk.rows; r++) {
            if (!job_customer(job, &chunk, r, &arena).data)
                rc = error_set(&err, ERROR_INPUT,
                               "%.*s: row %" PRIu64 " has no id of 1 to 255 bytes",
                               TEXT_ARGS(job->file.audience.snapshot),
                               chunk.first_row + r + 1);
        }
        arena_reset(&arena);
    }
    if (rc)
        job_adopt(o, &err, 0);
    arena_fini(&arena);
    snapshot_cursor_destroy(&cursor);
    free(needed);
}

static void need_column(struct job *job, enum snapshot_role role)
{
    int column = snapshot_column(job->snapshot, role);
    if (column >= 0)
        bitmap_set(job->needed, (size_t)column);
}

void job_choose_needed(struct job *job)
{
    static const enum snapshot_role roles[] = {SNAPSHOT_ID,
                                               SNAPSHOT_EMAIL,
                                               SNAPSHOT_PHONE,
                                               SNAPSHOT_EMAIL_VERIFIED,
                                               SNAPSHOT_LOCALE,
                                               SNAPSHOT_ENROLLED,
                                               SNAPSHOT_PUSH_TOKEN,
                                               SNAPSHOT_NOTIFICATIONS_ENABLED,
                                               SNAPSHOT_FIRST_NAME,
                                               SNAPSHOT_LAST_NAME,
                                               SNAPSHOT_OPTOUT_MARKETING_EMAIL,
                                               SNAPSHOT_OPTOUT_TRANSACTIONAL_EMAIL,
                                               SNAPSHOT_OPTOUT_MARKETING_SMS,
                                               SNAPSHOT_OPTOUT_SMS};
    size_t columns;
    snapshot_schema(job->snapshot, &columns);
    job->needed =
        arena_zalloc(&job->arena, (bitmap_words(columns) + 1) * sizeof(*job->needed));
    CHECK(job->needed != NULL);
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        need_column(job, roles[i]);
    if (job->hours.count > 0)
        need_column(job, SNAPSHOT_TIMEZONE);
    for (size_t i = 0; i < job->binding_count; i++) {
        if (job->bindings[i].kind == JOB_BIND_COLUMN ||
            job->bindings[i].kind == JOB_BIND_CASE)
            bitmap_set(job->needed, (size_t)job->bindings[i].column);
    }
    audience_columns(job->audience, job->needed);
}

const struct column *job_column(const struct job *job, const struct chunk *chunk,
                                enum snapshot_role role)
{
    int column = snapshot_column(job->snapshot, role);
    return column < 0 ? NULL : &chunk->columns[column];
}

struct text job_customer(const struct job *job, const struct chunk *chunk, uint32_t row,
                         struct arena *arena)
{
    const struct column *id = job_column(job, chunk, SNAPSHOT_ID);
    int64_t at = chunk->first + row;
    if (column_is_text(id)) {
        struct text t = column_text(id, at);
        return t.bytes > 0 && t.bytes < 256 ? t : TEXT_NONE;
    }
    int64_t number;
    if (!column_integer(id, at, &number))
        return TEXT_NONE;
    return id->type == COLUMN_UINT64 ? arena_format(arena, "%" PRIu64, (uint64_t)number)
                                     : arena_format(arena, "%" PRId64, number);
}
