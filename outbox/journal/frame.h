/* frame: the envelope a group of records is written in, and the head of a journal file.
 *
 * One group commit is one frame: a 32-byte head and a body of records (record.h), padded
 * to 8 bytes. The check covers everything behind itself and is seeded with the journal's
 * salt, so bytes a provider sends us can never pass for a frame. docs/journal.md has the
 * byte table. */
#ifndef OUTBOX_FRAME_H
#define OUTBOX_FRAME_H

#include "base/text.h"

/* A position in a journal: the file's number and the offset within it, in order. */
static inline uint64_t frame_position(uint32_t file, uint32_t offset)
{
    return (uint64_t)file << 32 | offset;
}

#define FRAME_ALIGN 8
/* What a disk writes at a time without the page cache. A frame begins where the one before it ends, or
 * at the next multiple of this. */
#define FRAME_BLOCK_BYTES    4096u
#define FRAME_HEAD_BYTES     32
#define FRAME_BODY_BYTES_MAX (1u << 20)

struct frame {
    uint64_t sequence; /* from 1, without a gap, across files */
    uint64_t
        durable_to; /* what lies before this position was durable when it was written */
    struct text body;
    size_t bytes; /* head, body and padding */
};

static inline size_t frame_bytes(size_t body_bytes)
{
    return (FRAME_HEAD_BYTES + body_bytes + FRAME_ALIGN - 1) & ~(size_t)(FRAME_ALIGN - 1);
}

/* frame_block_up: where the block that `offset` is in ends; itself where one begins. */
static inline uint32_t frame_block_up(uint32_t offset)
{
    return (offset + FRAME_BLOCK_BYTES - 1) & ~(FRAME_BLOCK_BYTES - 1);
}

/* frame_seal: fill in head and padding around the body at bytes + FRAME_HEAD_BYTES.
 * Shapes: bytes has room for frame_bytes(body_bytes). Returns frame_bytes(body_bytes). */
size_t frame_seal(char *bytes, size_t body_bytes, uint64_t sequence, uint64_t durable_to,
                  uint64_t salt);

/* frame_plausible: t starts like a frame that fits into t; the check is not looked at. */
bool frame_plausible(struct text t);

/* frame_verify: a whole frame stands at the start of t. *out borrows t. */
bool frame_verify(struct text t, uint64_t salt, struct frame *out);

/* The head of each file. */
#define FRAME_FILE_BYTES   32
#define FRAME_FILE_VERSION 2

struct frame_file {
    uint32_t number;
    uint64_t salt;   /* the same in all files of a journal */
    uint8_t version; /* of a file that was read: 1, without room between frames, or 2 */
};

enum frame_file_state { FRAME_FILE_GOOD, FRAME_FILE_DAMAGED, FRAME_FILE_OTHER_VERSION };

/* frame_file_encode: always of the version above. */
void frame_file_encode(const struct frame_file *file, char out[FRAME_FILE_BYTES]);
enum frame_file_state frame_file_decode(struct text t, struct frame_file *out);

#endif
