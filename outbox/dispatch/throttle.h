/* throttle: what a provider gets that says "too fast": a pause, then the rate it was seen to
 * accept, and from there on more and more until it says so again.
 *
 * Pure: the caller says what time it is (steady clock). It sets the rate of a limiter, whose
 * ceiling stays what the configuration allows. */
#ifndef OUTBOX_THROTTLE_H
#define OUTBOX_THROTTLE_H

#include "outbox/dispatch/limiter.h"

#include <stdbool.h>
#include <stddef.h>

struct throttle {
    int64_t pause_until_ns;
    unsigned pauses;    /* in a row, without success between */
    unsigned doubts;    /* push-backs in a row with hardly a message between */
    bool measuring;     /* it has pushed back before: what came since tells its rate */
    double found_per_s; /* what it accepted when it last pushed back; 0: no limit found */
    double hold_ns;     /* how long it takes to come back to found_per_s */
    uint64_t accepted;  /* since it last pushed back */
    double busy_ns;     /* since then, idle times left out, pauses in part */
    double active_ns;   /* of that, sending */
    double paused_ns;   /* how long the pause was */
    uint64_t bucket;    /* the least it accepted between two push-backs: its burst */
    int64_t seen_ns;    /* up to when busy_ns is counted */
    double latency_ns;  /* of an answer, smoothed */
};

/* throttle_wait_ns: how long its pause lasts; 0: none. */
int64_t throttle_wait_ns(const struct throttle *throttle, int64_t now_ns);

/* throttle_tick: some messages have gone out: note that time has passed and raise the rate.
 * Returns 1 when the limiter's rate changed, else 0. Call it every few milliseconds of work, or
 * with each message. */
int throttle_tick(struct throttle *throttle, struct limiter *limiter, int64_t now_ns);

/* throttle_accepted: a message was taken, latency_ns after it was handed over. */
void throttle_accepted(struct throttle *throttle, int64_t latency_ns, int64_t now_ns);

/* throttle_push_back: the provider says it is too fast, and how long to wait (0: not said).
 * tried_per_s: how fast messages went out lately. seed: chooses the jitter.
 * Returns 1 when that was news, 0 when it was the same push-back heard again. */
int throttle_push_back(struct throttle *throttle, struct limiter *limiter,
                       double tried_per_s, int64_t wait_ns, int64_t now_ns,
                       uint64_t seed);

/* throttle_allowance: the provider says that remaining more messages are welcome until its
 * allowance is renewed in reset_ns; in_flight are on their way. When they use it up, pause. */
void throttle_allowance(struct throttle *throttle, uint64_t remaining, uint64_t in_flight,
                        int64_t reset_ns, int64_t now_ns);

/* throttle_is_on: the limiter's rate is the provider's doing, not the configuration's. */
bool throttle_is_on(const struct throttle *throttle, int64_t now_ns);

#endif
