/* http1_reply: a server's reply in HTTP/1.1 or 1.0, read as it comes (RFC 9112). Pure and bounded.
 *
 * A reply that comes in one piece is not copied. Lenient where only we could misunderstand it, strict
 * where two readers could disagree about where it ends. */
#ifndef OUTBOX_HTTP1_REPLY_H
#define OUTBOX_HTTP1_REPLY_H

#include "base/buffer.h"

#define HTTP1_HEAD_BYTES_MAX   (64 * 1024)
#define HTTP1_FIELDS_MAX       256
#define HTTP1_INTERIM_MAX      16   /* replies 1xx before the final one */
#define HTTP1_CHUNK_LINE_BYTES 4096 /* a chunk's size and extensions */

/* Where it stands in the header's lines. */
struct http1_field {
    uint32_t name_at, name_bytes, value_at, value_bytes;
};

/* Zero it before the first use. */
struct http1_reply {
    unsigned status;  /* 0: not known yet */
    struct text body; /* as far as it came, once it is over */
    bool truncated;   /* the body is not whole */
    bool keeps;       /* the connection can carry another request */
    /* the reader's own from here on */
    uint8_t state;
    bool minor_one; /* HTTP/1.1 */
    bool folded, chunked, sized, closes, persists;
    unsigned interim;
    size_t body_bytes_max;
    uint64_t left; /* of the body, or of this chunk */
    size_t line_bytes;
    bool has_digits, in_extension, behind_cr;
    struct text lines; /* the header's */
    size_t lines_at;   /* in the head */
    struct http1_field fields[HTTP1_FIELDS_MAX];
    size_t field_count;
    struct buffer head; /* what came of it in earlier pieces */
    size_t line_at;     /* there: the line that is not whole */
    struct buffer kept; /* the body, unless it came in one piece */
};

/* http1_reply_begin: for the next reply; bodies are kept up to body_bytes_max. */
void http1_reply_begin(struct http1_reply *reply, size_t body_bytes_max);
void http1_reply_fini(struct http1_reply *reply);

/* http1_reply_feed: read on at *at, and move it behind what was read.
 * Returns 1: the reply is over; 0: the bytes are used up; -1: this is no HTTP that can be understood.
 * Owns: what the reply then points to is good until the next begin, and as long as the bytes fed. */
int http1_reply_feed(struct http1_reply *reply, const char **at, const char *end);

/* http1_reply_cut: nothing more will come. in_order: by the server's will.
 * Returns true where that is how the body ends; else what came of it is truncated. */
bool http1_reply_cut(struct http1_reply *reply, bool in_order);

/* http1_reply_field: the value of the first field with this name, whatever its case; TEXT_NONE. */
struct text http1_reply_field(const struct http1_reply *reply, const char *name);

#endif
