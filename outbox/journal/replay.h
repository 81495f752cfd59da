/* replay: a journal read back into one state byte per row and channel. */
#ifndef OUTBOX_REPLAY_H
#define OUTBOX_REPLAY_H

#include "outbox/journal/journal.h"

/* What is known of one row × channel. */
struct replay_state {
    uint8_t disposition : 5; /* enum disposition; NONE: not decided */
    uint8_t outcome : 3;     /* enum outcome; REPLAY_IN_DOUBT: intent without outcome */
    uint8_t provider; /* in doubt: who may have it, an index in replay->providers */
};
#define REPLAY_IN_DOUBT 7

/* How much was read: all of it, or up to the damage. */
struct replay_extent {
    uint32_t files;
    uint64_t bytes; /* of whole frames and the heads of files */
    uint64_t frames;
    uint64_t sequence; /* of the last frame; 0: none */
    uint64_t headers, decisions, intents, outcomes, marks;
    uint32_t tail_file, tail_offset; /* where the last whole frame ends */
    uint64_t tail_bytes; /* that lie behind it and were never acknowledged: a torn tail */
};

struct replay {
    uint64_t rows;
    struct replay_state
        *states[CHANNEL_COUNT]; /* [rows], NULL for a channel never decided */
    struct replay_state notice; /* JOURNAL_ROW_NOTICE, email */
    uint64_t *chunks_decided;   /* bitmap by chunk number; chunk_count bits */
    size_t chunk_count;         /* up to the last chunk that was decided */
    uint64_t sms_segments;      /* of all SMS planned */
    uint64_t counts[CHANNEL_COUNT][DISPOSITION_COUNT];
    uint64_t outcomes[CHANNEL_COUNT][OUTCOME_COUNT]; /* pending includes in doubt */
    char *providers
        [JOURNAL_PROVIDER_NONE]; /* the names in all headers, which differ after a change
                                              of configuration */
    size_t provider_count;
    bool decided, cancelled, finished;
    struct replay_extent extent;
};

/* Called for each record in file order, before it is applied; any of them may be NULL. */
struct replay_visitor {
    /* Before the records of a frame; replay_again leaves them out where the answer is false. */
    bool (*frame)(void *arg, uint64_t sequence);
    void (*decision)(void *arg, const struct journal_decision *decision);
    void (*intent)(void *arg, const struct journal_intent *intent);
    void (*outcome)(void *arg, const struct journal_outcome *outcome);
    void (*header)(void *arg, const struct journal_header *header);
    void *arg;
};

/* replay_read: all of dir/journal.*, read-only.
 * Owns:   replay_fini frees out, also after an error; out->extent then says how far it got
 * Errors: ERROR_INPUT: no journal there; damage before the tail, with file and offset;
 * ERROR_IO. */
int replay_read(const char *dir, const struct replay_visitor *visitor, struct replay *out,
                struct error *err) MUST_USE;
/* replay_again: tell a visitor once more what replay_read has told another; what was judged then is not
 * judged again.
 * Errors: as those of replay_read */
int replay_again(const char *dir, const struct replay_visitor *visitor,
                 struct error *err) MUST_USE;
/* replay_exists: dir has a journal; a job that was killed as it began has none yet. */
bool replay_exists(const char *dir);
void replay_fini(struct replay *replay);

#endif
