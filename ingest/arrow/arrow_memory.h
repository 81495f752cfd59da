/* arrow_memory: what a loaded record batch owns beside the mapping: column trees,
 * decompressed buffers, copies of misaligned ones. Freed all at once. */
#ifndef INGEST_ARROW_MEMORY_H
#define INGEST_ARROW_MEMORY_H

#include "base/error.h"

#include <stdint.h>

/* What one record batch, or all dictionaries of a file, may take: far above any sane
 * batch, and a file that claims more is refused rather than swapped to death. */
#define ARROW_MEMORY_MAX ((size_t)8 << 30)

struct arrow_memory {
    struct memory_block *blocks;
    size_t bytes;
};

/* arrow_memory_take: zeroed up to 64 bytes behind the end, aligned to 64; the bytes
 * themselves are not. Returns NULL and sets *err (never NULL itself): ERROR_INPUT when
 * the limit is passed, ERROR_IO when memory is used up. */
void *arrow_memory_take(struct arrow_memory *memory, size_t bytes, struct error *err);

/* arrow_memory_zero: the same with all bytes zero. */
void *arrow_memory_zero(struct arrow_memory *memory, size_t bytes, struct error *err);
void arrow_memory_fini(struct arrow_memory *memory);

#endif
