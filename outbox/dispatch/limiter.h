/* limiter: a rate, kept by the generic cell rate algorithm (ITU-T I.371, annex A).
 *
 * Pure: the caller says what time it is (steady clock). A message costs 1/rate seconds of
 * backlog, which drains as time passes; it may go up to 20 ms before that is empty. So in
 * any span of t seconds at most rate × (t + 0.02) + 1 messages pass. */
#ifndef OUTBOX_LIMITER_H
#define OUTBOX_LIMITER_H

#include <stdint.h>

struct limiter {
    double ceiling_per_s; /* what the configuration allows; 0: no limit */
    double rate_per_s;    /* what is in force: lower while the provider is pushing back */
    double cost_ns;       /* of one message; 0: no limit */
    double burst_ns;
    double backlog_ns; /* at seen_ns */
    int64_t seen_ns;
};

/* limiter_set: start with, or change to, a rate; 0: no limit. What was sent before still
 * counts. */
void limiter_set(struct limiter *limiter, double rate_per_s);

/* limiter_wait_ns: 0 when a message may go now, else how long until one may. */
int64_t limiter_wait_ns(struct limiter *limiter, int64_t now_ns);

/* limiter_spend: a message goes now. */
void limiter_spend(struct limiter *limiter, int64_t now_ns);

/* limiter_adapt: go on at another rate than the ceiling, as long as the provider wants it. 0: no
 * limit. */
void limiter_adapt(struct limiter *limiter, double rate_per_s);

#endif
