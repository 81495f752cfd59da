/* group: records that go to the disk together, as one frame, and how it lies there.
 *
 * Past the page cache only whole blocks can be written. A small group that goes alone shares
 * the block in which the last one ended: those bytes are written once more, the same, so
 * whatever part of the block a crash leaves old or new, they are there. While others are on
 * their way two writes must not meet in a block, and a large one is not moved for the sake of
 * some bytes: it begins at the next block. */
#ifndef OUTBOX_GROUP_H
#define OUTBOX_GROUP_H

#include "outbox/journal/journal_file.h"
#include "outbox/journal/record.h"
#include "outbox/loop/loop.h"

/* What may be worth a write of its own while another is on its way. Below it the time of
 * one sync counts, and zeroing ahead makes it 1.4 times as fast; above it groups
 * overlap, and writing their space twice would halve what the disk takes. */
#define GROUP_OVERLAP_BYTES (64u << 10)

struct group {
    struct loop_op op;
    struct journal *journal;
    struct group *next;
    uint64_t sequence;
    struct record_context context;
    char *bytes; /* a frame: head, then body; once sealed what is written begins here */
    size_t room_bytes;
    size_t body_bytes;
    bool done;
    /* once sealed */
    int fd;
    uint32_t offset; /* in the file */
    size_t write_bytes;
    size_t written_bytes;
    uint32_t end;   /* of the frame, in the file */
    bool has_zeros; /* for groups to come; nothing may be on its way behind it */
};

/* group_create: room for a frame of `bytes`. */
struct group *group_create(struct journal *journal, size_t bytes);
void group_destroy(struct group *group);

/* group_begin: empty it, for new records. */
void group_begin(struct group *group, uint64_t sequence);

/* group_seal: give it its place in the file, which ends behind it then, and make it a frame.
 * alone: nothing is on its way. */
void group_seal(struct group *group, struct journal_file *file, uint64_t durable_to,
                bool alone);

#endif
