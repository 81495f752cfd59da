/* tls_sentence: why a TLS connection failed, for people: what is wrong and what to do. */
#ifndef OUTBOX_TLS_SENTENCE_H
#define OUTBOX_TLS_SENTENCE_H

#include <openssl/ssl.h>

#define TLS_SENTENCE_BYTES 400

/* Both are to be read behind the server's name. */

/* tls_sentence_certificate: verifying certificate for host met error, an X509_V_ERR_. */
void tls_sentence_certificate(const X509 *certificate, const char *host, int error,
                              char out[TLS_SENTENCE_BYTES]);

/* tls_sentence_protocol: of the error at the head of OpenSSL's queue. */
void tls_sentence_protocol(char out[TLS_SENTENCE_BYTES]);

#endif
