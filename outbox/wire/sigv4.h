/* sigv4: signs requests for Amazon's services (AWS General Reference, "Signature Version 4"). Pure.
 *
 * For requests whose path needs no escaping and that have no query; the headers Host, X-Amz-Date,
 * Content-Type and, with temporary credentials, X-Amz-Security-Token are signed. */
#ifndef OUTBOX_SIGV4_H
#define OUTBOX_SIGV4_H

#include "base/text.h"

/* Who signs what; region and service are at most 63 bytes. */
struct sigv4 {
    struct text access_key, secret_key;
    struct text session_token; /* TEXT_NONE: none */
    struct text region, service;
    char day[9]; /* of key; all zero at first */
    unsigned char key[32];
};

struct sigv4_request {
    const char *method;
    struct text host; /* as the Host header says it */
    struct text path;
    struct text content_type;
    struct text body;
};

/* Two headers, as "Name: value". The token's, where there is one, is the caller's to send. */
struct sigv4_headers {
    char date[48];
    char authorization[512];
};

#define SIGV4_ACCESS_KEY_BYTES_MAX 128 /* IAM's limit */

/* sigv4_sign: the headers that sign the request.
 * Units: now_s are seconds since 1970; the service takes no signature that is five minutes off. */
void sigv4_sign(struct sigv4 *signer, const struct sigv4_request *request, int64_t now_s,
                struct sigv4_headers *out);

#endif
