/* rate_headers: see rate_headers.h.
 *
 * There is no standard, only habits: X-RateLimit-Remaining and X-RateLimit-Reset (GitHub, SendGrid:
 * seconds since 1970; others: seconds from now, also with a fraction) and the same without X-
 * (draft-ietf-httpapi-ratelimit-headers-06: seconds from now). */
#include "outbox/api/rate_headers.h"

#include "base/clock.h"
#include "base/units.h"

#include <string.h>

#define SECONDS_A_YEAR (366ll * 86400)

/* A whole number, of which a fraction and what follows a comma or semicolon are left out. */
static bool read_number(struct text t, uint64_t *out)
{
    t = text_trim(t);
    size_t bytes = 0;
    while (bytes < t.bytes && t.data[bytes] >= '0' && t.data[bytes] <= '9')
        bytes++;
    if (bytes < t.bytes && !memchr(".,;", t.data[bytes], 3))
        return false;
    return bytes > 0 && bytes < 16 && units_count((struct text){t.data, bytes}, out) == 0;
}

bool rate_headers_parse(struct text remaining, struct text reset, int64_t now_ns,
                        struct rate_headers *out)
{
    uint64_t left, seconds;
    if (!remaining.data || !reset.data || !read_number(remaining, &left) ||
        !read_number(reset, &seconds))
        return false;
    int64_t wait_s = (int64_t)seconds;
    if (wait_s > SECONDS_A_YEAR)
        wait_s -= now_ns / NS_PER_S;
    if (wait_s > SECONDS_A_YEAR || wait_s < 0)
        return false;
    *out = (struct rate_headers){left, wait_s * NS_PER_S};
    return wait_s > 0;
}

bool rate_headers_read(const struct http_reply *reply, struct rate_headers *out)
{
    static const char *const names[][2] = {
        {"X-RateLimit-Remaining", "X-RateLimit-Reset"},
        {"RateLimit-Remaining", "RateLimit-Reset"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct text remaining = http_reply_header(reply, names[i][0]);
        if (remaining.data)
            return rate_headers_parse(remaining, http_reply_header(reply, names[i][1]),
                                      clock_now_ns(), out);
    }
    return false;
}
