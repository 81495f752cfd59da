/* tzif: time zones from the system's database (RFC 8536), thread-safe and without libc's
 * TZ. */
#ifndef BASE_TZIF_H
#define BASE_TZIF_H

#include "base/error.h"
#include "base/text.h"

struct tzif;

/* tzif_open: load a zone by its IANA name, e.g. "Europe/Rome"; "UTC" and "" need no file.
 * Owns:   the caller closes it; afterwards it is read-only, any thread may use it.
 * Errors: ERROR_INPUT for a name that is none or a file that is no TZif. */
int tzif_open(struct text name, struct tzif **out, struct error *err) MUST_USE;
void tzif_close(struct tzif **zone);

/* tzif_offset_s: seconds east of UTC in force at an instant. NULL is UTC. */
int32_t tzif_offset_s(const struct tzif *zone, int64_t utc_s);

/* tzif_utc_s: the instant of a wall-clock time (seconds since 1970-01-01 00:00 local). A
 * time that a change to summer time skips moves forward; of one that occurs twice, the
 * first. */
int64_t tzif_utc_s(const struct tzif *zone, int64_t local_s);

#endif
