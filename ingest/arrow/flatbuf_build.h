/* flatbuf_build: FlatBuffers written front to back, as little of them as Arrow metadata
 * needs.
 *
 * References in a FlatBuffer point forward, so a table is written first, with a hole
 * where it refers to something, and the hole is filled once that something has been
 * written behind it. Positions are relative to the start of the buffer, which has to lie
 * on an 8-byte boundary. Source: https://flatbuffers.dev/internals/ */
#ifndef INGEST_FLATBUF_BUILD_H
#define INGEST_FLATBUF_BUILD_H

#include "base/buffer.h"

/* One field of a table: its number in the schema, its size (1, 2, 4 or 8 bytes) and
 * value. FLATBUF_REF leaves a hole for a reference. */
struct flatbuf_slot {
    uint16_t field;
    uint8_t bytes;
    int64_t value;
    size_t at; /* filled in by flatbuf_put_table: where the value lies */
};

#define FLATBUF_REF(number)                                                              \
    {                                                                                    \
        .field = (number), .bytes = 4                                                    \
    }

/* flatbuf_put_root: start a FlatBuffer; returns the hole for its root table. */
size_t flatbuf_put_root(struct buffer *out);

/* flatbuf_put_table: a table and its vtable. Returns the table's position, to refer to.
 * Shapes: at most 16 slots */
size_t flatbuf_put_table(struct buffer *out, struct flatbuf_slot *slots, size_t count);

/* flatbuf_put_vector: the count of a vector whose elements the caller adds right behind
 * it; for a vector of references flatbuf_put_holes adds them and returns the first.
 * Shapes: align is what an element needs, 4 or 8 */
size_t flatbuf_put_vector(struct buffer *out, size_t count, size_t align);
size_t flatbuf_put_holes(struct buffer *out, size_t count);

size_t flatbuf_put_string(struct buffer *out, struct text t);

/* flatbuf_fill: let the hole refer to what was written at target. */
void flatbuf_fill(struct buffer *out, size_t hole, size_t target);

#endif
