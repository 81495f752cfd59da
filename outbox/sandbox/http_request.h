/* http_request: one HTTP/1.1 request at the start of some bytes (RFC 9112). Pure. */
#ifndef OUTBOX_SANDBOX_HTTP_REQUEST_H
#define OUTBOX_SANDBOX_HTTP_REQUEST_H

#include "base/buffer.h"

#define HTTP_HEAD_BYTES_MAX 16384
#define HTTP_BODY_BYTES_MAX (1u << 20)

struct http_request {
    struct text method;
    struct text path;  /* of the target, as sent, without the query */
    struct text query; /* TEXT_NONE without */
    struct text authorization;
    struct text idempotency_key;
    struct text body; /* complete, chunks put together */
    bool keeps_alive; /* the connection serves another request after this one */
    bool expects_continue;
    size_t head_bytes; /* 0: the head has not come in full */
    /* the parser's own */
    bool is_http_1_0, has_length, is_chunked;
    size_t length_bytes;
};

/* http_request_parse: look for a whole request at the start of input.
 * Owns: texts of out borrow from input, but the body of a chunked request from chunks,
 *          which is overwritten
 * Errors: returns the bytes of the request; 0 when more must come (out->head_bytes then
 *          says whether the head is there); or a status to refuse with, negated, after
 *          which the connection is useless. */
int64_t http_request_parse(struct text input, struct buffer *chunks,
                           struct http_request *out);

#endif
