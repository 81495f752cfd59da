/* process_gauge: see process_gauge.h. */
#include "engine/process/process_gauge.h"

#include "base/clock.h"
#include "engine/process/bottleneck.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How many points of measurement a rate is taken over. */
#define WINDOW        4
#define JOBS_MAX      16
#define PROVIDERS_MAX 64
/* How much of what was seen is still there at the next look. */
#define FADING 0.9

/* A counter's last values; at[0] is the oldest of count. */
struct trail {
    int64_t at_ns[WINDOW + 1];
    double values[WINDOW + 1];
    size_t count;
};

struct gauged_job {
    const struct run *run; /* NULL: free */
    char id[160];
    struct trail answered, rows, stages[STAGE_COUNT];
};

struct process_gauge {
    struct trail cpu, io_cpu, providers[PROVIDERS_MAX];
    double brakes[PROVIDERS_MAX][BRAKE_COUNT]; /* how often each was seen, fading */
    struct gauged_job jobs[JOBS_MAX];
};

struct process_gauge *process_gauge_create(void)
{
    struct process_gauge *gauge = calloc(1, sizeof(*gauge));
    CHECK(gauge != NULL);
    return gauge;
}

void process_gauge_destroy(struct process_gauge **gauge)
{
    free(*gauge);
    *gauge = NULL;
}

/* trail_add: returns the rise per second since the oldest value. */
static double trail_add(struct trail *trail, int64_t now_ns, double value)
{
    if (trail->count == WINDOW + 1) {
        trail->count--;
        memmove(trail->at_ns, trail->at_ns + 1, trail->count * sizeof(*trail->at_ns));
        memmove(trail->values, trail->values + 1, trail->count * sizeof(*trail->values));
    }
    trail->at_ns[trail->count] = now_ns;
    trail->values[trail->count++] = value;
    double seconds = (double)(now_ns - trail->at_ns[0]) / (double)NS_PER_S;
    double rise = value - trail->values[0];
    return seconds > 0.05 && rise > 0 ? rise / seconds : 0;
}

/* --- providers --- */

void process_gauge_look(struct process_gauge *gauge, const struct dispatch *dispatch,
                        const struct config *config)
{
    for (size_t i = 0; i < config->provider_count && i < PROVIDERS_MAX; i++) {
        struct dispatch_counters counters;
        dispatch_counters_read(dispatch, i, &counters);
        for (int b = 0; b < BRAKE_COUNT; b++)
            gauge->brakes[i][b] =
                gauge->brakes[i][b] * FADING + (b == (int)counters.brake);
    }
}

static enum dispatch_brake brake_of(const struct process_gauge *gauge, size_t provider)
{
    int most = BRAKE_NONE;
    for (int b = 0; b < BRAKE_COUNT; b++) {
        if (gauge->brakes[provider][b] > gauge->brakes[provider][most])
            most = b;
    }
    return (enum dispatch_brake)most;
}

static json_t *milliseconds(int64_t ns)
{
    return ns > 0 ? json_real((double)ns / (double)NS_PER_MS) : json_null();
}

static json_t *report_provider(struct process_gauge *gauge, size_t i, int64_t now_ns,
                               const struct provider_config *config,
                               const struct dispatch_counters *c)
{
    double answered = (double)(c->sent + c->failed + c->unknown);
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:o, s:o, s:o, s:f, s:s, s:b, "
        "s:b, s:s}",
        "name", config->name, "type", config->type, "sent", (json_int_t)c->sent, "failed",
        (json_int_t)c->failed, "unknown", (json_int_t)c->unknown, "deferred",
        (json_int_t)c->deferred, "rate_per_s",
        trail_add(&gauge->providers[i], now_ns, answered), "in_flight",
        (json_int_t)c->in_flight, "queued", (json_int_t)c->queued, "p50_ms",
        milliseconds(c->p50_ns), "p90_ms", milliseconds(c->p90_ns), "p99_ms",
        milliseconds(c->p99_ns), "rate_limit_per_s", c->rate_limit_per_s, "brake",
        dispatch_brake_name(brake_of(gauge, i)), "stopped", c->stopped, "broken",
        c->broken, "trouble", c->trouble);
}

/* --- jobs --- */

static struct gauged_job *job_slot(struct process_gauge *gauge, const struct run *run)
{
    struct text id = run_job(run)->file.id;
    struct gauged_job *slot = NULL;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct gauged_job *job = &gauge->jobs[i];
        if (job->run == run && text_is(id, job->id))
            return job;
        if (!slot && !job->run)
            slot = job;
    }
    if (!slot)
        return NULL;
    *slot = (struct gauged_job){.run = run};
    snprintf(slot->id, sizeof(slot->id), "%.*s", TEXT_ARGS(id));
    return slot;
}

static void forget_ended(struct process_gauge *gauge, struct run *const *runs,
                         size_t count)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        bool there = false;
        for (size_t r = 0; r < count; r++)
            there |= gauge->jobs[i].run == runs[r];
        if (!there)
            gauge->jobs[i].run = NULL;
    }
}

