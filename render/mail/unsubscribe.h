/* unsubscribe: signed tokens for one-click links (RFC 8058): who, at which account, from
 * what. */
#ifndef RENDER_UNSUBSCRIBE_H
#define RENDER_UNSUBSCRIBE_H

#include "base/arena.h"
#include "base/message.h"

#include <openssl/sha.h>

#define UNSUBSCRIBE_KEY_BYTES 32

/* What of a signature depends on the key alone: half of the work. Secret like the key. */
struct unsubscribe_signer {
    SHA256_CTX inner, outer;
};
void unsubscribe_signer_init(struct unsubscribe_signer *signer,
                             const unsigned char key[UNSUBSCRIBE_KEY_BYTES]);

/* unsubscribe_token: base64url of (category, account, customer) and an HMAC-SHA256 over
 * it. TEXT_NONE when the arena overflows.
 * Threads: any. */
struct text unsubscribe_token(const struct unsubscribe_signer *signer,
                              enum category category, struct text account,
                              struct text customer, struct arena *arena);

/* unsubscribe_verify: the parts of a token, in arena. Constant-time comparison.
 * Errors: ERROR_INPUT for anything that is no token of ours. */
int unsubscribe_verify(const unsigned char key[UNSUBSCRIBE_KEY_BYTES], struct text token,
                       struct arena *arena, enum category *category_out,
                       struct text *account_out, struct text *customer_out,
                       struct error *err) MUST_USE;

#endif
