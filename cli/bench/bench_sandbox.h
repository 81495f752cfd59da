/* bench_sandbox: `volley sandbox --discard` as a process of its own, so that its work is not counted
 * as ours. */
#ifndef CLI_BENCH_SANDBOX_H
#define CLI_BENCH_SANDBOX_H

#include "base/error.h"

#include <sys/types.h>

struct bench_sandbox {
    pid_t pid; /* 0: not started */
    unsigned smtp_port, http_port;
};

/* bench_sandbox_start: returns once it listens, on ports the kernel chose. Before any thread. */
int bench_sandbox_start(struct bench_sandbox *sandbox, struct error *err) MUST_USE;
void bench_sandbox_stop(struct bench_sandbox *sandbox);

/* bench_sandbox_cpu_s: processor time it has used. */
double bench_sandbox_cpu_s(const struct bench_sandbox *sandbox);

#endif
