/* chart: SVG for reports, in a frame that scrolls where the screen is narrow: bars and columns over time, with scales that end at round
 * numbers. Pure. Colours are classes (`s-sent` …) that the page's style gives a colour. */
#ifndef ENGINE_CHART_H
#define ENGINE_CHART_H

#include "base/buffer.h"

/* Ticks at 0, step … step * ticks, which is the least such multiple not below max. */
struct chart_scale {
    uint64_t step;
    unsigned ticks; /* at least 1 */
};

/* chart_scale: step is 1, 2 or 5 × a power of ten; at most ticks_max of them. */
struct chart_scale chart_scale(uint64_t max, unsigned ticks_max);

/* chart_time_step: seconds between labels of a time axis that is span_s long: the least
 * of the usual ones (1 s … 30 s, minutes, hours, days) that needs at most labels_max. */
int64_t chart_time_step(int64_t span_s, unsigned labels_max);

/* chart_number: "12,345,678". chart_short: "12.3M", for axes. */
#define CHART_NUMBER_BYTES 32
void chart_number(uint64_t number, char out[CHART_NUMBER_BYTES]);
void chart_short(uint64_t number, char out[CHART_NUMBER_BYTES]);

#define CHART_SERIES_MAX 8

/* A part of a bar or column. kind: the class without its "s-"; a name of ours. */
struct chart_series {
    const char *kind;
    const char *label;
};

/* Columns, one a step of time, each a stack of the series' counts. */
struct chart_columns {
    const char *title, *description;
    struct chart_series series[CHART_SERIES_MAX];
    size_t series_count;
    const uint64_t *counts; /* [count][series_count] */
    size_t count;           /* at least 1 */
    int64_t from_s, step_s; /* calendar */
};
void chart_columns(struct buffer *out, const struct chart_columns *chart);

/* Bars, one a line: its label, the stack, and what it comes to. */
struct chart_bar {
    struct text label; /* from outside: escaped here */
    struct text note;  /* behind the number, or TEXT_NONE */
    uint64_t counts[CHART_SERIES_MAX];
};
struct chart_bars {
    const char *title, *description;
    struct chart_series series[CHART_SERIES_MAX];
    size_t series_count;
    const struct chart_bar *bars;
    size_t count;
    uint64_t whole; /* what a bar of full length is; 0: the longest */
};
void chart_bars(struct buffer *out, const struct chart_bars *chart);

/* chart_legend: the series' colours and names, as HTML. */
void chart_legend(struct buffer *out, const struct chart_series *series, size_t count);

#endif
