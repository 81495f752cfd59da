/* report_parts: see report_parts.h. */
#include "engine/results/report_parts.h"

#include "base/clock.h"
#include "engine/results/chart.h"
#include "engine/results/markup.h"
#include "engine/results/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* More lines than this nobody reads; report.json has them all. */
#define BARS_MAX    40
#define LABEL_BYTES 160

uint64_t part_number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static struct text text_of_json(const json_t *value)
{
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT_NONE;
}

struct text part_text(const json_t *object, const char *key)
{
    return text_of_json(json_object_get(object, key));
}

void part_share(uint64_t part, uint64_t whole, char out[PART_SHARE_BYTES])
{
    double share = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
    if (part > 0 && share < 0.1)
        snprintf(out, PART_SHARE_BYTES, "< 0.1 %%");
    else if (part < whole && share > 99.9)
        snprintf(out, PART_SHARE_BYTES, "> 99.9 %%");
    else
        snprintf(out, PART_SHARE_BYTES, part == whole ? "%.0f %%" : "%.1f %%", share);
}

static void section(struct buffer *out, const char *title)
{
    buffer_format(out, "<section><h2>%s</h2>\n", title);
}

static void section_end(struct buffer *out)
{
    buffer_string(out, "</section>\n");
}

/* --- bars being collected --- */

struct bars {
    struct chart_bar bars[BARS_MAX];
    char labels[BARS_MAX][LABEL_BYTES];
    char notes[BARS_MAX][PART_SHARE_BYTES];
    size_t count;
};

/* add_bar: the next bar, with underscores of a name of ours as spaces; NULL when there are
 * too many. */
static struct chart_bar *add_bar(struct bars *bars, const char *prefix, const char *name)
{
    if (bars->count == BARS_MAX)
        return NULL;
    size_t i = bars->count++;
    snprintf(bars->labels[i], LABEL_BYTES, "%s%s", prefix, name);
    bars->bars[i].label = text_of(bars->labels[i]);
    return &bars->bars[i];
}

static void spell(struct bars *bars)
{
    for (size_t i = 0; i < bars->count; i++) {
        for (char *c = bars->labels[i]; *c; c++)
            *c = *c == '_' ? ' ' : *c;
    }
}

static uint64_t bar_total(const struct chart_bar *bar)
{
    uint64_t total = 0;
    for (size_t s = 0; s < CHART_SERIES_MAX; s++)
        total += bar->counts[s];
    return total;
}

static int compare_bars(const void *a, const void *b)
{
    uint64_t x = bar_total(a), y = bar_total(b);
    return x < y ? 1 : x > y ? -1 : 0;
}

static void set_shares(struct bars *bars, uint64_t whole)
{
    for (size_t i = 0; i < bars->count; i++) {
        part_share(bar_total(&bars->bars[i]), whole, bars->notes[i]);
        bars->bars[i].note = text_of(bars->notes[i]);
    }
}

/* put_table: the same as numbers, for who does not see the drawing. */
static void put_table(struct buffer *out, const char *head,
                      const struct chart_bars *chart)
{
    char number[CHART_NUMBER_BYTES];
    buffer_format(out,
                  "<details><summary>As a table</summary><div class=\"scroll\">"
                  "<table><thead><tr><th>%s</th>",
                  head);
    for (size_t s = 0; s < chart->series_count; s++)
        buffer_format(out, "<th class=\"n\">%s</th>", chart->series[s].label);
    buffer_string(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < chart->count; i++) {
        buffer_string(out, "<tr><th>");
        markup_text(out, chart->bars[i].label);
        buffer_string(out, "</th>");
        for (size_t s = 0; s < chart->series_count; s++) {
            chart_number(chart->bars[i].counts[s], number);
            buffer_format(out, "<td class=\"n\">%s</td>", number);
        }
        buffer_string(out, "</tr>\n");
    }
    buffer_string(out, "</tbody></table></div></details>\n");
}

static const struct chart_series outcome_series[] = {
    {"sent", "Sent"},
    {"failed", "Failed"},
    {"unknown", "Unknown"},
    {"cancelled", "Cancelled"},
    {"expired", "Expired"},
    {"pending", "Pending"},
    {"fallback_email", "Moved to email"}};

/* use_series: of the outcomes only those that occur, so that the legend is short.
 * objects: name → {sent: …}. */
static void use_series(struct chart_bars *chart, json_t *objects)
{
    const char *name;
    json_t *object;
    for (size_t s = 0; s < ARRAY_COUNT(outcome_series); s++) {
        bool occurs = false;
        json_object_foreach(objects, name, object) occurs |=
            part_number(object, outcome_series[s].kind) > 0;
        if (occurs || s == 0)
            chart->series[chart->series_count++] = outcome_series[s];
    }
}

