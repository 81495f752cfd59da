/* bench_report: see bench_report.h. */
#include "cli/bench/bench_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_CELLS 28
/* Below this share of the fastest a setting is worse, above it is noise. */
#define AS_FAST 0.95
#define FULLY   0.85

static const struct {
    const char *key, *title;
} knobs[] = {
    [BENCH_CONNECTIONS] = {"max_connections", "connections"},
    [BENCH_PER_CONNECTION] = {"messages_per_connection", "messages a connection"},
    [BENCH_BATCH] = {"batch", "messages a call"},
};

static unsigned value_of(const struct bench_setting *setting, enum bench_knob knob)
{
    return knob == BENCH_CONNECTIONS      ? setting->max_connections
           : knob == BENCH_PER_CONNECTION ? setting->messages_per_connection
                                          : setting->batch;
}

static double fastest(const struct bench_report *report, enum bench_knob knob)
{
    double most = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (report->points[i].knob == knob && report->points[i].point.rate_per_s > most)
            most = report->points[i].point.rate_per_s;
    }
    return most;
}

/* chosen: the first point of the knob that is as fast as any; NULL: never swept. */
static const struct bench_point *chosen(const struct bench_report *report,
                                        enum bench_knob knob)
{
    double most = fastest(report, knob);
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_point *point = &report->points[i].point;
        if (report->points[i].knob == knob && point->rate_per_s >= AS_FAST * most)
            return point;
    }
    return NULL;
}

void bench_report_settle(struct bench_report *report, enum bench_knob knob)
{
    const struct bench_point *point = chosen(report, knob);
    if (point)
        report->best = point->setting;
    report->last_knob = knob;
}

/* --- for people --- */

static void draw_bar(double share, bool blocks)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned filled = (unsigned)(share * BAR_CELLS * 8 + 0.5), cells = filled / 8;
    for (unsigned i = 0; i < cells; i++)
        fputs(blocks ? "█" : "#", stdout);
    if (blocks && filled % 8) {
        fputs(eighths[filled % 8], stdout);
        cells++;
    }
    printf("%*s", (int)(BAR_CELLS - cells), "");
}

static void format_value(unsigned value, enum bench_knob knob, char out[16])
{
    if (knob == BENCH_BATCH && value == 0)
        snprintf(out, 16, "auto");
    else
        snprintf(out, 16, "%u", value);
}

static void print_curve(const struct bench_report *report, enum bench_knob knob,
                        bool blocks)
{
    const struct bench_point *best = chosen(report, knob);
    double most = fastest(report, knob);
    if (!best)
        return;
    printf("\n%21s %10s %-*s %8s %8s %6s %7s  bottleneck\n", knobs[knob].title,
           "messages/s", BAR_CELLS, "", "p50 ms", "p99 ms", "CPU", "µs each");
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_point *p = &report->points[i].point;
        char value[16], p50[16] = "-", p99[16] = "-";
        if (report->points[i].knob != knob)
            continue;
        format_value(value_of(&p->setting, knob), knob, value);
        if (p->p99_ms > 0) {
            snprintf(p50, sizeof(p50), "%.2f", p->p50_ms);
            snprintf(p99, sizeof(p99), "%.2f", p->p99_ms);
        }
        printf("%s%20s %10.0f ", p == best ? "*" : " ", value, p->rate_per_s);
        draw_bar(most > 0 ? p->rate_per_s / most : 0, blocks);
        printf(" %8s %8s %6.2f %7.1f  %s: %s\n", p50, p99, p->cpu, p->cpu_us,
               p->bottleneck, p->why);
        if (p->failed + p->unknown > 0)
            printf("%22s%" PRIu64 " of %" PRIu64 " failed or are unknown%s%s\n", "",
                   p->failed + p->unknown, p->answered, *p->trouble ? ": " : "",
                   p->trouble);
    }
}

