/* journal: what was decided for every row of a job and what became of it, durable.
 *
 * `<dir>/journal.0000` … hold frames of records (frame.h, record.h): a header, decisions
 * (a whole chunk at once), intents (these messages are about to be handed to a provider),
 * outcomes and marks. A decision says what is planned; only an intent puts a message in
 * doubt should we die before its outcome. One process writes a journal at a time (flock);
 * the loop's thread does the appending. */
#ifndef OUTBOX_JOURNAL_H
#define OUTBOX_JOURNAL_H

#include "base/arena.h"
#include "base/message.h"
#include "outbox/loop/loop.h"

/* The row of the owner's notice (R17), which is no row of the snapshot. */
#define JOURNAL_ROW_NOTICE UINT32_MAX

/* Instead of a provider's index: none, or one that is not configured any more. */
#define JOURNAL_PROVIDER_NONE 255

struct journal_decision {
    uint32_t row; /* within the snapshot */
    uint8_t channel;
    uint8_t disposition;
    uint16_t segments; /* sms that is sent; else 0 */
};

struct journal_intent {
    uint32_t row;
    uint8_t channel;
    uint8_t attempt;  /* from 1 */
    uint8_t provider; /* index in the header's provider names */
};

struct journal_outcome {
    uint32_t row;
    uint8_t channel;
    uint8_t outcome; /* OUTCOME_PENDING: surely not taken, will be tried again */
    uint8_t attempt;
    uint8_t provider;
    uint16_t reason;         /* enum delivery_reason (dispatch/delivery.h); 0: none */
    bool address_dead;       /* the provider said that the address does not exist */
    int64_t at_ms;           /* calendar */
    struct text provider_id; /* up to 63 bytes are kept */
    struct text detail; /* the provider's words for a failure; up to 95 bytes are kept */
};

enum journal_mark {
    JOURNAL_DECIDED = 1, /* every chunk of the snapshot has its decisions */
    JOURNAL_CANCELLED,   /* nothing more is to be sent */
    JOURNAL_FINISHED,    /* the books are closed */
};

struct journal_header {
    struct text account;
    struct text job;
    uint64_t snapshot_hash;
    uint64_t rows;
    const struct text *providers; /* names in index order */
    size_t provider_count;
};

/* --- encoding, on any thread --- */

/* journal_encode_decisions: one frame for chunk number `chunk`, whose decisions become
 * durable together. count may be 0. TEXT_NONE when the arena overflows. */
struct text journal_encode_decisions(const struct journal_decision *decisions,
                                     size_t count, uint32_t chunk, struct arena *arena);

/* --- appending, on the loop's thread --- */

struct journal;

/* journal_open: create or continue dir/journal.*, cutting a torn tail. A continued
 * journal must have the same account, job, snapshot hash and rows; provider names may
 * differ (a new header frame is written then).
 * Errors: ERROR_AGAIN when another process has it; ERROR_INPUT when it is damaged (file
 *          and offset) or belongs to another job; ERROR_IO. */
int journal_open(const char *dir, const struct journal_header *header, struct loop *loop,
                 struct journal **out, struct error *err) MUST_USE;

/* A wish to be told, never inside the call, when everything appended so far is durable.
 * res 0, or -errno: from then on the journal refuses everything, and what was not
 * acknowledged counts as not written. This is the only way a failure is told; the owner
 * has to say so. */
struct journal_wait {
    void (*fn)(struct journal_wait *wait, int res);
    void *arg;
    struct journal_wait *next; /* the journal's */
    uint64_t until;            /* the journal's */
};

/* Each copies what it gets into the next group. Groups are written as soon as the one
 * before is durable, or the writer's window allows; a small group of decisions and outcomes
 * alone may wait up to 5 ms. */
void journal_append(struct journal *journal, struct text frame);
void journal_intents(struct journal *journal, const struct journal_intent *intents,
                     size_t count);
void journal_outcome(struct journal *journal, const struct journal_outcome *outcome);
void journal_mark(struct journal *journal, enum journal_mark mark);
void journal_sync(struct journal *journal, struct journal_wait *wait);

/* journal_close: everything appended has been synced and every wait told (a bug
 * otherwise); may be called from the last wait's fn. */
void journal_close(struct journal **journal);

#endif
