/* bearer: an OAuth 2 access token for a provider's calls, got with an assertion that a private key
 * signs (RFC 7523), kept, and renewed before it ends. All on the loop's thread. */
#ifndef OUTBOX_BEARER_H
#define OUTBOX_BEARER_H

#include "outbox/api/api.h"
#include "outbox/wire/jwt.h"

/* Whom the token is for. Strings are borrowed and stay. */
struct bearer_account {
    const char *token_url;
    const char *issuer; /* the account's name */
    const char *scope;
    const char *key_id; /* "": not said */
    const struct jwt_key *key;
};

struct bearer {
    struct provider *provider;
    struct bearer_account account;
    struct http_request request;
    struct buffer body;
    struct buffer header; /* "Authorization: Bearer …" */
    int64_t renew_ns;     /* steady: from when on a new one is asked for */
    int64_t end_ns;       /* steady: from when on it is not used any more */
    int serial;           /* of the token at hand */
    bool fetching;
    bool troubled;      /* the last fetch failed */
    bool accepted;      /* a call with the token at hand was */
    bool second_chance; /* it came because the one before was refused */
};

void bearer_init(struct bearer *bearer, struct provider *provider,
                 const struct bearer_account *account);
void bearer_fini(struct bearer *bearer);

/* bearer_ready: is there a token to call with? Asks for one where that is due; api_methods.ready is
 * to return this. What goes wrong becomes the provider's trouble, or stops it. */
bool bearer_ready(struct bearer *bearer);

/* bearer_compose: give the token to a call as its header, and its serial as the call's stage. */
void bearer_compose(const struct bearer *bearer, struct api_call *call);

/* bearer_accepted, bearer_refused: what the provider thought of the token with this serial.
 * bearer_refused returns false when there is no use in another one: the one before was refused
 * too. */
void bearer_accepted(struct bearer *bearer, int serial);
bool bearer_refused(struct bearer *bearer, int serial);

/* bearer_parse: the answer of a token endpoint (RFC 6749 5.1). Pure.
 * Shapes:  header gets "Authorization: Bearer TOKEN"
 * Errors:  -1 when it has no token that can stand in a header; words gets what it says instead */
int bearer_parse(struct text reply, struct buffer *header, int64_t *life_ns_out,
                 struct buffer *words);

#endif
