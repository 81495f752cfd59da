/* top_view: see top_view.h. */
#include "cli/top_view.h"

#include <stdio.h>

#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"

static const char *string_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* add_line: cut to the width, each code point taken as one column; what is no printable character
 * becomes a question mark. */
static void add_line(const struct top_view *view, const char *colour, const char *line,
                     struct buffer *out)
{
    bool coloured = view->colours && *colour;
    const char *end = line + strlen(line);
    if (coloured)
        buffer_string(out, colour);
    for (size_t column = 0; line < end && (!view->width || column < view->width);
         column++) {
        const char *start = line;
        uint32_t code = utf8_next(&line, end);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == UTF8_BAD ||
                       (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
        if (control)
            buffer_byte(out, '?');
        else
            buffer_add(out, start, (size_t)(line - start));
    }
    if (coloured)
        buffer_string(out, "\033[0m");
    buffer_byte(out, '\n');
}

static void format_number(const json_t *value, const char *format, char out[24])
{
    if (json_is_number(value))
        snprintf(out, 24, format, json_number_value(value));
    else
        snprintf(out, 24, "-");
}

/* format_rate: as many digits as say something. */
static void format_rate(double per_s, char out[24])
{
    snprintf(out, 24, per_s >= 10 || per_s <= 0 ? "%.0f" : "%.2f", per_s);
}

static void format_eta(const json_t *eta, char out[24])
{
    double seconds = json_number_value(eta);
    unsigned s = seconds > 8639999 ? 8639999 : (unsigned)(seconds + 0.5);
    if (!json_is_number(eta))
        snprintf(out, 24, "-");
    else if (s >= 3600)
        snprintf(out, 24, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 24, "%u:%02u", s / 60, s % 60);
}

static void draw_provider(const struct top_view *view, const json_t *provider,
                          struct buffer *out)
{
    char line[1024], rate[24], limit[24], p50[24], p90[24], p99[24];
    bool bad = json_is_true(json_object_get(provider, "stopped")) ||
               json_is_true(json_object_get(provider, "broken"));
    const char *trouble = string_of(provider, "trouble");
    const char *brake = string_of(provider, "brake");
    double limit_per_s = number_of(provider, "rate_limit_per_s");
    format_rate(number_of(provider, "rate_per_s"), rate);
    format_rate(limit_per_s, limit);
    format_number(json_object_get(provider, "p50_ms"), "%.1f", p50);
    format_number(json_object_get(provider, "p90_ms"), "%.1f", p90);
    format_number(json_object_get(provider, "p99_ms"), "%.1f", p99);
    snprintf(line, sizeof(line), "  %-14s %8s %8s %9.0f %8.0f %8s %8s %8s  %-16s %.700s",
             string_of(provider, "name"), rate, limit_per_s > 0 ? limit : "-",
             number_of(provider, "in_flight"), number_of(provider, "queued"), p50, p90,
             p99, strcmp(brake, "nothing") == 0 ? "-" : brake, *trouble ? trouble : "-");
    add_line(view, bad ? RED : *trouble ? YELLOW : "", line, out);
}

static void draw_job(const struct top_view *view, const json_t *job, struct buffer *out)
{
    char line[1024], rate[24], eta[24];
    const json_t *bottleneck = json_object_get(job, "bottleneck");
    double failed = number_of(job, "failed"), unknown = number_of(job, "unknown");
    const char *late = string_of(job, "late_until");
    format_rate(number_of(job, "rate_per_s"), rate);
    format_eta(json_object_get(job, "eta_s"), eta);
    snprintf(line, sizeof(line),
             "  %-22s %-10s %4.0f%% %8s %8s %9.0f %8.0f %8.0f %9.0f  %s%s%s%.40s: %.200s",
             string_of(job, "id"), string_of(job, "state"), number_of(job, "share") * 100,
             rate, eta, number_of(job, "sent"), failed, unknown,
             number_of(job, "pending"), *late ? "late, until " : "", late,
             *late ? "; " : "", string_of(bottleneck, "stage"),
             string_of(bottleneck, "why"));
    add_line(view, failed + unknown > 0 || *late ? YELLOW : "", line, out);
}

static void draw_process(const struct top_view *view, const json_t *process,
                         struct buffer *out)
{
    char line[512];
    const json_t *providers = json_object_get(process, "providers");
    const json_t *jobs = json_object_get(process, "jobs");
    size_t index;
    json_t *one;
    snprintf(line, sizeof(line),
             "%s (pid %.0f) since %s, %.2f processors (I/O thread %.2f)",
             string_of(process, "verb"), number_of(process, "pid"),
             string_of(process, "started"), number_of(process, "cpu"),
             number_of(process, "io_cpu"));
    add_line(view, BOLD, line, out);
    snprintf(line, sizeof(line), "  %-14s %8s %8s %9s %8s %8s %8s %8s  %-16s %s",
             "provider", "rate/s", "limit/s", "in flight", "queued", "p50 ms", "p90 ms",
             "p99 ms", "throttled by", "trouble");
    add_line(view, BOLD, line, out);
    json_array_foreach(providers, index, one) draw_provider(view, one, out);
    if (json_array_size(jobs) == 0) {
        add_line(view, "", "  no job at the moment", out);
        return;
    }
    snprintf(line, sizeof(line), "  %-22s %-10s %5s %8s %8s %9s %8s %8s %9s  %s", "job",
             "state", "done", "rate/s", "ETA", "sent", "failed", "unknown", "pending",
             "bottleneck");
    add_line(view, BOLD, line, out);
    json_array_foreach(jobs, index, one) draw_job(view, one, out);
}

void top_view_draw(const struct top_view *view, const json_t *list, struct buffer *out)
{
    size_t index;
    json_t *process;
    if (json_array_size(list) == 0)
        add_line(view, "", "nothing is being sent from this home", out);
    json_array_foreach(list, index, process)
    {
        if (index > 0)
            add_line(view, "", "", out);
        draw_process(view, process, out);
    }
}
