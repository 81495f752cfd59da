/* job: see job.h. Opening goes on after a problem where it can, so that `check` shows
 * them all. */
#include "engine/job/job.h"

#include "base/file.h"
#include "base/near.h"
#include "engine/job/job_private.h"
#include "ingest/import/import_csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define JOB_ARENA_BYTES    ((size_t)64 << 20)
#define JOB_FILE_BYTES_MAX ((size_t)64 << 20)

void job_problem(struct job_open *o, unsigned line, const char *format, ...)
{
    struct error problem;
    va_list args;
    va_start(args, format);
    error_set_v(&problem, ERROR_INPUT, format, args);
    va_end(args);
    if (o->env->problem_fn)
        o->env->problem_fn(o->env->arg, line, problem.text);
    if (o->rc == 0) {
        o->rc = -(int)problem.kind;
        if (o->err)
            *o->err = problem;
    }
}

void job_warning(struct job_open *o, const char *format, ...)
{
    if (!o->env->warning_fn)
        return;
    struct error warning;
    va_list args;
    va_start(args, format);
    error_set_v(&warning, ERROR_INPUT, format, args);
    va_end(args);
    o->env->warning_fn(o->env->arg, 0, warning.text);
}

/* adopt: an error another room reported counts as a problem; other kinds than input win.
 */
static void adopt(struct job_open *o, const struct error *err, unsigned line)
{
    if (err->kind == ERROR_INPUT) {
        job_problem(o, line, "%s", err->text);
    } else if (o->rc == 0) {
        o->rc = -(int)err->kind;
        if (o->err)
            *o->err = *err;
    }
}

static void open_account(struct job_open *o)
{
    struct job *job = o->job;
    struct error err;
    int found =
        account_get(o->env->store, job->file.account, &job->arena, &job->account, &err);
    if (found < 0) {
        adopt(o, &err, 0);
    } else if (found == 0) {
        job_problem(
            o, 0, "account \"%.*s\" is not known (add it with `volley account put FILE`)",
            TEXT_ARGS(job->file.account));
    } else {
        o->has_account = true;
        if (tzif_open(job->account.timezone, &job->zone, &err))
            adopt(o, &err, 0);
        if (job->account.blocked)
            job_problem(o, 0, "account \"%.*s\" is blocked from sending%s%.*s%s%.*s",
                        TEXT_ARGS(job->account.id),
                        job->account.blocked_reason.bytes ? ": " : "",
                        TEXT_ARGS(job->account.blocked_reason),
                        job->account.support_contact.bytes ? "; contact " : "",
                        TEXT_ARGS(job->account.support_contact));
    }
}

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

static bool outbox_of(const struct job_open *o, struct text id, const char *name,
                      char out[PATH_BYTES])
{
    int bytes =
        snprintf(out, PATH_BYTES, "%s/outbox/%.*s/%s", o->env->home, TEXT_ARGS(id), name);
    return bytes < PATH_BYTES && file_exists(out);
}

/* trace: the jobs whose messages a job sends once more, the last one first, and under which one's id
 * it makes its messages' ids. What may have arrived keeps its id, so that a provider that knows it takes
 * it once; what surely has not gets an id of its own, for some remember a refusal with the id. */
static void trace(struct job_open *o, const struct job_file *file, bool same_id)
{
    struct job *job = o->job;
    char path[PATH_BYTES];
    struct job_file other;
    struct buffer content = {0};
    if (same_id)
        job->message_job = arena_text(&job->arena, file->id);
    if (!file->resend.job.data || job->resent_count == RESENT_MAX)
        return;
    job->resent[job->resent_count++] = arena_text(&job->arena, file->resend.job);
    same_id = same_id && file->resend.only == RESEND_UNKNOWN;
    if (outbox_of(o, file->resend.job, "job.json", path) &&
        file_read(path, JOB_FILE_BYTES_MAX, &content, NULL) == 0 &&
        job_file_parse(buffer_view(&content), path, NULL, NULL, &other, NULL) == 0) {
        trace(o, &other, same_id);
        job_file_fini(&other);
    } else if (same_id) { /* its folder is gone, its id is not */
        job->message_job = job->resent[job->resent_count - 1];
    }
    buffer_fini(&content);
}

static void open_resend(struct job_open *o)
{
    struct job *job = o->job;
    char dir[PATH_BYTES];
    struct error err;
    trace(o, &job->file, true);
    if (!job->file.resend.job.data)
        return;
    if (!outbox_of(o, job->file.resend.job, "", dir))
        job_problem(o, 0, "job \"%.*s\" has nothing left in outbox/ to resend",
                    TEXT_ARGS(job->file.resend.job));
    else if (resend_read(dir, job->file.resend.only, &job->resend, &err))
        adopt(o, &err, 0);
}

