/* units: numbers with a unit as people write them in configuration, jobs and options. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/text.h"

/* units_rate: "500/s", "30/min", "1000/hr", "5000/day" → messages per second; "unlimited"
 * → 0. Returns 0, or -1 when t is no rate above 0 and up to 10000000/s. */
int units_rate(struct text t, double *per_s_out);

/* units_duration: "250us", "20ms", "1.5s", "10m" or "10min", "2h", "30d" → nanoseconds.
 * Returns 0, or -1. */
int units_duration(struct text t, int64_t *ns_out);

/* units_fraction: "0.01" or "1%" → 0 … 1. Returns 0, or -1. */
int units_fraction(struct text t, double *out);

/* units_count: a decimal number without sign. Returns 0, or -1 (also on overflow). */
int units_count(struct text t, uint64_t *out);

#endif
