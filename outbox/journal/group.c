/* group: see group.h. */
#include "outbox/journal/group.h"

#include <stdlib.h>

struct group *group_create(struct journal *journal, size_t bytes)
{
    struct group *group = calloc(1, sizeof(*group));
    CHECK(group);
    /* A frame may be moved by less than a block, and the last block is filled up. */
    group->room_bytes = frame_block_up((uint32_t)bytes) + FRAME_BLOCK_BYTES;
    group->bytes = aligned_alloc(FRAME_BLOCK_BYTES, group->room_bytes);
    CHECK(group->bytes);
    group->journal = journal;
    return group;
}

void group_destroy(struct group *group)
{
    free(group->bytes);
    free(group);
}

void group_begin(struct group *group, uint64_t sequence)
{
    group->sequence = sequence;
    group->body_bytes = 0;
    group->written_bytes = 0;
    group->has_zeros = false;
    group->done = false;
    record_context_init(&group->context);
}

/* Put what its first block holds already before the frame. Returns how much that is. */
static uint32_t share_block(struct group *group, struct journal_file *file, bool small)
{
    uint32_t before = file->offset % FRAME_BLOCK_BYTES;
    if (!small) {
        file->offset = frame_block_up(file->offset);
        return 0;
    }
    memmove(group->bytes + before, group->bytes, FRAME_HEAD_BYTES + group->body_bytes);
    memcpy(group->bytes, file->tail, before);
    return before;
}

/* Fill up its last block, which the next one may share, and see to the space behind it. */
static void fill_blocks(struct group *group, struct journal_file *file, bool small)
{
    size_t used = group->end - group->offset;
    uint32_t last = group->end % FRAME_BLOCK_BYTES;
    uint32_t blocks_end = frame_block_up(group->end);
    uint32_t zeros = 0;
    memcpy(file->tail, group->bytes + used - last, last);
    group->write_bytes = blocks_end - group->offset;
    if (small)
        zeros = journal_file_zeros_along(file, blocks_end,
                                         group->room_bytes - group->write_bytes);
    else
        journal_file_allocate(file, blocks_end);
    group->has_zeros = zeros > 0;
    group->write_bytes += zeros;
    memset(group->bytes + used, 0, group->write_bytes - used);
}

void group_seal(struct group *group, struct journal_file *file, uint64_t durable_to,
                bool alone)
{
    size_t bytes = frame_bytes(group->body_bytes);
    bool small = bytes < GROUP_OVERLAP_BYTES;
    uint32_t before = file->direct ? share_block(group, file, small && alone) : 0;
    if (!file->direct && small)
        journal_file_zero_ahead(file, bytes);
    frame_seal(group->bytes + before, group->body_bytes, group->sequence, durable_to,
               file->salt);
    group->fd = file->direct ? file->direct_fd : file->fd;
    group->offset = file->offset - before;
    group->write_bytes = bytes;
    group->end = file->offset += (uint32_t)bytes;
    if (file->direct)
        fill_blocks(group, file, small && alone);
}