static void open_snapshot(struct job_open *o)
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
        adopt(o, &err, 0);
    else if (job->resend && job->resend->rows != snapshot_rows(job->snapshot))
        job_problem(o, 0,
                    "a resend needs the snapshot of its job: "
                    "\"outbox/%.*s/snapshot.arrow\"",
                    TEXT_ARGS(job->file.resend.job));
}

static struct text saved_expression(void *arg, struct text name)
{
    struct job_open *o = arg;
    struct text expression;
    int found =
        store_audience_get(o->env->store, name, &o->job->arena, &expression, NULL);
    return found == 1 ? expression : TEXT_NONE;
}

/* choose_where: the expression of the job, of a saved audience, or the one frozen at the
 * start. */
static void choose_where(struct job_open *o)
{
    struct job *job = o->job;
    job->where = job->file.audience.where;
    if (o->frozen) {
        job->where = arena_text(&job->arena, o->frozen->where);
    } else if (job->file.audience.saved.data) {
        job->where = saved_expression(o, job->file.audience.saved);
        if (!job->where.data)
            job_problem(o, 0,
                        "audience \"%.*s\" is not saved (see `volley audience list`)",
                        TEXT_ARGS(job->file.audience.saved));
    }
}

static void open_audience(struct job_open *o)
{
    struct job *job = o->job;
    choose_where(o);
    if (!job->snapshot)
        return;
    size_t count = job->file.audience.param_count;
    struct audience_param *params = arena_alloc(&job->arena, count * sizeof(*params) + 1);
    CHECK(params != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct job_pair *pair = &job->file.audience.params[i];
        static const int kinds[] = {[JOB_TEXT] = AUDIENCE_TEXT,
                                    [JOB_INTEGER] = AUDIENCE_INTEGER,
                                    [JOB_REAL] = AUDIENCE_REAL,
                                    [JOB_BOOL] = AUDIENCE_BOOL,
                                    [JOB_NULL] = AUDIENCE_NULL};
        params[i].name = pair->name;
        params[i].value = pair->value;
        params[i].kind = kinds[pair->kind];
    }
    struct audience_env env = {.now_ns = job->now_ns,
                               .zone = job->zone,
                               .params = params,
                               .param_count = count,
                               .saved = saved_expression,
                               .arg = o};
    size_t columns;
    const struct column *schema = snapshot_schema(job->snapshot, &columns);
    struct error err;
    if (audience_compile(job->where, schema, columns, &env, &job->audience, &err))
        adopt(o, &err, job->file.audience.where_line);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void open_recipients(struct job_open *o)
{
    struct job *job = o->job;
    size_t count = job->file.audience.recipient_count;
    job->single = job->file.category == CATEGORY_MANUAL && count == 1;
    if (!job->file.audience.recipients)
        return;
    job->recipients = arena_alloc(&job->arena, count * sizeof(*job->recipients) + 1);
    CHECK(job->recipients != NULL);
    for (size_t i = 0; i < count; i++)
        job->recipients[i] =
            optout_hash(OPTOUT_CUSTOMER, job->file.audience.recipients[i]);
    qsort(job->recipients, count, sizeof(*job->recipients), compare_hashes);
    job->recipient_count = count;
}

static void open_optouts(struct job_open *o)
{
    struct error err;
    if (optout_set_load(o->env->store, o->job->file.account, &o->job->optouts,
                        &o->job->optout_serial, &err))
        adopt(o, &err, 0);
    if (dead_set_load(o->env->store, o->job->file.account, &o->job->dead, &err))
        adopt(o, &err, 0);
}

/* open_recent: a manual or transactional message is never one too many. */
static void open_recent(struct job_open *o)
{
    struct job *job = o->job;
    struct error err;
    struct recent_asks asks = {.account = job->file.account,
                               .job = job->file.id,
                               .resend = job->resend,
                               .resent = job->resent,
                               .resent_count = job->resent_count};
    if (job->config->frequency_cap.messages > 0 &&
        job->file.category == CATEGORY_MARKETING &&
        recent_load(o->env->store, job->config, &asks, job->now_ns, &job->recent, &err))
        adopt(o, &err, 0);
}

static void check_routes(struct job_open *o)
{
    const struct job *job = o->job;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (job_uses(job, (enum channel)c) && job->config->route_counts[c] == 0)
            job_problem(
                o, 0,
                "channel %s has no route (name a provider under routes: in volley.yaml)",
                channel_name((enum channel)c));
    }
}

/* Every text a customer id may occur in is limited here, so that message_id() never
 * overflows. */
static void check_ids(struct job_open *o)
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
        adopt(o, &err, 0);
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

static void choose_needed(struct job *job)
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

