/* rate_headers: what a reply says of how much more is welcome. */
#ifndef OUTBOX_RATE_HEADERS_H
#define OUTBOX_RATE_HEADERS_H

#include "outbox/http/http.h"

struct rate_headers {
    uint64_t remaining; /* requests until the allowance is renewed */
    int64_t reset_ns;   /* which is so long from now */
};

/* rate_headers_parse: `remaining` and `reset` as they stand in X-RateLimit-* or RateLimit-*; a reset
 * is seconds from now, or, above a year, since 1970. now_ns: the calendar's.
 * Returns false when they say nothing that can be used. */
bool rate_headers_parse(struct text remaining, struct text reset, int64_t now_ns,
                        struct rate_headers *out);

/* rate_headers_read: the same from a reply. */
bool rate_headers_read(const struct http_reply *reply, struct rate_headers *out);

#endif
