/* breaker: whether a provider that fails again and again is worth another attempt yet.
 *
 * Pure. Closed until BREAKER_FAILURES failures in a row; then open for a while, doubled
 * at each failing probe; when the while is over one probe may go (half open), and its
 * fate decides. */
#ifndef OUTBOX_BREAKER_H
#define OUTBOX_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5

struct breaker {
    unsigned failures; /* in a row */
    unsigned openings; /* in a row, without success between */
    bool open;
    int64_t probe_at_ns; /* open: when the next probe may go; steady clock */
};

/* breaker_failed: an attempt failed. Failures while open and before the probe's time are
 * echoes of the same breakdown and change nothing. seed: chooses the jitter. */
void breaker_failed(struct breaker *breaker, int64_t now_ns, uint64_t seed);
void breaker_ok(struct breaker *breaker);

/* breaker_wait_ns: 0 when an attempt may go now. */
int64_t breaker_wait_ns(const struct breaker *breaker, int64_t now_ns);

#endif
