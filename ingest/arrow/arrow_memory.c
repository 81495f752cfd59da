/* arrow_memory: see arrow_memory.h. */
#include "ingest/arrow/arrow_memory.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN 64

struct memory_block {
    struct memory_block *next;
    _Alignas(ALIGN) char bytes[];
};

void *arrow_memory_take(struct arrow_memory *memory, size_t bytes, struct error *err)
{
    if (bytes > ARROW_MEMORY_MAX || memory->bytes > ARROW_MEMORY_MAX - bytes) {
        error_set(err, ERROR_INPUT,
                  "it takes more than %zu GiB of memory; write smaller record batches",
                  ARROW_MEMORY_MAX >> 30);
        return NULL;
    }
    size_t tail = ALIGN + -bytes % ALIGN;
    struct memory_block *block = aligned_alloc(ALIGN, sizeof(*block) + bytes + tail);
    if (!block) {
        error_set(err, ERROR_IO, "%zu bytes of memory cannot be had", bytes);
        return NULL;
    }
    memset(block->bytes + bytes, 0, tail);
    block->next = memory->blocks;
    memory->blocks = block;
    memory->bytes += bytes;
    return block->bytes;
}

void *arrow_memory_zero(struct arrow_memory *memory, size_t bytes, struct error *err)
{
    void *taken = arrow_memory_take(memory, bytes, err);
    return taken ? memset(taken, 0, bytes) : NULL;
}

void arrow_memory_fini(struct arrow_memory *memory)
{
    while (memory->blocks) {
        struct memory_block *block = memory->blocks;
        memory->blocks = block->next;
        free(block);
    }
    memory->bytes = 0;
}