/* look_behind: of the job's providers the one where most messages wait. */
static void look_behind(const struct process_gauge *gauge, const struct job *job,
                        const struct config *config,
                        const struct dispatch_counters *counters,
                        struct bottleneck_view *view)
{
    uint64_t most = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (size_t i = 0; job_uses(job, (enum channel)c) && i < config->route_counts[c];
             i++) {
            uint8_t provider = config->routes[c][i].provider;
            uint64_t waiting = counters[provider].queued + counters[provider].in_flight;
            if (waiting <= most)
                continue;
            most = waiting;
            view->provider = config->providers[provider].name;
            view->brake = brake_of(gauge, provider);
        }
    }
}

static json_t *report_stages(struct gauged_job *slot, int64_t now_ns,
                             const struct stage_times *times,
                             struct bottleneck_view *view)
{
    double all = 0;
    json_t *shares = json_object();
    for (int i = 0; i < STAGE_COUNT; i++) {
        view->shares[i] = trail_add(&slot->stages[i], now_ns, (double)times->ns[i]);
        all += view->shares[i];
    }
    for (int i = 0; i < STAGE_COUNT; i++) {
        view->shares[i] = all > 0 ? view->shares[i] / all : 0;
        json_object_set_new(shares, stage_name((enum stage)i),
                            json_real(view->shares[i]));
    }
    return shares;
}

/* late_until: when a job would end that will miss its finish_by. */
static json_t *late_until(const struct run_progress *progress)
{
    char ends[CLOCK_FORMAT_BYTES];
    clock_format(progress->late_ends_ns, false, ends);
    return progress->late_ends_ns ? json_string(ends) : json_null();
}

static json_t *report_job(struct process_gauge *gauge, struct gauged_job *slot,
                          struct run *run, int64_t now_ns, double io_cpu,
                          const struct config *config,
                          const struct dispatch_counters *counters)
{
    struct run_progress now;
    run_progress(run, &now);
    const struct job *job = run_job(run);
    uint64_t planned = run_progress_planned(&now);
    uint64_t pending = books_total(&now.books, OUTCOME_PENDING);
    double share = run_progress_share(&now), done = (double)(planned - pending);
    double rows = now.chunks
                      ? (double)now.rows * (double)now.chunks_settled / (double)now.chunks
                      : 0;
    double rate = trail_add(&slot->answered, now_ns, done);
    double rows_per_s = trail_add(&slot->rows, now_ns, rows);
    double left = share > 0 ? done / share * (1 - share) : 0;
    struct bottleneck_view view = {.workers = job->workers,
                                   .io_cpu = io_cpu,
                                   .all_selected = now.chunks_settled == now.chunks,
                                   .job_rate = job->file.max_message_rate_per_s > 0 ||
                                               job->file.spread_over_ns > 0 ||
                                               job->hours.count > 0};
    look_behind(gauge, job, config, counters, &view);
    json_t *stages = report_stages(slot, now_ns, &now.stages, &view);
    struct bottleneck bottleneck;
    bottleneck_find(&view, &bottleneck);
    return json_pack(
        "{s:s, s:s%, s:s, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, "
        "s:o, s:{s:s, s:s}}",
        "id", slot->id, "account", job->account.id.data, job->account.id.bytes, "state",
        run_state_name(run), "rows", (json_int_t)now.rows, "selected_rows",
        (json_int_t)rows, "selected_rows_per_s", rows_per_s, "planned",
        (json_int_t)planned, "sent", (json_int_t)books_total(&now.books, OUTCOME_SENT),
        "failed", (json_int_t)books_total(&now.books, OUTCOME_FAILED), "unknown",
        (json_int_t)books_total(&now.books, OUTCOME_UNKNOWN), "pending",
        (json_int_t)pending, "share", share, "rate_per_s", rate, "eta_s",
        rate > 0 && share > 0 ? json_real(left / rate) : json_null(), "stages", stages,
        "late_until", late_until(&now), "bottleneck", "stage", bottleneck.stage, "why",
        bottleneck.why);
}

/* --- the whole --- */

static double process_cpu_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used))
        return 0;
    return (double)used.tv_sec * (double)NS_PER_S + (double)used.tv_nsec;
}

json_t *process_gauge_report(struct process_gauge *gauge, struct io_thread *io,
                             const struct config *config, struct run *const *runs,
                             size_t count)
{
    struct dispatch_counters counters[PROVIDERS_MAX] = {0};
    int64_t now_ns = clock_steady_ns();
    double cpu = trail_add(&gauge->cpu, now_ns, process_cpu_ns()) / (double)NS_PER_S;
    double io_ns = io ? (double)io_thread_cpu_ns(io) : 0;
    double io_cpu = trail_add(&gauge->io_cpu, now_ns, io_ns) / (double)NS_PER_S;
    json_t *providers = json_array(), *jobs = json_array();
    for (size_t i = 0; io && i < config->provider_count && i < PROVIDERS_MAX; i++) {
        dispatch_counters_read(io_thread_dispatch(io), i, &counters[i]);
        json_array_append_new(
            providers,
            report_provider(gauge, i, now_ns, &config->providers[i], &counters[i]));
    }
    forget_ended(gauge, runs, count);
    for (size_t i = 0; i < count; i++) {
        struct gauged_job *slot = job_slot(gauge, runs[i]);
        if (slot)
            json_array_append_new(
                jobs, report_job(gauge, slot, runs[i], now_ns, io_cpu, config, counters));
    }
    return json_pack("{s:f, s:f, s:o, s:o}", "cpu", cpu, "io_cpu", io_cpu, "providers",
                     providers, "jobs", jobs);
}
