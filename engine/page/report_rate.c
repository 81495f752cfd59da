/* report_rate: the section of report.html about messages over time. */
#include "base/clock.h"
#include "engine/page/report_parts.h"
#include "engine/page/timeline.h"

#include <inttypes.h>
#include <stdio.h>

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

static void put_table(struct buffer *out, const struct chart_columns *chart)
{
    buffer_string(out, "<details><summary>As a table</summary><div class=\"scroll\">"
                       "<table><thead><tr><th>From (UTC)</th>");
    for (size_t s = 0; s < chart->series_count; s++)
        buffer_format(out, "<th class=\"n\">%s</th>", chart->series[s].label);
    buffer_string(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < chart->count; i++) {
        char at[CLOCK_FORMAT_BYTES], number[CHART_NUMBER_BYTES];
        const uint64_t *counts = chart->counts + i * chart->series_count;
        uint64_t all = 0;
        for (size_t s = 0; s < chart->series_count; s++)
            all += counts[s];
        if (all == 0)
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

/* read_counts: those of the outcomes that occur, and which these are.
 * Shapes: counts has room for TIMELINE_SERIES a column */
static void read_counts(const json_t *rate, struct chart_columns *chart, uint64_t *counts)
{
    for (size_t s = 0; s < TIMELINE_SERIES; s++) {
        const json_t *series = json_object_get(rate, part_outcomes[s].kind);
        bool occurs = s == 0;
        for (size_t i = 0; i < chart->count && !occurs; i++)
            occurs = json_integer_value(json_array_get(series, i)) > 0;
        if (occurs)
            chart->series[chart->series_count++] = part_outcomes[s];
    }
    for (size_t i = 0; i < chart->count; i++) {
        for (size_t s = 0; s < chart->series_count; s++) {
            json_int_t count = json_integer_value(
                json_array_get(json_object_get(rate, chart->series[s].kind), i));
            counts[i * chart->series_count + s] = count > 0 ? (uint64_t)count : 0;
        }
    }
}

void part_rate(struct buffer *out, const json_t *report)
{
    const json_t *rate = json_object_get(report, "rate");
    uint64_t counts[TIMELINE_BUCKETS * TIMELINE_SERIES] = {0};
    struct chart_columns chart = {
        .counts = counts,
        .count = json_array_size(json_object_get(rate, "sent")),
        .step_s = (int64_t)part_number(rate, "step_s"),
        .description =
            "Columns over time (UTC), each stacked by outcome. The table below "
            "has the numbers."};
    int64_t from_ns;
    bool has_offset;
    if (chart.count == 0 || chart.count > TIMELINE_BUCKETS || chart.step_s == 0 ||
        clock_parse(part_text(rate, "from"), &from_ns, &has_offset))
        return;
    chart.from_s = from_ns / NS_PER_S;
    read_counts(rate, &chart, counts);
    char step[48], title[80];
    step_words(chart.step_s, step);
    snprintf(title, sizeof(title), "Rate: messages %s", step);
    chart.title = title;
    part_begin(out, title);
    chart_columns(out, &chart);
    chart_legend(out, chart.series, chart.series_count);
    put_table(out, &chart);
    part_end(out);
}
