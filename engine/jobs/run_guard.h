/* run_guard: the first messages of each channel go alone, and a job whose messages fail too often
 * is held. Pure: who is told what, and when, is run_io's. */
#ifndef ENGINE_RUN_GUARD_H
#define ENGINE_RUN_GUARD_H

#include "engine/config.h"
#include "outbox/dispatch/delivery.h"

#define RUN_GUARD_DETAIL_BYTES   96
#define RUN_GUARD_SENTENCE_BYTES 256

/* One channel's outcomes: the last limits->window of them that say anything about the messages. */
struct run_guard_channel {
    uint64_t canary;   /* so many go first */
    uint64_t let_out;  /* of them, handed on */
    uint64_t answered; /* of them, with a first answer */
    uint64_t settled;  /* of them, with an outcome */
    int64_t until_ns; /* all are answered: how long outcomes are waited for; 0: not yet */
    bool open;        /* the canary is over */
    uint8_t *window;  /* a ring of enum delivery_reason; DELIVERY_OK: sent */
    size_t capacity, count, next;
    uint64_t failures; /* in the window */
    uint64_t reasons[DELIVERY_REASON_COUNT];
    char details[DELIVERY_REASON_COUNT][RUN_GUARD_DETAIL_BYTES]; /* the last of each */
};

struct run_guard {
    struct config_auto_hold limits;
    unsigned shut; /* channels whose canary is not over; 0: every message passes */
    struct run_guard_channel channels[CHANNEL_COUNT];
};

/* run_guard_init: customers is how many the job reaches at most; channels is a bit per channel. */
void run_guard_init(struct run_guard *guard, const struct config_auto_hold *limits,
                    uint64_t customers, unsigned channels);
void run_guard_fini(struct run_guard *guard);

/* run_guard_pass: a message on its first way out: true when it may go, false when it has to wait
 * for the canary. */
bool run_guard_pass(struct run_guard *guard, enum channel channel);

/* run_guard_answered: the first answer to a message, a refusal for now included;
 * run_guard_settled: an outcome. Both return true when there is something to judge. */
bool run_guard_answered(struct run_guard *guard, enum channel channel);
bool run_guard_settled(struct run_guard *guard, enum channel channel,
                       enum outcome outcome, enum delivery_reason reason,
                       struct text detail);

enum run_guard_verdict {
    RUN_GUARD_NOTHING, /* as before */
    RUN_GUARD_OPEN,    /* the canary went well: let the others out */
    RUN_GUARD_WAIT,    /* judge again at ->until_ns */
    RUN_GUARD_HOLD,    /* too many failed; the sentence says why */
};
enum run_guard_verdict run_guard_judge(struct run_guard *guard, enum channel channel,
                                       int64_t now_ns,
                                       char sentence_out[RUN_GUARD_SENTENCE_BYTES]);

#endif
