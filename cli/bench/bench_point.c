/* bench_point: see bench_point.h. The same start, run and end as `send`. */
#include "cli/bench/bench_point.h"

#include "base/clock.h"
#include "engine/jobs/start.h"
#include "engine/process/process_gauge.h"

#include <stdio.h>
#include <time.h>

#define LOOK_MS   20
#define REPORT_NS (100 * NS_PER_MS)

/* Stages that were the bottleneck at some report, and how often. */
struct tally {
    struct {
        char stage[16], why[160];
        unsigned times;
    } seen[8];
    size_t count;
};

static void tally_add(struct tally *tally, const char *stage, const char *why)
{
    size_t i = 0;
    while (i < tally->count && (strcmp(tally->seen[i].stage, stage) != 0 ||
                                strcmp(tally->seen[i].why, why) != 0))
        i++;
    if (i == ARRAY_COUNT(tally->seen))
        return;
    if (i == tally->count) {
        tally->count++;
        snprintf(tally->seen[i].stage, sizeof(tally->seen[i].stage), "%s", stage);
        snprintf(tally->seen[i].why, sizeof(tally->seen[i].why), "%s", why);
    }
    tally->seen[i].times++;
}

static void tally_report(struct tally *tally, const json_t *report)
{
    const json_t *job = json_array_get(json_object_get(report, "jobs"), 0);
    const json_t *found = json_object_get(job, "bottleneck");
    const char *stage = json_string_value(json_object_get(found, "stage"));
    const char *why = json_string_value(json_object_get(found, "why"));
    if (stage && why && strcmp(stage, "none") != 0)
        tally_add(tally, stage, why);
}

static void tally_most(const struct tally *tally, struct bench_point *out)
{
    size_t most = 0;
    for (size_t i = 1; i < tally->count; i++) {
        if (tally->seen[i].times > tally->seen[most].times)
            most = i;
    }
    snprintf(out->bottleneck, sizeof(out->bottleneck), "%s",
             tally->count ? tally->seen[most].stage : "-");
    snprintf(out->why, sizeof(out->why), "%s",
             tally->count ? tally->seen[most].why : "too short to tell");
}

static double cpu_s(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / (double)NS_PER_S;
}

/* take_stock: what came of it up to now. */
static void take_stock(struct io_thread *io, struct run *run, struct bench_point *out)
{
    struct run_progress now;
    struct dispatch_counters counters = {0};
    run_progress(run, &now);
    dispatch_counters_read(io_thread_dispatch(io), 0, &counters);
    out->sent = books_total(&now.books, OUTCOME_SENT);
    out->failed = books_total(&now.books, OUTCOME_FAILED);
    out->unknown = books_total(&now.books, OUTCOME_UNKNOWN);
    out->answered = out->sent + out->failed + out->unknown;
    out->seconds = (double)now.elapsed_ns / (double)NS_PER_S;
    out->p50_ms = (double)counters.p50_ns / (double)NS_PER_MS;
    out->p90_ms = (double)counters.p90_ns / (double)NS_PER_MS;
    out->p99_ms = (double)counters.p99_ns / (double)NS_PER_MS;
    snprintf(out->trouble, sizeof(out->trouble), "%s", counters.trouble);
}

static void measure(struct io_thread *io, struct run *run, const struct config *config,
                    int64_t limit_ns, const volatile sig_atomic_t *stop,
                    struct bench_point *out)
{
    struct process_gauge *gauge = process_gauge_create();
    struct tally tally = {0};
    double cpu_before = cpu_s(), io_before = (double)io_thread_cpu_ns(io);
    int64_t started_ns = clock_steady_ns(), reported_ns = started_ns;
    enum run_state state;
    bool going = true;
    while ((state = run_poll(run, LOOK_MS)) == RUN_GOING && going) {
        int64_t now_ns = clock_steady_ns();
        process_gauge_look(gauge, io_thread_dispatch(io), config);
        if (now_ns - reported_ns >= REPORT_NS) {
            json_t *report = process_gauge_report(gauge, io, config, &run, 1);
            tally_report(&tally, report);
            json_decref(report);
            reported_ns = now_ns;
        }
        going = !*stop && now_ns - started_ns < limit_ns;
    }
    take_stock(io, run, out);
    double seconds = out->seconds > 0 ? out->seconds : 1e-9, cpu = cpu_s() - cpu_before;
    out->rate_per_s = (double)out->answered / seconds;
    out->cpu = cpu / seconds;
    out->io_cpu = ((double)io_thread_cpu_ns(io) - io_before) / (double)NS_PER_S / seconds;
    out->cpu_us = out->answered ? cpu * 1e6 / (double)out->answered : 0;
    tally_most(&tally, out);
    process_gauge_destroy(&gauge);
    if (state == RUN_GOING)
        run_cancel(run);
    while (state == RUN_GOING)
        state = run_poll(run, LOOK_MS);
}

static struct config with_setting(const struct config *config,
                                  const struct bench_setting *setting,
                                  struct provider_config *provider)
{
    struct config changed = *config;
    *provider = config->providers[0];
    provider->max_connections = setting->max_connections;
    provider->messages_per_connection = setting->messages_per_connection;
    provider->batch = setting->batch;
    changed.providers = provider;
    return changed;
}

int bench_point_measure(struct bench_home *home, const struct config *config,
                        const struct bench_setting *setting, uint64_t messages,
                        int64_t limit_ns, const volatile sig_atomic_t *stop,
                        struct bench_point *out, struct error *err)
{
    struct provider_config provider;
    struct config changed = with_setting(config, setting, &provider);
    struct job_env env = {.home = home->path, .config = &changed, .store = home->store};
    struct buffer content = {0};
    struct io_thread *io = NULL;
    struct run *run = NULL;
    *out = (struct bench_point){.setting = *setting};
    int rc = bench_home_job(home, messages, &content, err);
    if (rc == 0)
        rc = io_thread_start(&changed, &io, err);
    if (rc == 0)
        rc = start_content(io, &env, buffer_view(&content), "bench", NULL, NULL, &run,
                           err);
    if (rc == START_RUNNING) {
        measure(io, run, &changed, limit_ns, stop, out);
        rc = run_end(&run, err);
    }
    if (rc == 0 && *stop)
        rc = error_set(err, ERROR_AGAIN, "stopped");
    io_thread_stop(&io);
    buffer_fini(&content);
    return rc;
}
