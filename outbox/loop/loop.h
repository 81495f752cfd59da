/* loop: completions of sockets, files and timers, on io_uring or, where that is refused, on epoll.
 *
 * The caller owns a `struct loop_op` per operation and gets its function called on the loop's thread
 * when something happened. Buffers belong to the loop from the call until the completion. One loop
 * belongs to one thread: the one that created it; only loop_post may be called from others.
 * VOLLEY_LOOP=uring|epoll chooses; else io_uring where the kernel gives it, and one log line says
 * why when it does not. */
#ifndef OUTBOX_LOOP_H
#define OUTBOX_LOOP_H

#include "base/error.h"

#include <stdint.h>
#include <sys/socket.h>

struct loop;
struct loop_op;

/* res: bytes, a descriptor, poll events, or -errno. data: what was received, valid during the call,
 * NULL for everything but recv. */
typedef void loop_fn(struct loop_op *op, int64_t res, const char *data);

struct loop_op {
    loop_fn *fn;
    void *arg; /* the caller's */
    /* the loop's own from here on; zero it before the first use */
    struct loop_op *next;
    void *loop_private[6];
};

struct loop_timer {
    void (*fn)(struct loop_timer *timer);
    void *arg;
    int64_t due_ns;    /* steady clock */
    size_t heap_index; /* 0: not armed */
};

int loop_create(struct loop **out, struct error *err) MUST_USE;
void loop_destroy(struct loop **loop);
const char *loop_kind(const struct loop *loop); /* "uring" or "epoll" */

/* loop_run: handle what is ready; wait for at most wait_ns (-1: until something happens).
 * Returns 0 or ERROR_IO when the ring itself fails. */
int loop_run(struct loop *loop, int64_t wait_ns, struct error *err) MUST_USE;

/* Every operation below completes exactly once, except that accept and recv complete many times:
 * fn may start the same op again only after its last completion (res <= 0 for recv, res < 0 for
 * accept). */
void loop_accept(struct loop *loop, struct loop_op *op, int listen_fd);
void loop_connect(struct loop *loop, struct loop_op *op, int fd,
                  const struct sockaddr *address, socklen_t address_bytes);
/* loop_recv: fn gets bytes as they come; res 0 is the end, negative an error; both end it. */
void loop_recv(struct loop *loop, struct loop_op *op, int fd);
/* loop_send: all bytes; res is bytes or the error. One at a time per descriptor: io_uring may carry
 * out two in either order. */
void loop_send(struct loop *loop, struct loop_op *op, int fd, const void *data,
               size_t bytes);
/* loop_poll: once, for POLLIN|POLLOUT bits; res has the bits that are ready. */
void loop_poll(struct loop *loop, struct loop_op *op, int fd, unsigned events);
/* loop_write_sync: write at an offset with RWF_DSYNC, so that bytes and what it takes to find them
 * are durable when it completes; res is bytes or the error. fd may be open with O_DIRECT. */
void loop_write_sync(struct loop *loop, struct loop_op *op, int fd, const void *data,
                     size_t bytes, uint64_t offset);
/* loop_cancel: make op complete soon; it still completes once, with -ECANCELED or its own result. A
 * recv or accept may call fn with what was already on its way before that. */
void loop_cancel(struct loop *loop, struct loop_op *op);
/* loop_close_fd: forget a descriptor and close it; its operations must have completed. */
void loop_close_fd(struct loop *loop, int fd);

/* loop_post: call op->fn(op, 0, NULL) on the loop's thread.
 * Threads: any; op must not be pending. */
void loop_post(struct loop *loop, struct loop_op *op);

/* Timers: arming an armed timer moves it. fn runs once per arming. */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, int64_t due_ns);
void loop_timer_disarm(struct loop *loop, struct loop_timer *timer);
/* loop_now_ns: the steady clock, read once per round of loop_run. */
int64_t loop_now_ns(const struct loop *loop);

#endif