static void print_advice(const struct bench_report *report)
{
    const struct bench_point *best = chosen(report, report->last_knob);
    double peer_cpu = 0;
    if (!best)
        return;
    for (size_t i = 0; i < report->count; i++) {
        if (&report->points[i].point == best)
            peer_cpu = report->points[i].peer_cpu;
    }
    printf("\nbottleneck at %.0f/s: %s: %s\n", best->rate_per_s, best->bottleneck,
           best->why);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (peer_cpu > 0 && best->cpu + peer_cpu >= FULLY * (double)processors)
        printf("this machine's processors are all busy: volley uses %.2f of %ld, the "
               "sandbox %.2f\n",
               best->cpu, processors, peer_cpu);
    else if (peer_cpu >= FULLY)
        printf("the sandbox uses %.2f processors: it cannot take more\n", peer_cpu);
    const struct bench_point *connections = chosen(report, BENCH_CONNECTIONS);
    size_t last = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (report->points[i].knob == BENCH_CONNECTIONS)
            last = i;
    }
    if (connections == &report->points[last].point && last > 0)
        printf("the fastest is at the end of the curve: more max_connections may be "
               "faster\n");
    if (strcmp(best->bottleneck, "limit") == 0)
        printf("a higher max_message_rate would be faster, if the provider allows it\n");
    printf("\nproviders:\n  %s: {", report->provider);
    bool first = true;
    for (size_t k = 0; k < ARRAY_COUNT(knobs); k++) {
        char value[16];
        if (!chosen(report, (enum bench_knob)k))
            continue;
        format_value(value_of(&report->best, (enum bench_knob)k), (enum bench_knob)k,
                     value);
        printf("%s%s: %s", first ? "" : ", ", knobs[k].key, value);
        first = false;
    }
    printf("}\n");
}

void bench_report_text(const struct bench_report *report, bool blocks)
{
    printf("%s (%s), %s to %s\n", report->provider, report->type,
           channel_name(report->channel), report->to);
    for (size_t k = 0; k < ARRAY_COUNT(knobs); k++)
        print_curve(report, (enum bench_knob)k, blocks);
    print_advice(report);
}

/* --- for programs --- */

static json_t *known(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

json_t *bench_report_json(const struct bench_report *report)
{
    json_t *points = json_array(), *recommended = json_object();
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_point *p = &report->points[i].point;
        json_array_append_new(
            points,
            json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:f, "
                      "s:f, s:f, s:o, s:{s:s, s:s}}",
                      "sweep", knobs[report->points[i].knob].key, "max_connections",
                      (json_int_t)p->setting.max_connections, "messages_per_connection",
                      (json_int_t)p->setting.messages_per_connection, "batch",
                      (json_int_t)p->setting.batch, "rate_per_s", p->rate_per_s, "sent",
                      (json_int_t)p->sent, "failed", (json_int_t)p->failed, "unknown",
                      (json_int_t)p->unknown, "seconds", p->seconds, "p50_ms",
                      known(p->p50_ms), "p90_ms", known(p->p90_ms), "p99_ms",
                      known(p->p99_ms), "cpu", p->cpu, "io_cpu", p->io_cpu,
                      "cpu_us_per_message", p->cpu_us, "sandbox_cpu",
                      known(report->points[i].peer_cpu), "bottleneck", "stage",
                      p->bottleneck, "why", p->why));
    }
    for (size_t k = 0; k < ARRAY_COUNT(knobs); k++) {
        if (chosen(report, (enum bench_knob)k))
            json_object_set_new(
                recommended, knobs[k].key,
                json_integer(value_of(&report->best, (enum bench_knob)k)));
    }
    const struct bench_point *best = chosen(report, report->last_knob);
    return json_pack("{s:s, s:s, s:s, s:s, s:f, s:{s:s, s:s}, s:o, s:o}", "provider",
                     report->provider, "type", report->type, "channel",
                     channel_name(report->channel), "to", report->to, "rate_per_s",
                     best ? best->rate_per_s : 0.0, "bottleneck", "stage",
                     best ? best->bottleneck : "-", "why", best ? best->why : "",
                     "recommended", recommended, "points", points);
}
