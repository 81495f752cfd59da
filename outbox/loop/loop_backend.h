/* loop_backend: what a way of waiting for the kernel must do for the loop, and what it
 * may see.
 *
 * loop.c keeps timers, posts and the rule that an operation completes once; a back end
 * turns requests into completions. Private to outbox/loop. */
#ifndef OUTBOX_LOOP_LOOP_BACKEND_H
#define OUTBOX_LOOP_LOOP_BACKEND_H

#include "outbox/loop/loop.h"

#include <stdatomic.h>
#include <stdbool.h>

enum loop_request_kind {
    LOOP_NONE,
    LOOP_ACCEPT,
    LOOP_CONNECT,
    LOOP_RECV,
    LOOP_SEND,
    LOOP_POLL,
    LOOP_WRITE_SYNC,
    LOOP_POST,
};

/* The loop's view of loop_op.loop_private. */
struct __attribute__((may_alias)) loop_request {
    uint8_t kind;
    bool pending;    /* fn still has to be called */
    bool cancelled;  /* loop_cancel was called for it */
    bool connecting; /* connect(2) was called (epoll) */
    int fd;
    const char *data; /* what to send or write; the address to connect to */
    size_t bytes;
    size_t done_bytes; /* sent or written so far */
    uint64_t offset;   /* write_sync: in the file; poll: the events wanted */
    int64_t result;    /* of an operation that waits for its fn to be called */
};

_Static_assert(sizeof(struct loop_request) == sizeof((struct loop_op){0}.loop_private),
               "a request fills the private part of an operation");

static inline struct loop_request *loop_request(struct loop_op *op)
{
    return (struct loop_request *)op->loop_private;
}

/* loop_finish: the last call of fn; the operation may be started again inside it. */
static inline void loop_finish(struct loop_op *op, int64_t res)
{
    CHECK(loop_request(op)->pending);
    loop_request(op)->pending = false;
    op->fn(op, res, NULL);
}

/* loop_is_transient: what accept(2) may say about one connection, not about the listener.
 */
bool loop_is_transient(int accept_errno);

struct loop_backend {
    const char *kind;
    /* create: fill *state_out. Returns 0 or -errno; *what_out names the call that failed.
     */
    int (*create)(void **state_out, const char **what_out);
    void (*destroy)(void *state);
    void (*start)(void *state, struct loop_op *op);
    void (*cancel)(void *state, struct loop_op *op);
    /* wait: hand over what was started and wait; wait_ns as in loop_run. 0 or -errno. */
    int (*wait)(void *state, int64_t wait_ns);
    /* complete: call the functions of what is ready, once around. */
    void (*complete)(void *state);
    /* forget: the descriptor is about to be closed. */
    void (*forget)(void *state, int fd);
};

extern const struct loop_backend loop_uring;
extern const struct loop_backend loop_epoll;

#endif