static void put_outcome_bars(struct buffer *out, const char *title, const char *head,
                             const char *description, json_t *objects)
{
    const char *name;
    json_t *object;
    struct bars bars = {0};
    struct chart_bars chart = {.title = title, .description = description};
    if (json_object_size(objects) == 0)
        return;
    use_series(&chart, objects);
    json_object_foreach(objects, name, object)
    {
        struct chart_bar *bar = add_bar(&bars, "", name);
        for (size_t s = 0; bar && s < chart.series_count; s++)
            bar->counts[s] = part_number(object, chart.series[s].kind);
    }
    chart.bars = bars.bars;
    chart.count = bars.count;
    section(out, title);
    chart_bars(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    put_table(out, head, &chart);
    section_end(out);
}

/* --- rate --- */

static void step_words(int64_t step_s, char out[48])
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {{86400, "day", "days"},
                 {3600, "hour", "hours"},
                 {60, "minute", "minutes"},
                 {1, "second", "seconds"}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        int64_t n = step_s / units[i].seconds;
        if (step_s % units[i].seconds != 0 || n == 0)
            continue;
        if (n == 1)
            snprintf(out, 48, "a %s", units[i].one);
        else
            snprintf(out, 48, "every %" PRId64 " %s", n, units[i].many);
        return;
    }
    out[0] = '\0';
}

static void put_rate_table(struct buffer *out, const struct chart_columns *chart)
{
    buffer_string(out, "<details><summary>As a table</summary><div class=\"scroll\">"
                       "<table><thead><tr><th>From (UTC)</th>");
    for (size_t s = 0; s < chart->series_count; s++)
        buffer_format(out, "<th class=\"n\">%s</th>", chart->series[s].label);
    buffer_string(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < chart->count; i++) {
        char at[CLOCK_FORMAT_BYTES], number[CHART_NUMBER_BYTES];
        const uint64_t *counts = chart->counts + i * chart->series_count;
        if (counts[0] + counts[1] + counts[2] == 0)
            continue;
        clock_format((chart->from_s + (int64_t)i * chart->step_s) * NS_PER_S, false, at);
        buffer_format(out, "<tr><th>%.10s %.8s</th>", at, at + 11);
        for (size_t s = 0; s < chart->series_count; s++) {
            chart_number(counts[s], number);
            buffer_format(out, "<td class=\"n\">%s</td>", number);
        }
        buffer_string(out, "</tr>\n");
    }
    buffer_string(out, "</tbody></table></div></details>\n");
}

void part_rate(struct buffer *out, const json_t *report)
{
    const json_t *rate = json_object_get(report, "rate");
    uint64_t counts[TIMELINE_BUCKETS][TIMELINE_SERIES] = {0};
    struct chart_columns chart = {.series_count = TIMELINE_SERIES,
                                  .counts = counts[0],
                                  .count = json_array_size(json_object_get(rate, "sent")),
                                  .step_s = (int64_t)part_number(rate, "step_s")};
    int64_t from_ns;
    bool has_offset;
    if (chart.count == 0 || chart.count > TIMELINE_BUCKETS || chart.step_s == 0 ||
        clock_parse(part_text(rate, "from"), &from_ns, &has_offset))
        return;
    chart.from_s = from_ns / NS_PER_S;
    for (size_t s = 0; s < TIMELINE_SERIES; s++) {
        chart.series[s] = outcome_series[s];
        for (size_t i = 0; i < chart.count; i++)
            counts[i][s] = (uint64_t)json_integer_value(
                json_array_get(json_object_get(rate, outcome_series[s].kind), i));
    }
    char step[48], title[80];
    step_words(chart.step_s, step);
    snprintf(title, sizeof(title), "Rate: messages %s", step);
    chart.title = title;
    chart.description = "Columns over time (UTC), each stacked by outcome: sent, failed, "
                        "unknown. The table below has the numbers.";
    section(out, title);
    chart_columns(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    put_rate_table(out, &chart);
    section_end(out);
}

/* --- the others --- */

void part_channels(struct buffer *out, const json_t *report)
{
    put_outcome_bars(out, "Outcomes by channel", "Channel",
                     "A bar for each channel, stacked by what became of its messages.",
                     json_object_get(report, "channels"));
}

void part_providers(struct buffer *out, const json_t *report)
{
    put_outcome_bars(out, "Providers", "Provider",
                     "A bar for each provider: what became of the messages it was the "
                     "last to have.",
                     json_object_get(report, "providers"));
}

static void put_reason_rows(struct buffer *out, json_t *reasons)
{
    const char *outcome;
    json_t *list, *reason;
    size_t i;
    buffer_string(out, "<div class=\"scroll\"><table><thead><tr><th>Outcome</th>"
                       "<th>Reason</th><th class=\"n\">Messages</th>"
                       "<th>For example</th></tr></thead><tbody>\n");
    json_object_foreach(reasons, outcome, list) json_array_foreach(list, i, reason)
    {
        char number[CHART_NUMBER_BYTES];
        chart_number(part_number(reason, "count"), number);
        buffer_string(out, "<tr><td>");
        markup_text(out, text_of(outcome));
        buffer_string(out, "</td><td>");
        markup_text(out, part_text(reason, "reason"));
        buffer_format(out, "</td><td class=\"n\">%s</td><td class=\"words\">", number);
        markup_text(out, part_text(reason, "example"));
        buffer_string(out, "</td></tr>\n");
    }
    buffer_string(out, "</tbody></table></div>\n");
}

void part_reasons(struct buffer *out, const json_t *report)
{
    const char *outcome;
    json_t *list, *reason, *reasons = json_object_get(report, "reasons");
    size_t i;
    struct bars bars = {0};
    struct chart_bars chart = {
        .title = "Reasons",
        .description = "A bar for each reason a provider or we had, the most frequent "
                       "first. The table below has the numbers.",
        .series_count = 5};
    if (json_object_size(reasons) == 0)
        return;
    memcpy(chart.series, outcome_series, chart.series_count * sizeof(*chart.series));
    json_object_foreach(reasons, outcome, list) json_array_foreach(list, i, reason)
    {
        struct chart_bar *bar = add_bar(&bars, "", part_text(reason, "reason").data);
        for (size_t s = 0; bar && s < chart.series_count; s++) {
            if (strcmp(chart.series[s].kind, outcome) == 0)
                bar->counts[s] = part_number(reason, "count");
        }
    }
    qsort(bars.bars, bars.count, sizeof(*bars.bars), compare_bars);
    spell(&bars);
    chart.bars = bars.bars;
    chart.count = bars.count;
    section(out, "Reasons");
    chart_bars(out, &chart);
    struct chart_series occur[CHART_SERIES_MAX];
    size_t count = 0;
    for (size_t s = 0; s < chart.series_count; s++) {
        if (json_object_get(reasons, chart.series[s].kind))
            occur[count++] = chart.series[s];
    }
    chart_legend(out, occur, count);
    put_reason_rows(out, reasons);
    section_end(out);
}

void part_suppressed(struct buffer *out, const json_t *report)
{
    const char *name, *why;
    json_t *channel, *count, *channels = json_object_get(report, "channels");
    struct bars bars = {0};
    struct chart_bars chart = {
        .title = "Not planned, and why",
        .description = "A bar for each reason why customers of the audience get no "
                       "message on a channel.",
        .series = {{"suppressed", "Customers"}},
        .series_count = 1};
    json_object_foreach(channels, name, channel)
    {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "%.20s: ", name);
        json_object_foreach(json_object_get(channel, "suppressed"), why, count)
        {
            struct chart_bar *bar = add_bar(&bars, prefix, why);
            if (bar)
                bar->counts[0] = (uint64_t)json_integer_value(count);
        }
    }
    if (bars.count == 0)
        return;
    qsort(bars.bars, bars.count, sizeof(*bars.bars), compare_bars);
    spell(&bars);
    set_shares(&bars, part_number(report, "matched"));
    chart.bars = bars.bars;
    chart.count = bars.count;
    section(out, chart.title);
    chart_bars(out, &chart);
    put_table(out, "Reason", &chart);
    section_end(out);
}

