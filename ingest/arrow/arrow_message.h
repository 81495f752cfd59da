/* arrow_message: the messages an Arrow file or stream is made of. */
#ifndef INGEST_ARROW_MESSAGE_H
#define INGEST_ARROW_MESSAGE_H

#include "base/error.h"
#include "ingest/arrow/arrow_format.h"
#include "ingest/arrow/flatbuf.h"

/* Where a message lies. */
struct arrow_place {
    size_t at;
    size_t meta_at;
    size_t meta_bytes;
    size_t body_at;
    size_t body_bytes;
};

struct arrow_message {
    struct arrow_place place;
    struct flatbuf meta; /* header borrows it: do not copy a message */
    struct flatbuf_table header;
    enum arrow_header type;
    int64_t version;
};

/* arrow_message_read: the message at a position of data[bytes].
 * Returns 1, or 0 at the end of the stream (its mark, or simply nothing more).
 * Errors: ERROR_INPUT without the file's name: cut short, damaged, too old */
int arrow_message_read(const uint8_t *data, size_t bytes, size_t at,
                       struct arrow_message *out, struct error *err) MUST_USE;

#endif
