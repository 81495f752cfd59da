/* clock: what time it is, in nanoseconds; tests can freeze the calendar.
 *
 * Two clocks: the calendar (UTC, for audiences, quotas, headers) and the steady one (for
 * rates and timeouts). VOLLEY_NOW=2026-11-21T08:00:00Z in the environment, or
 * clock_freeze(), stops the calendar; the steady clock never stops. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/error.h"
#include "base/text.h"

#define NS_PER_S  1000000000ll
#define NS_PER_MS 1000000ll
#define NS_PER_US 1000ll

/* clock_now_ns: nanoseconds since 1970-01-01T00:00:00Z.
 * Threads: any. */
int64_t clock_now_ns(void);
/* clock_steady_ns: nanoseconds since some fixed moment; never goes back.
 * Threads: any. */
int64_t clock_steady_ns(void);

/* clock_freeze: from now on clock_now_ns returns now_ns; -1 lets it run again. Threads:
 * call it before others start. */
void clock_freeze(int64_t now_ns);
/* clock_freeze_from_environment: freeze at VOLLEY_NOW when it is set. Errors:
 * ERROR_USAGE. */
int clock_freeze_from_environment(struct error *err) MUST_USE;

/* days_from_civil: days since 1970-01-01 of a proleptic Gregorian date. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *year_out, unsigned *month_out,
                     unsigned *day_out);

/* clock_parse: RFC 3339 date-time with `Z` or an offset; a space may stand for the T,
 * fractions up to nanoseconds. has_offset_out false means that the text has none (wall
 * clock). Returns 0 or -1 when t is no date-time. */
int clock_parse(struct text t, int64_t *ns_out, bool *has_offset_out);

/* clock_parse_date: YYYY-MM-DD to days since 1970-01-01. Returns 0 or -1. */
int clock_parse_date(struct text t, int32_t *days_out);

/* clock_format: "2026-11-21T08:00:00Z"; with milliseconds when millis. */
#define CLOCK_FORMAT_BYTES 32
void clock_format(int64_t now_ns, bool millis, char out[CLOCK_FORMAT_BYTES]);

#endif
