/* jwt: JSON Web Tokens in compact form (RFC 7515, RFC 7519), signed with a private key. */
#ifndef OUTBOX_JWT_H
#define OUTBOX_JWT_H

#include "base/buffer.h"
#include "base/error.h"

enum jwt_algorithm {
    JWT_RS256, /* RSASSA-PKCS1-v1_5 and SHA-256, RFC 7518 3.3: Google */
    JWT_ES256, /* ECDSA on P-256 and SHA-256, RFC 7518 3.4: APNs, Web Push */
};

struct jwt_key;

/* jwt_key_parse: a private key in PEM that fits the algorithm.
 * Owns:    free it with jwt_key_free
 * Errors:  ERROR_CONFIG: no such key, one behind a password, or one of the wrong kind */
int jwt_key_parse(struct text pem, enum jwt_algorithm algorithm, struct jwt_key **out,
                  struct error *err) MUST_USE;
void jwt_key_free(struct jwt_key **key);

/* jwt_sign: append "header.claims.signature". Both are JSON objects, taken as they are; the header
 * says the key's algorithm.
 * Errors:  ERROR_BUG when OpenSSL does not sign; out is then as before.
 * Threads: a key may sign for several at once. */
int jwt_sign(const struct jwt_key *key, struct text header, struct text claims,
             struct buffer *out, struct error *err) MUST_USE;

#endif
