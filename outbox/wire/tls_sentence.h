/* tls_sentence: why a TLS connection failed, for people: what is wrong and what to do. */
#ifndef OUTBOX_TLS_SENTENCE_H
#define OUTBOX_TLS_SENTENCE_H

#include <openssl/ssl.h>

#define TLS_SENTENCE_BYTES 400

/* tls_sentence: of the error that OpenSSL has just met, to be read behind the server's name. */
void tls_sentence(const SSL *ssl, const char *host, char out[TLS_SENTENCE_BYTES]);

#endif
