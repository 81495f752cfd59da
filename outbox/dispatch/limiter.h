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
    int64_t adapted_ns;   /* when the rate was last lowered or raised */
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

/* limiter_back_off: the provider says it is too fast: go on at the rate it has accepted
 * lately, but between 0.25 and 0.7 of the present one. tried_per_s is the present rate
 * when there is no limit. */
void limiter_back_off(struct limiter *limiter, double tried_per_s, double accepted_per_s,
                      int64_t now_ns);

/* limiter_recover: raise a lowered rate by 0.4 of it per second, up to the ceiling.
 * Returns 1 when it changed, else 0. */
int limiter_recover(struct limiter *limiter, int64_t now_ns);

#endif
