/* phone: phone numbers as people type them, to E.164; the only door to libphonenumber. */
#ifndef INGEST_PHONE_H
#define INGEST_PHONE_H

#ifdef __cplusplus
extern "C" {
#endif

#include "base/text.h"

#define PHONE_BYTES 24 /* "+", 15 digits, NUL, and room */

enum phone_verdict {
    PHONE_OK,
    PHONE_NO_NUMBER,  /* no phone number at all */
    PHONE_NO_COUNTRY, /* neither "+" and a country code nor a default region */
    PHONE_TOO_SHORT,
    PHONE_TOO_LONG,
    PHONE_NO_MOBILE, /* a landline, a service number or of a length mobiles never have */
};

/* phone_normalize: a mobile number in E.164, NUL-terminated in out. A number of a range
 * that is known not to be mobile is PHONE_NO_MOBILE; one of an unknown range passes when
 * its length can be a mobile's, because new ranges are handed out faster than
 * libphonenumber is updated.
 * Shapes: region is two capital letters, e.g. "IT", or NULL
 * Threads: any */
enum phone_verdict phone_normalize(struct text number, const char *region,
                                   char out[PHONE_BYTES]);

/* phone_verdict_text: "is too short for a phone number", to stand behind the number. */
const char *phone_verdict_text(enum phone_verdict verdict);

/* phone_region_exists: libphonenumber knows the region. */
bool phone_region_exists(const char *region);

#ifdef __cplusplus
}
#endif

#endif
