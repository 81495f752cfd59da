/* chart: see chart.h. */
#include "engine/page/chart.h"

#include "base/clock.h"
#include "engine/page/markup.h"

#include <inttypes.h>
#include <stdio.h>

/* Sizes in the units of a drawing that is 720 wide; text is 12 high (the page's style). */
#define WIDTH         720.0
#define AXIS_WIDTH    52.0 /* numbers left of columns */
#define PLOT_HEIGHT   180.0
#define PLOT_TOP      12.0
#define COLUMN_MAX    56.0
#define LABEL_WIDTH   176.0 /* names left of bars */
#define LABEL_CHARS   26
#define NUMBER_WIDTH  156.0 /* numbers right of bars */
#define LINE_HEIGHT   26.0
#define BAR_HEIGHT    16.0
#define VISIBLE_LEAST 1.5 /* what is not nothing can be seen */

/* --- scales --- */

#define POWER_MAX 10000000000000000000u /* of ten in 64 bits */

struct chart_scale chart_scale(uint64_t max, unsigned ticks_max)
{
    uint64_t power = 1;
    for (;;) {
        static const uint64_t steps[] = {1, 2, 5};
        for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
            uint64_t step = steps[i] * power;
            uint64_t ticks = max / step + (max % step != 0);
            if (ticks <= ticks_max || power == POWER_MAX)
                return (struct chart_scale){step, ticks > 0 ? (unsigned)ticks : 1};
        }
        power *= 10;
    }
}

int64_t chart_time_step(int64_t span_s, unsigned labels_max)
{
    static const int64_t steps_s[] = {1,   2,   5,    10,   15,   30,    60,    120,  300,
                                      600, 900, 1800, 3600, 7200, 10800, 21600, 43200};
    for (size_t i = 0; i < ARRAY_COUNT(steps_s); i++) {
        if (span_s / steps_s[i] < labels_max)
            return steps_s[i];
    }
    int64_t step_s = 86400;
    while (span_s / step_s >= labels_max)
        step_s *= 2;
    return step_s;
}

