/* report_parts: see report_parts.h. */
#include "engine/page/report_parts.h"

#include "engine/page/chart.h"
#include "engine/page/markup.h"

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

void part_begin(struct buffer *out, const char *title)
{
    buffer_format(out, "<section><h2>%s</h2>\n", title);
}

void part_end(struct buffer *out)
{
    buffer_string(out, "</section>\n");
}

/* --- bars being collected --- */

struct bars {
    struct chart_bar bars[BARS_MAX];
    char labels[BARS_MAX][LABEL_BYTES];
    char notes[BARS_MAX][PART_SHARE_BYTES + 8];
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

static void set_note(struct bars *bars, size_t i, uint64_t part, uint64_t whole,
                     const char *unit)
{
    char share[PART_SHARE_BYTES];
    part_share(part, whole, share);
    snprintf(bars->notes[i], sizeof(bars->notes[i]), "%s%s", share, unit);
    bars->bars[i].note = text_of(bars->notes[i]);
}

static void set_shares(struct bars *bars, uint64_t whole)
{
    for (size_t i = 0; i < bars->count; i++)
        set_note(bars, i, bar_total(&bars->bars[i]), whole, "");
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

const struct chart_series part_outcomes[PART_OUTCOMES] = {
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
    for (size_t s = 0; s < PART_OUTCOMES; s++) {
        bool occurs = false;
        json_object_foreach(objects, name, object) occurs |=
            part_number(object, part_outcomes[s].kind) > 0;
        if (occurs || s == 0)
            chart->series[chart->series_count++] = part_outcomes[s];
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
        if (bar && bar_total(bar) > 0)
            set_note(&bars, bars.count - 1, bar->counts[0], bar_total(bar), " sent");
    }
    chart.bars = bars.bars;
    chart.count = bars.count;
    part_begin(out, title);
    chart_bars(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    put_table(out, head, &chart);
    part_end(out);
}

/* --- the sections --- */

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

/* reason_bars: one a reason and outcome, the most frequent first; in chart->series only
 * the outcomes that have one. */
static void reason_bars(json_t *reasons, struct bars *bars, struct chart_bars *chart)
{
    const char *outcome;
    json_t *list, *reason;
    size_t i;
    for (size_t s = 0; s < PART_OUTCOMES; s++) {
        if (json_object_get(reasons, part_outcomes[s].kind))
            chart->series[chart->series_count++] = part_outcomes[s];
    }
    json_object_foreach(reasons, outcome, list) json_array_foreach(list, i, reason)
    {
        struct text name = part_text(reason, "reason");
        struct chart_bar *bar = add_bar(bars, "", name.data ? name.data : "");
        for (size_t s = 0; bar && s < chart->series_count; s++) {
            if (strcmp(chart->series[s].kind, outcome) == 0)
                bar->counts[s] = part_number(reason, "count");
        }
    }
    qsort(bars->bars, bars->count, sizeof(*bars->bars), compare_bars);
    spell(bars);
    chart->bars = bars->bars;
    chart->count = bars->count;
}

void part_reasons(struct buffer *out, const json_t *report)
{
    json_t *reasons = json_object_get(report, "reasons");
    struct bars bars = {0};
    struct chart_bars chart = {
        .title = "Reasons",
        .description = "A bar for each reason a provider or we had, the most frequent "
                       "first. The table below has the numbers."};
    if (json_object_size(reasons) == 0)
        return;
    reason_bars(reasons, &bars, &chart);
    part_begin(out, "Reasons");
    chart_bars(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    put_reason_rows(out, reasons);
    part_end(out);
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
    chart.whole = part_number(report, "matched");
    set_shares(&bars, chart.whole);
    chart.bars = bars.bars;
    chart.count = bars.count;
    part_begin(out, chart.title);
    chart_bars(out, &chart);
    put_table(out, "Reason", &chart);
    part_end(out);
}

void part_segments(struct buffer *out, const json_t *report)
{
    const json_t *quota = json_object_get(report, "quota");
    uint64_t limit = part_number(quota, "limit");
    uint64_t before = part_number(quota, "used_before");
    uint64_t after = part_number(quota, "used_after");
    struct chart_bar bar = {.label = TEXT("SMS segments"),
                            .note = TEXT("allowance"),
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
    part_begin(out, chart.title);
    chart_bars(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    buffer_format(
        out,
        "<p class=\"equation\">%s used before + %s by this job + %s left, of an "
        "allowance of %s.</p>\n",
        numbers[0], numbers[1], numbers[2], numbers[3]);
    part_end(out);
}

/* put_counts: a bar for each member of counts. unit is put behind its name, with an s unless it is 1. */
static void put_counts(struct buffer *out, const json_t *counts, struct chart_bars *chart,
                       const char *head, const char *unit)
{
    const char *name;
    json_t *count;
    uint64_t all = 0;
    struct bars bars = {0};
    json_object_foreach((json_t *)(uintptr_t)counts, name, count)
    {
        char behind[32];
        snprintf(behind, sizeof(behind), "%s%s", unit,
                 unit[0] && strcmp(name, "1") != 0 ? "s" : "");
        struct chart_bar *bar = add_bar(&bars, name, behind);
        if (bar)
            bar->counts[0] = (uint64_t)json_integer_value(count);
        all += (uint64_t)json_integer_value(count);
    }
    set_shares(&bars, all);
    chart->bars = bars.bars;
    chart->count = bars.count;
    part_begin(out, chart->title);
    chart_bars(out, chart);
    put_table(out, head, chart);
    part_end(out);
}

void part_attempts(struct buffer *out, const json_t *report)
{
    const json_t *attempts = json_object_get(report, "attempts");
    struct chart_bars chart = {
        .title = "Attempts a message",
        .description = "A bar for each number of attempts: how many messages needed it.",
        .series = {{"sent", "Messages"}},
        .series_count = 1};
    if (json_object_size(attempts) >= 2)
        put_counts(out, attempts, &chart, "Attempts", " attempt");
}

void part_receipts(struct buffer *out, const json_t *report)
{
    const json_t *receipts = json_object_get(report, "receipts");
    struct chart_bars chart = {
        .title = "What was heard later",
        .description = "A bar for each kind of receipt: how many messages had it last.",
        .series = {{"sent", "Messages"}},
        .series_count = 1};
    if (receipts)
        put_counts(out, receipts, &chart, "Receipt", "");
}