/* open_hours: the job's and, of marketing, everybody's, all kept on the customers' clocks. */
static void open_hours(struct job_open *o)
{
    struct job *job = o->job;
    bool marketing = job->file.category == CATEGORY_MARKETING;
    const struct hours_rule none = {0};
    const struct hours_rule *rules[] = {
        &job->file.quiet_hours, &job->file.delivery_window,
        marketing ? &job->config->marketing_quiet_hours : &none};
    job->zones = zones_create(job->zone);
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i]->days)
            hours_add(&job->hours, rules[i]);
    }
    if (!hours_ever(&job->hours))
        job_problem(o, 0,
                    "\"delivery_window\" and \"quiet_hours\" leave no time outside the "
                    "marketing_quiet_hours of volley.yaml");
    if (job->hours.count > 0 && job->snapshot &&
        snapshot_column(job->snapshot, SNAPSHOT_TIMEZONE) < 0)
        job_warning(
            o,
            "the snapshot has no column \"timezone\": the job's hours are kept in "
            "the account's (%.*s)",
            TEXT_ARGS(job->account.timezone));
}

static struct config_auto_hold auto_hold_of(const struct config *config,
                                            const struct job_file *file)
{
    struct config_auto_hold out = config->auto_hold;
    if (file->auto_hold.enabled >= 0)
        out.enabled = file->auto_hold.enabled;
    if (file->auto_hold.canary)
        out.canary = file->auto_hold.canary;
    if (file->auto_hold.canary_share >= 0)
        out.canary_share = file->auto_hold.canary_share;
    if (file->auto_hold.min_messages)
        out.min_messages = file->auto_hold.min_messages;
    if (file->auto_hold.failure_rate >= 0)
        out.failure_rate = file->auto_hold.failure_rate;
    if (file->auto_hold.window)
        out.window = file->auto_hold.window;
    if (file->auto_hold.wait_ns >= 0)
        out.wait_ns = file->auto_hold.wait_ns;
    return out;
}

int job_open(const struct job_env *env, struct job_file *file,
             const struct job_frozen *frozen, struct job **out, struct error *err)
{
    struct job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->config = env->config;
    job->frugal = env->frugal;
    job->workers = job->frugal ? 1 : job->config->workers;
    job->file = *file;
    *file = (struct job_file){0};
    job->auto_hold = auto_hold_of(job->config, &job->file);
    job->now_ns = frozen ? frozen->now_ns : clock_now_ns();
    job->fallback = job->file.sms_fallback_email && job_names(job, CHANNEL_SMS) &&
                    !job_names(job, CHANNEL_EMAIL);
    struct job_open o = {.env = env, .frozen = frozen, .job = job, .err = err};
    o.rc = arena_init(&job->arena, JOB_ARENA_BYTES, err);
    if (o.rc == 0)
        o.rc = store_secret(env->store, job->secret, err);
    if (o.rc == 0) {
        open_account(&o);
        open_resend(&o);
        open_snapshot(&o);
        open_audience(&o);
        open_recipients(&o);
        open_optouts(&o);
        open_recent(&o);
        open_hours(&o);
        job_open_templates(&o);
        check_routes(&o);
        check_ids(&o);
    }
    if (o.rc == 0)
        choose_needed(job);
    if (o.rc) {
        job_close(&job);
        return o.rc;
    }
    *out = job;
    return 0;
}

void job_close(struct job **job)
{
    struct job *j = *job;
    if (!j)
        return;
    audience_destroy(&j->audience);
    snapshot_close(&j->snapshot);
    template_set_close(&j->templates);
    recent_free(&j->recent);
    resend_free(&j->resend);
    optout_set_destroy(&j->optouts);
    optout_set_destroy(&j->dead);
    zones_destroy(&j->zones);
    tzif_close(&j->zone);
    job_file_fini(&j->file);
    arena_fini(&j->arena);
    free(j);
    *job = NULL;
}

int job_load(const struct job_env *env, const char *path, struct buffer *content_out,
             struct job **out, struct error *err)
{
    struct buffer content = {0};
    struct job_file file;
    int rc = file_read(path, JOB_FILE_BYTES_MAX, &content, err);
    if (rc == 0)
        rc = job_file_parse(buffer_view(&content), path, env->problem_fn, env->arg, &file,
                            err);
    if (rc == 0)
        rc = job_open(env, &file, NULL, out, err);
    if (rc == 0 && content_out)
        buffer_text(content_out, buffer_view(&content));
    buffer_fini(&content);
    return rc;
}

bool job_names(const struct job *job, enum channel channel)
{
    for (size_t i = 0; i < job->file.channel_count; i++) {
        if (job->file.channels[i] == channel)
            return true;
    }
    return false;
}

bool job_uses(const struct job *job, enum channel channel)
{
    return job_names(job, channel) || (channel == CHANNEL_EMAIL && job->fallback);
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
