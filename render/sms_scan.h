/* sms_scan: one pass over a text that answers nearly every question about its segments.
 */
#ifndef RENDER_SMS_SCAN_H
#define RENDER_SMS_SCAN_H

#include "base/text.h"

struct sms_scan {
    uint32_t septets; /* GSM-7 cost of its GSM-7 characters */
    uint32_t units;   /* UTF-16 units */
    bool ucs2;        /* a character is not in GSM-7 */
    bool extension;   /* a GSM-7 character costs two septets */
    bool wide;        /* a character costs two UTF-16 units */
    bool joins;       /* a character may form a cluster with its neighbours */
};

/* sms_septets: the GSM-7 cost of a code point, 1 or 2; 0 when it is not in GSM-7 (3GPP
 * TS 23.038). */
unsigned sms_septets(uint32_t code_point);

/* sms_scan: by the fastest way this processor has.
 * Shapes: less than 1 GiB of UTF-8; an ill-formed byte counts as U+FFFD.
 * Threads: any. */
void sms_scan(struct text t, struct sms_scan *out);

/* sms_scan_scalar: the same result, for any processor; the other one's test. */
void sms_scan_scalar(struct text t, struct sms_scan *out);

#endif