void part_segments(struct buffer *out, const json_t *report)
{
    const json_t *quota = json_object_get(report, "quota");
    uint64_t limit = part_number(quota, "limit");
    uint64_t before = part_number(quota, "used_before");
    uint64_t after = part_number(quota, "used_after");
    struct chart_bar bar = {.label = TEXT("SMS segments"),
                            .counts = {before, after > before ? after - before : 0,
                                       limit > after ? limit - after : 0}};
    char numbers[4][CHART_NUMBER_BYTES];
    if (limit == 0)
        return;
    struct chart_bars chart = {
        .title = "SMS segments and the month's allowance",
        .description = "One bar: what was used before, what this job used, what is left.",
        .series = {{"used", "Used before"}, {"sent", "This job"}, {"left", "Left"}},
        .series_count = 3,
        .bars = &bar,
        .count = 1};
    chart_number(before, numbers[0]);
    chart_number(bar.counts[1], numbers[1]);
    chart_number(bar.counts[2], numbers[2]);
    chart_number(limit, numbers[3]);
    section(out, chart.title);
    chart_bars(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    buffer_format(
        out,
        "<p class=\"equation\">%s used before + %s by this job + %s left, of an "
        "allowance of %s.</p>\n",
        numbers[0], numbers[1], numbers[2], numbers[3]);
    section_end(out);
}

void part_attempts(struct buffer *out, const json_t *report)
{
    const char *attempts;
    json_t *count;
    uint64_t tried = 0;
    struct bars bars = {0};
    struct chart_bars chart = {
        .title = "Attempts a message",
        .description = "A bar for each number of attempts: how many messages needed it.",
        .series = {{"sent", "Messages"}},
        .series_count = 1};
    if (json_object_size(json_object_get(report, "attempts")) < 2)
        return;
    json_object_foreach(json_object_get(report, "attempts"), attempts, count)
    {
        struct chart_bar *bar =
            add_bar(&bars, attempts, strcmp(attempts, "1") ? " attempts" : " attempt");
        if (bar)
            bar->counts[0] = (uint64_t)json_integer_value(count);
        tried += (uint64_t)json_integer_value(count);
    }
    set_shares(&bars, tried);
    chart.bars = bars.bars;
    chart.count = bars.count;
    section(out, chart.title);
    chart_bars(out, &chart);
    put_table(out, "Attempts", &chart);
    section_end(out);
}
