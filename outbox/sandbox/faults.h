/* faults: which messages the sandbox treats badly. */
#ifndef OUTBOX_SANDBOX_FAULTS_H
#define OUTBOX_SANDBOX_FAULTS_H

#include "outbox/sandbox/sandbox.h"

/* What becomes of one message that is otherwise in order. */
enum fault {
    FAULT_NONE,
    FAULT_THROTTLE, /* 429, 421; not taken */
    FAULT_ERROR,    /* 500, 451; not taken */
    FAULT_DROP,     /* taken, and the connection closed without a reply */
};

struct faults {
    uint64_t random;
    double error_rate;
    double drop_rate;
    int64_t interval_ns; /* between messages at the throttle's rate; 0: no throttle */
    int64_t next_ns;     /* when the message after the last one is due (GCRA) */
};

void faults_init(struct faults *faults, const struct sandbox_config *config);

/* faults_next: the fate of the next message. The same seed gives the same sequence. */
enum fault faults_next(struct faults *faults, int64_t now_ns);

#endif
