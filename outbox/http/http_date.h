/* http_date: dates as they stand in headers (RFC 9110, 5.6.7). Pure. */
#ifndef OUTBOX_HTTP_DATE_H
#define OUTBOX_HTTP_DATE_H

#include "base/text.h"

/* http_date_parse: seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT", and of the two forms of old
 * ("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"). Returns -1 when t is none of them. */
int http_date_parse(struct text t, int64_t *seconds_out);

/* http_retry_after_ns: how long to wait from now_ns on, at most a day: of a number of seconds or a
 * date; 0 where t says neither, or a moment that has gone. */
int64_t http_retry_after_ns(struct text t, int64_t now_ns);

#endif
