/* batch: one chunk of customers with all their messages, the unit that flows through the
 * pipeline. */
#ifndef ENGINE_BATCH_H
#define ENGINE_BATCH_H

#include "base/column.h"
#include "outbox/dispatch/delivery.h"
#include "outbox/journal/journal.h"
#include "outbox/loop/loop.h"

/* A message of a batch; what dispatch sees is its first member. */
struct outgoing {
    struct delivery delivery;
    struct batch *batch;
    struct text customer;
    uint16_t zone; /* the customer's, where the job keeps hours: see zones.h */
};

/* One message that has to be made again: after a wait, or after a crash. */
struct redo {
    uint32_t row;
    uint8_t channel;
    uint8_t attempt;  /* made so far */
    uint8_t provider; /* who got the last one, where there was one */
    bool in_doubt;
    bool left_behind; /* in doubt since an earlier run died */
    int64_t
        started_ns; /* steady; of the first attempt, 0 when that was before a restart */
};

/* One that was not made at all, because it may not go out yet. */
struct put_off {
    struct redo redo;
    int64_t until_ns; /* calendar; HOURS_NEVER: the job is over before */
};

struct batch {
    struct arena arena; /* every text and array below, reset with the batch */
    struct chunk chunk;
    size_t chunk_number;
    uint64_t selected[CHUNK_ROWS_MAX / 64];
    uint8_t dispositions[CHANNEL_COUNT][CHUNK_ROWS_MAX]; /* enum disposition */
    uint64_t address_hashes[CHANNEL_COUNT]
                           [CHUNK_ROWS_MAX]; /* of rows that could be sent */
    struct text sms_texts[CHUNK_ROWS_MAX];
    uint16_t sms_segments[CHUNK_ROWS_MAX];
    uint32_t ucs2_texts;  /* of them, how many a character outside GSM-7 made UCS-2 */
    char ucs2_culprit[8]; /* the first such character, UTF-8; "" when there is none */

    struct outgoing *outgoing; /* [outgoing_count], linked through delivery.next */
    size_t outgoing_count;
    struct put_off *put_off; /* [put_off_count] */
    size_t put_off_count;
    struct text frame; /* the journal frame with the decisions; TEXT_NONE for a redo */
    bool is_redo;
    size_t remade; /* how many messages pipeline_redo had asked for */

    /* the owner's, from the moment the pipeline hands the batch over */
    struct loop_op op;
    size_t open; /* messages without an answer */
    struct batch *next;
};

/* The most virtual memory a batch's texts may take; touched only as needed. */
#define BATCH_ARENA_BYTES ((size_t)1 << 30)

int batch_create(struct batch **out, struct error *err) MUST_USE;
void batch_destroy(struct batch **batch);
void batch_reset(struct batch *batch);

#endif
