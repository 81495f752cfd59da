/* flatbuf: a FlatBuffer read field by field, every access checked against its bounds.
 *
 * Reading never fails at once: what lies outside reads as absent or as its default, and
 * the buffer remembers that it is damaged. The reader asks once, when it has read
 * everything it needs. Source: https://flatbuffers.dev/internals/ */
#ifndef INGEST_FLATBUF_H
#define INGEST_FLATBUF_H

#include "base/text.h"

struct flatbuf {
    const uint8_t *data;
    size_t bytes;
    bool damaged;
};

/* A table within a FlatBuffer; at 0 means that there is none, and all its fields are
 * absent. */
struct flatbuf_table {
    struct flatbuf *in;
    size_t at;
    size_t bytes;
    size_t vtable;
    size_t vtable_bytes;
};

struct flatbuf_vector {
    struct flatbuf *in;
    const uint8_t *data; /* the elements; NULL when there is no vector */
    size_t at;
    size_t count;
};

struct flatbuf_table flatbuf_root(struct flatbuf *in);

/* flatbuf_integer: a scalar field of 1, 2, 4 or 8 bytes, sign-extended. */
int64_t flatbuf_integer(const struct flatbuf_table *table, size_t field, size_t bytes,
                        int64_t absent);
struct flatbuf_table flatbuf_sub(const struct flatbuf_table *table, size_t field);

/* flatbuf_string: TEXT_NONE when absent. */
struct text flatbuf_string(const struct flatbuf_table *table, size_t field);

/* flatbuf_vector: elements of element_bytes each, all within the buffer, of any
 * alignment. */
struct flatbuf_vector flatbuf_vector(const struct flatbuf_table *table, size_t field,
                                     size_t element_bytes);

/* flatbuf_element: table number i of a vector of references (element_bytes 4). */
struct flatbuf_table flatbuf_element(const struct flatbuf_vector *vector, size_t i);

#endif
