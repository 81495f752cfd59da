/* sms: how many segments a text costs (FACTS section 1). */
#ifndef RENDER_SMS_H
#define RENDER_SMS_H

#include "base/arena.h"

enum sms_encoding { SMS_GSM7, SMS_UCS2 };

struct sms_size {
    enum sms_encoding encoding;
    uint32_t segments; /* the empty text is one */
    uint32_t units;    /* septets or UTF-16 units */
};

/* sms_measure: the cost of t, UTF-8.
 * Threads: any. */
void sms_measure(struct text t, struct sms_size *out);

/* sms_measure_detail: the same, with the units of each segment: up to per_segment_max of
 * them. */
size_t sms_measure_detail(struct text t, struct sms_size *out, uint32_t *per_segment,
                          size_t per_segment_max);

/* sms_smart: replace typographic characters by GSM-7 ones where the table has one; may
 * return t itself. TEXT_NONE when the arena overflows. */
struct text sms_smart(struct text t, struct arena *arena);

/* sms_culprit: the first character that makes t UCS-2, as a view into t; TEXT_NONE when
 * GSM-7. */
struct text sms_culprit(struct text t);

#endif
