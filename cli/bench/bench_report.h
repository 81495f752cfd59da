/* bench_report: the curve of a bench, what it is worth and what to put into volley.yaml. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "cli/bench/bench_point.h"

#include <jansson.h>

#define BENCH_POINTS_MAX 32

/* What a sweep turns; the other settings stand still meanwhile. */
enum bench_knob {
    BENCH_CONNECTIONS,
    BENCH_PER_CONNECTION,
    BENCH_BATCH,
};

struct bench_report {
    const char *provider, *type, *to;
    enum channel channel;
    unsigned configured_connections;
    struct {
        enum bench_knob knob;
        double peer_cpu; /* processors the sandbox used; 0: not ours to know */
        struct bench_point point;
    } points[BENCH_POINTS_MAX];
    size_t count;
    struct bench_setting best; /* settled so far */
    enum bench_knob last_knob; /* the last that was swept */
};

/* bench_report_settle: take for this knob the smallest value that is within 5 % of the fastest. */
void bench_report_settle(struct bench_report *report, enum bench_knob knob);

/* bench_report_text: chart and advice to stdout; blocks: with block characters. */
void bench_report_text(const struct bench_report *report, bool blocks);

json_t *bench_report_json(const struct bench_report *report);

#endif