void chart_number(uint64_t number, char out[CHART_NUMBER_BYTES])
{
    char digits[CHART_NUMBER_BYTES];
    int count = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void chart_short(uint64_t number, char out[CHART_NUMBER_BYTES])
{
    static const char units[] = " kMGTPE";
    int unit = 0;
    double value = (double)number;
    for (; value >= 1000 && unit < 6; unit++)
        value /= 1000;
    if (unit == 0)
        snprintf(out, CHART_NUMBER_BYTES, "%" PRIu64, number);
    else
        snprintf(out, CHART_NUMBER_BYTES, "%.3g%c", value, units[unit]);
}

/* --- pieces --- */

static void begin(struct buffer *out, double height, const char *title,
                  const char *description)
{
    buffer_format(
        out, "<div class=\"scroll\"><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\"><title>",
        WIDTH, height);
    markup_text(out, text_of(title));
    buffer_string(out, "</title><desc>");
    markup_text(out, text_of(description));
    buffer_string(out, "</desc>\n");
}

static void put_rect(struct buffer *out, const char *kind, double x, double y, double w,
                     double h)
{
    buffer_format(out,
                  "<rect class=\"s-%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                  "height=\"%.1f\"/>",
                  kind, x, y, w, h);
}

static void put_line(struct buffer *out, const char *kind, double x1, double y1,
                     double x2, double y2)
{
    buffer_format(out,
                  "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                  kind, x1, y1, x2, y2);
}

static void put_text(struct buffer *out, const char *anchor, double x, double y,
                     struct text t)
{
    buffer_format(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", anchor, x, y);
    markup_text(out, t);
    buffer_string(out, "</text>\n");
}

/* visible: a length for a share, and something to see for what is not nothing. */
static double visible(uint64_t count, double length)
{
    return count > 0 && length < VISIBLE_LEAST ? VISIBLE_LEAST : length;
}

void chart_legend(struct buffer *out, const struct chart_series *series, size_t count)
{
    buffer_string(out, "<p class=\"legend\">");
    for (size_t i = 0; i < count; i++)
        buffer_format(out, "<span><i class=\"s-%s\"></i>%s</span>\n", series[i].kind,
                      series[i].label);
    buffer_string(out, "</p>\n");
}

/* --- columns over time --- */

static uint64_t stack_total(const uint64_t *counts, size_t series)
{
    uint64_t total = 0;
    for (size_t s = 0; s < series; s++)
        total += counts[s];
    return total;
}

static void put_counts_axis(struct buffer *out, struct chart_scale scale)
{
    for (unsigned i = 0; i <= scale.ticks; i++) {
        char number[CHART_NUMBER_BYTES];
        double y = PLOT_TOP + PLOT_HEIGHT * (1 - (double)i / scale.ticks);
        put_line(out, i ? "grid" : "base", AXIS_WIDTH, y, WIDTH, y);
        chart_short(scale.step * i, number);
        put_text(out, "end quiet", AXIS_WIDTH - 8, y + 4, text_of(number));
    }
}

/* time_label: as much of a moment as tells it from its neighbours. */
static void time_label(int64_t at_s, int64_t label_step_s, int64_t span_s, char out[32])
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t days = at_s / 86400 - (at_s % 86400 < 0), year, second = at_s - days * 86400;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    int hour = (int)(second / 3600), minute = (int)(second / 60 % 60);
    if (label_step_s >= 86400)
        snprintf(out, 32, "%u %s", day, months[month - 1]);
    else if (span_s > 86400)
        snprintf(out, 32, "%u %s %02d:%02d", day, months[month - 1], hour, minute);
    else if (label_step_s >= 60)
        snprintf(out, 32, "%02d:%02d", hour, minute);
    else
        snprintf(out, 32, "%02d:%02d:%02d", hour, minute, (int)(second % 60));
}

static void put_time_axis(struct buffer *out, const struct chart_columns *chart)
{
    int64_t span_s = (int64_t)chart->count * chart->step_s;
    int64_t step_s = chart_time_step(span_s, span_s > 86400 ? 5 : 8);
    int64_t first_s = (chart->from_s + step_s - 1) / step_s * step_s;
    double bottom = PLOT_TOP + PLOT_HEIGHT;
    for (int64_t at_s = first_s; at_s <= chart->from_s + span_s; at_s += step_s) {
        char label[32];
        double x = AXIS_WIDTH +
                   (WIDTH - AXIS_WIDTH) * (double)(at_s - chart->from_s) / (double)span_s;
        put_line(out, "base", x, bottom, x, bottom + 5);
        time_label(at_s, step_s, span_s, label);
        put_text(out, x > WIDTH - 40 ? "end quiet" : "middle quiet", x, bottom + 19,
                 text_of(label));
    }
}

void chart_columns(struct buffer *out, const struct chart_columns *chart)
{
    uint64_t most = 0;
    for (size_t i = 0; i < chart->count; i++) {
        uint64_t total =
            stack_total(chart->counts + i * chart->series_count, chart->series_count);
        most = total > most ? total : most;
    }
    struct chart_scale scale = chart_scale(most, 4);
    double unit = PLOT_HEIGHT / ((double)scale.step * scale.ticks);
    double slot = (WIDTH - AXIS_WIDTH) / (double)chart->count;
    double width = slot > 8 ? slot - 2 : slot > 4 ? slot - 1 : slot;
    width = width > COLUMN_MAX ? COLUMN_MAX : width;
    begin(out, PLOT_TOP + PLOT_HEIGHT + 26, chart->title, chart->description);
    put_counts_axis(out, scale);
    for (size_t i = 0; i < chart->count; i++) {
        double x = AXIS_WIDTH + slot * (double)i + (slot - width) / 2;
        double y = PLOT_TOP + PLOT_HEIGHT;
        for (size_t s = 0; s < chart->series_count; s++) {
            uint64_t count = chart->counts[i * chart->series_count + s];
            double height = visible(count, (double)count * unit);
            y -= height;
            if (count > 0)
                put_rect(out, chart->series[s].kind, x, y, width, height);
        }
    }
    put_line(out, "base", AXIS_WIDTH, PLOT_TOP + PLOT_HEIGHT, WIDTH,
             PLOT_TOP + PLOT_HEIGHT);
    put_time_axis(out, chart);
    buffer_string(out, "</svg></div>\n");
}

/* --- bars --- */

/* put_label: cut to what fits; the whole is there for whoever points at it. */
static void put_label(struct buffer *out, struct text label, double y)
{
    const char *at = label.data, *end = label.data + label.bytes, *cut = at;
    size_t chars = 0;
    while (at < end && chars <= LABEL_CHARS) {
        utf8_next(&at, end);
        if (++chars == LABEL_CHARS - 1)
            cut = at;
    }
    buffer_format(out, "<text x=\"0\" y=\"%.1f\">", y);
    if (chars > LABEL_CHARS) {
        buffer_string(out, "<title>");
        markup_text(out, label);
        buffer_string(out, "</title>");
        label.bytes = (size_t)(cut - label.data);
    }
    markup_text(out, label);
    buffer_string(out, chars > LABEL_CHARS ? "…</text>\n" : "</text>\n");
}

static void put_bar(struct buffer *out, const struct chart_bars *chart,
                    const struct chart_bar *bar, double unit, double top)
{
    double x = LABEL_WIDTH, y = top + (LINE_HEIGHT - BAR_HEIGHT) / 2;
    char number[CHART_NUMBER_BYTES];
    put_label(out, bar->label, top + 17);
    for (size_t s = 0; s < chart->series_count; s++) {
        double width = visible(bar->counts[s], (double)bar->counts[s] * unit);
        if (bar->counts[s] > 0)
            put_rect(out, chart->series[s].kind, x, y, width, BAR_HEIGHT);
        x += width;
    }
    chart_number(stack_total(bar->counts, chart->series_count), number);
    buffer_format(out, "<text x=\"%.1f\" y=\"%.1f\">%s", x + 7, top + 17, number);
    if (bar->note.bytes > 0) {
        buffer_string(out, "<tspan class=\"quiet\"> ");
        markup_text(out, bar->note);
        buffer_string(out, "</tspan>");
    }
    buffer_string(out, "</text>\n");
}

void chart_bars(struct buffer *out, const struct chart_bars *chart)
{
    uint64_t most = chart->whole > 0 ? chart->whole : 1;
    for (size_t i = 0; i < chart->count; i++) {
        uint64_t total = stack_total(chart->bars[i].counts, chart->series_count);
        most = total > most ? total : most;
    }
    double unit = (WIDTH - LABEL_WIDTH - NUMBER_WIDTH) / (double)most;
    begin(out, LINE_HEIGHT * (double)chart->count, chart->title, chart->description);
    for (size_t i = 0; i < chart->count; i++)
        put_bar(out, chart, &chart->bars[i], unit, LINE_HEIGHT * (double)i);
    buffer_string(out, "</svg></div>\n");
}
