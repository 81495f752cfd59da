/* stream: a connection on the loop, plain or under TLS, for protocols that talk in turns.
 *
 * The caller fills ->out and calls stream_flush; what comes is told through events, on the loop's
 * thread. At failed, or any time before, the caller calls stream_close; then closed is called once
 * nothing is pending in the loop any more, and the stream may go. */
#ifndef OUTBOX_STREAM_H
#define OUTBOX_STREAM_H

#include "outbox/loop/loop.h"
#include "outbox/wire/tls.h"

enum stream_failure {
    STREAM_UNREACHED, /* never connected */
    STREAM_ENDED,     /* the server closed it in order */
    STREAM_LOST,      /* the server or the network broke it */
    STREAM_UNSAFE,    /* TLS: not agreed upon, or broken */
};

struct stream_events {
    void (*connected)(void *arg);
    void (*secured)(void *arg); /* TLS is agreed upon */
    void (*received)(void *arg, const char *data, size_t bytes);
    void (*sent)(void *arg); /* more can be flushed */
    void (*failed)(void *arg, enum stream_failure failure, const char *why);
    void (*closed)(void *arg);
};

struct stream {
    struct loop *loop;
    const struct stream_events *events;
    void *arg;
    int fd; /* -1: there is none */
    int socket_errno;
    bool connecting, receiving, sending, closing;
    bool unsent; /* sending has failed */
    struct loop_op connect_op, recv_op, send_op;
    struct tls *tls; /* NULL: plain */
    bool secured;
    struct buffer out;    /* the caller's to fill */
    struct buffer plain;  /* under TLS: what was received */
    struct buffer cipher; /* under TLS: what must be sent */
    struct buffer flying; /* with the loop while sending */
};

/* stream_open: connect; address stays until connected, failed or closed. */
void stream_open(struct stream *stream, struct loop *loop, const struct sockaddr *address,
                 socklen_t address_bytes, const struct stream_events *events, void *arg);

/* stream_secure: turn to TLS; nothing of ->out may wait. */
void stream_secure(struct stream *stream, struct tls_context *context);

/* stream_flush: send ->out, unless something is being sent already: then sent will be called.
 * Returns true when ->out was given to the loop. */
bool stream_flush(struct stream *stream);

/* stream_close: let go of the loop. politely: nothing is under way, so the server is told (TLS's
 * close_notify). */
void stream_close(struct stream *stream, bool politely);

/* stream_fini: after closed, or when the loop is gone. */
void stream_fini(struct stream *stream);

#endif
