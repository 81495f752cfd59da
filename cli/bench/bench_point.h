/* bench_point: one campaign with one setting, measured from snapshot to last answer. */
#ifndef CLI_BENCH_POINT_H
#define CLI_BENCH_POINT_H

#include "cli/bench/bench_home.h"
#include "outbox/dispatch/dispatch.h"

#include <signal.h>

/* What is turned between two points. 0 in batch: as many as the type allows. */
struct bench_setting {
    unsigned max_connections;
    unsigned messages_per_connection;
    unsigned batch;
};

struct bench_point {
    struct bench_setting setting;
    uint64_t answered, sent, failed, unknown;
    double seconds;
    double rate_per_s;
    double cpu;                    /* processors used, all threads */
    double io_cpu;                 /* of them by the I/O thread */
    double cpu_us;                 /* processor time a message */
    double p50_ms, p90_ms, p99_ms; /* 0: not known */
    char bottleneck[16], why[160];
    char trouble[256];
};

/* bench_point_measure: send so many messages, at most for limit_ns (what is left then is cancelled).
 * config has one provider; its limits stay in force but for what setting says.
 * Errors: those of a run; ERROR_AGAIN when *stop was set. */
int bench_point_measure(struct bench_home *home, const struct config *config,
                        const struct bench_setting *setting, uint64_t messages,
                        int64_t limit_ns, const volatile sig_atomic_t *stop,
                        struct bench_point *out, struct error *err) MUST_USE;

#endif
