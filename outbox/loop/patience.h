/* patience: for how many completions one wait asks. Pure: it is told the time.
 *
 * A send nearly always completes as it is submitted, and would end the wait it was submitted with
 * before anything else has happened: so a wait asks for one completion for each new send, and for a
 * batch of replies more. A batch of one would mean a system call, and often a switch to this thread and
 * back, for each reply of a busy server; too large a batch leaves the server without work. */
#ifndef OUTBOX_LOOP_PATIENCE_H
#define OUTBOX_LOOP_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* The most of what sockets owe us that a wait asks for. */
enum patience_share { PATIENCE_QUARTER, PATIENCE_HALF, PATIENCE_MOST };

struct patience {
    /* how large a batch comes in time */
    unsigned batch;
    unsigned waits_wanted; /* in time before it grows */
    unsigned waits_in_time;
    /* how much of what is owed it may be */
    enum patience_share share;
    unsigned waits, periods_on, periods_off, periods_off_next;
    uint64_t replies, period_replies;
    int64_t looked_ns, used_ns, period_ns;
    double half_pace; /* replies a nanosecond */
};

void patience_init(struct patience *patience);

/* patience_batch: how many replies to wait for where so many are owed. */
unsigned patience_batch(const struct patience *patience, unsigned owing);

/* patience_wait_ns: for how long at most: what a send into a full socket, or a batch that does not
 * come, holds up the others. */
int64_t patience_wait_ns(const struct patience *patience);

/* patience_replied: a reply came. */
static inline void patience_replied(struct patience *patience)
{
    patience->replies++;
}

/* patience_learn: a wait for batch replies ended, in time or not, and so many came. */
void patience_learn(struct patience *patience, unsigned batch, unsigned came,
                    bool in_time);

/* patience_is_due: patience_look wants to know. Once for each wait. */
bool patience_is_due(struct patience *patience);

/* patience_look: how busy we are. now_ns: the steady clock; used_ns: our processor time. */
void patience_look(struct patience *patience, int64_t now_ns, int64_t used_ns);

#endif
