/* record: what a frame's body holds, as bytes and back. Pure, no input or output.
 *
 * Rows, times, attempts and providers are stored as differences from the record before
 * them in the same frame, so that a message costs a byte or two for its decision, the
 * same for its intent, and six beside the provider's id for its outcome. docs/journal.md
 * has the byte tables. */
#ifndef OUTBOX_RECORD_H
#define OUTBOX_RECORD_H

#include "outbox/journal/journal.h"

enum record_type {
    RECORD_HEADER = 1, /* only as the first record of a frame */
    RECORD_DECISIONS,
    RECORD_INTENTS,
    RECORD_OUTCOME,
    RECORD_MARK,
};

#define RECORD_TEXT_BYTES_MAX     255 /* account, job, provider name */
#define RECORD_PROVIDERS_MAX      255
#define RECORD_PROVIDER_ID_BYTES  63
#define RECORD_DETAIL_BYTES       95
#define RECORD_INTENTS_MAX        4096       /* in one record; more make several */
#define RECORD_DECISIONS_MAX      (4 * 4096) /* of a chunk: rows × channels */
#define RECORD_HEADER_BYTES_MAX   (32 + (RECORD_PROVIDERS_MAX + 2) * 256)
#define RECORD_INTENTS_BYTES(n)   (8 + 8 * (n))
#define RECORD_DECISIONS_BYTES(n) (16 + 9 * (n))
#define RECORD_OUTCOME_BYTES_MAX  192
#define RECORD_MARK_BYTES         2

/* What later records of a frame are relative to; all of it is reset where a frame begins.
 */
struct record_context {
    struct journal_intent intent;
    struct journal_outcome outcome;
};
void record_context_init(struct record_context *context);

/* Each writes at most the bytes above and returns how many. */
size_t record_encode_header(const struct journal_header *header, char *out);
size_t record_encode_decisions(const struct journal_decision *decisions, size_t count,
                               uint32_t chunk, char *out);
size_t record_encode_intents(struct record_context *context,
                             const struct journal_intent *intents, size_t count,
                             char *out);
size_t record_encode_outcome(struct record_context *context,
                             const struct journal_outcome *outcome, char *out);
size_t record_encode_mark(enum journal_mark mark, char *out);

/* A body being read. */
struct record_reader {
    const uint8_t *start, *at, *end;
    struct record_context context;
    uint32_t left; /* rows of the current decisions or intents not read yet */
    struct journal_decision decision;
    struct text providers[RECORD_PROVIDERS_MAX];
};

struct record {
    enum record_type type;
    uint32_t count;                 /* decisions, intents */
    uint32_t chunk;                 /* decisions */
    enum journal_mark mark;         /* mark */
    struct journal_header header;   /* header; borrows body and reader */
    struct journal_outcome outcome; /* outcome; borrows body */
};

void record_reader_init(struct record_reader *reader, struct text body);

/* record_next: the next record; the decisions or intents of the one before must have been
 * read. Returns 1, 0 at the end, or -1 where the bytes are no record. Nothing that is
 * returned is out of range of its enum. */
int record_next(struct record_reader *reader, struct record *out);

/* record_next_decision, record_next_intent: one of a record's `count`. Return 1 or -1. */
int record_next_decision(struct record_reader *reader, struct journal_decision *out);
int record_next_intent(struct record_reader *reader, struct journal_intent *out);

#endif
