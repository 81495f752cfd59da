/* auto_hold: the first messages of each channel go alone, and a job whose messages fail too often
 * is held. Pure: who is told what, and when, is run_io's. */
#ifndef ENGINE_AUTO_HOLD_H
#define ENGINE_AUTO_HOLD_H

#include "engine/config.h"
#include "outbox/dispatch/delivery.h"

#define AUTO_HOLD_DETAIL_BYTES   96
#define AUTO_HOLD_SENTENCE_BYTES 256

/* One channel's outcomes: the last limits->window of them that say anything about the messages. */
struct auto_hold_channel {
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
    char details[DELIVERY_REASON_COUNT][AUTO_HOLD_DETAIL_BYTES]; /* the last of each */
};

struct auto_hold {
    struct config_auto_hold limits;
    unsigned shut; /* channels whose canary is not over; 0: every message passes */
    struct auto_hold_channel channels[CHANNEL_COUNT];
};

/* auto_hold_init: customers is how many the job reaches at most; channels is a bit per channel. */
void auto_hold_init(struct auto_hold *hold, const struct config_auto_hold *limits,
                    uint64_t customers, unsigned channels);
void auto_hold_fini(struct auto_hold *hold);

/* auto_hold_pass: a message on its first way out: true when it may go, false when it has to wait
 * for the canary. */
bool auto_hold_pass(struct auto_hold *hold, enum channel channel);

/* auto_hold_answered: the first answer to a message, a refusal for now included;
 * auto_hold_settled: an outcome. Both return true when there is something to judge. */
bool auto_hold_answered(struct auto_hold *hold, enum channel channel);
bool auto_hold_settled(struct auto_hold *hold, enum channel channel, enum outcome outcome,
                       enum delivery_reason reason, struct text detail);

enum auto_hold_verdict {
    AUTO_HOLD_NOTHING, /* as before */
    AUTO_HOLD_OPEN,    /* the canary went well: let the others out */
    AUTO_HOLD_WAIT,    /* judge again at ->until_ns */
    AUTO_HOLD_HOLD,    /* too many failed; the sentence says why */
};
enum auto_hold_verdict auto_hold_judge(struct auto_hold *hold, enum channel channel,
                                       int64_t now_ns,
                                       char sentence_out[AUTO_HOLD_SENTENCE_BYTES]);

#endif
