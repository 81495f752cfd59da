/* smtp_auth: how to log in to an SMTP server (RFC 4954): PLAIN (RFC 4616), LOGIN, and Google's and
 * Microsoft's XOAUTH2 with an access token. Pure. */
#ifndef OUTBOX_SMTP_AUTH_H
#define OUTBOX_SMTP_AUTH_H

#include "base/buffer.h"

enum smtp_mechanism {
    SMTP_AUTH_NONE, /* none named, none fits */
    SMTP_AUTH_PLAIN,
    SMTP_AUTH_LOGIN,
    SMTP_AUTH_XOAUTH2,
};

struct smtp_login {
    const char *username;
    const char *password;          /* or access token */
    enum smtp_mechanism mechanism; /* SMTP_AUTH_NONE: PLAIN, else LOGIN */
};

/* Zero it, then smtp_auth_begin. */
struct smtp_auth {
    const struct smtp_login *login;
    enum smtp_mechanism mechanism;
    unsigned answers;    /* given so far */
    char complaint[256]; /* XOAUTH2: what the server said in its challenge, JSON */
};

/* smtp_auth_mechanisms: the words behind AUTH in a reply to EHLO, as bits 1 << mechanism. */
unsigned smtp_auth_mechanisms(struct text words);

/* smtp_auth_begin: append the AUTH command. offered: as of smtp_auth_mechanisms.
 * Returns false when nothing offered will do. */
bool smtp_auth_begin(struct smtp_auth *auth, const struct smtp_login *login,
                     unsigned offered, struct buffer *out);

/* smtp_auth_go_on: append the answer to a 334.
 * Returns false when the server asks for more than the mechanism has. */
bool smtp_auth_go_on(struct smtp_auth *auth, struct text challenge, struct buffer *out);

const char *smtp_mechanism_name(enum smtp_mechanism mechanism);

#endif
