/* tls: the client's side of TLS between two buffers, without a socket: what the server sent goes in,
 * plain text and what must be sent come out. TLS 1.2 or newer; the server's certificate and name are
 * checked unless told otherwise. */
#ifndef OUTBOX_TLS_H
#define OUTBOX_TLS_H

#include "base/buffer.h"
#include "base/error.h"

struct tls_settings {
    const char *host;    /* a name or an IP address, for which the certificate must be */
    const char *ca_file; /* PEM; "": the system's authorities */
    bool unverified;     /* anybody's certificate will do */
    const char *
        protocols; /* what is offered by ALPN, best first, each behind its length (RFC 7301);
                              NULL: nothing */
};

/* What all connections to one host share: whom to trust, and the last session, which the next one
 * resumes (RFC 8446 2.2).
 * Threads: its connections stay on one thread. */
struct tls_context;
int tls_context_create(const struct tls_settings *settings, struct tls_context **out,
                       struct error *err) MUST_USE; /* ERROR_CONFIG */
void tls_context_destroy(struct tls_context **context);

enum tls_state {
    TLS_HANDSHAKE,
    TLS_OPEN,
    TLS_CLOSED, /* the server ended it with close_notify */
    TLS_FAILED, /* tls_why says why */
};

struct tls;
struct tls *tls_create(struct tls_context *context);
void tls_destroy(struct tls **tls);

/* tls_feed: cipher came from the server; without any it says the first word. Appends what it holds to
 * plain and what must be sent to cipher_out, also when it fails: an alert. */
enum tls_state tls_feed(struct tls *tls, struct text cipher, struct buffer *plain,
                        struct buffer *cipher_out);

/* tls_seal: append plain, encrypted. While TLS_OPEN, and when TLS_CLOSED, which ends the server's
 * direction only (RFC 8446 6.1). */
void tls_seal(struct tls *tls, struct text plain, struct buffer *cipher_out);

/* tls_close: append close_notify where one is due. */
void tls_close(struct tls *tls, struct buffer *cipher_out);

/* tls_why: what went wrong and what to do about it, to be read behind the server's name. */
const char *tls_why(const struct tls *tls);
bool tls_is_resumed(const struct tls *tls);
/* tls_protocol: which of the protocols the server has chosen; empty: it did not. */
struct text tls_protocol(const struct tls *tls);

#endif
