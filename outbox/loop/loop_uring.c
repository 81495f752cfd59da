/* loop_uring: the loop on io_uring, for Linux 6.1 and newer.
 *
 * Everything a round starts goes to the kernel in the one io_uring_enter(2) that also
 * waits. SINGLE_ISSUER and DEFER_TASKRUN make the kernel do its completion work only in
 * that call, on this thread, so COOP_TASKRUN has nothing left to avoid. accept and recv
 * are multishot: one submission for the life of a connection. recv takes its memory from
 * one ring of provided buffers; each goes back as soon as fn returns, so running out
 * (ENOBUFS) only means that the kernel stopped the multishot and wants it submitted
 * again.
 *
 * user_data is the address of the operation. Cancellations carry zero and nobody waits for
 * them.
 * Submissions are carried out in order, so a cancellation cannot hit an operation that
 * was started after it, even one at the same address. */
#include "outbox/loop/loop_backend.h"
#include "outbox/loop/patience.h"

#include "base/clock.h"
#include "base/failpoint.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SUBMISSIONS    2048
#define COMPLETIONS    16384
#define COMPLETE_BATCH 128 /* completions looked at before they are handed back */

/* 2 MiB of receive memory stay near the cache; most reads are far below 8 KiB. */
#define BUFFERS      256
#define BUFFER_BYTES 8192
#define BUFFER_GROUP 0

struct uring {
    struct io_uring ring;
    struct io_uring_buf_ring *buffer_ring;
    char *buffers;
    unsigned sends; /* queued since the last wait */
    struct patience patience;
    bool *owes; /* by descriptor: we sent and have received nothing since */
    size_t owes_room;
    unsigned owing; /* how many do */
};

static void set_owes(struct uring *u, int fd, bool owes)
{
    size_t index = (size_t)fd;
    if (index >= u->owes_room) {
        size_t room = (index + 64) * 2;
        u->owes = realloc(u->owes, room * sizeof(bool));
        CHECK(u->owes != NULL);
        memset(u->owes + u->owes_room, 0, (room - u->owes_room) * sizeof(bool));
        u->owes_room = room;
    }
    u->owing += (unsigned)owes - (unsigned)u->owes[index];
    u->owes[index] = owes;
}

/* --- receive buffers --- */

static char *map_memory(size_t bytes)
{
    char *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void give_buffer(struct uring *u, unsigned id)
{
    io_uring_buf_ring_add(u->buffer_ring, u->buffers + (size_t)id * BUFFER_BYTES,
                          BUFFER_BYTES, (unsigned short)id,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(u->buffer_ring, 1);
}

static int create_buffers(struct uring *u)
{
    u->buffer_ring = (void *)map_memory(BUFFERS * sizeof(struct io_uring_buf));
    u->buffers = map_memory((size_t)BUFFERS * BUFFER_BYTES);
    if (!u->buffer_ring || !u->buffers)
        return -ENOMEM;
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)u->buffer_ring,
                                            .ring_entries = BUFFERS,
                                            .bgid = BUFFER_GROUP};
    int rc = io_uring_register_buf_ring(&u->ring, &registration, 0);
    if (rc)
        return rc;
    io_uring_buf_ring_init(u->buffer_ring);
    for (unsigned id = 0; id < BUFFERS; id++)
        give_buffer(u, id);
    return 0;
}

/* --- life --- */

static void free_uring(struct uring *u)
{
    if (u->buffer_ring)
        munmap(u->buffer_ring, BUFFERS * sizeof(struct io_uring_buf));
    if (u->buffers)
        munmap(u->buffers, (size_t)BUFFERS * BUFFER_BYTES);
    free(u->owes);
    free(u);
}

/* Operations of callers may still be pending: their memory is theirs again after this. */
static void uring_destroy(void *state)
{
    struct uring *u = state;
    struct io_uring_sync_cancel_reg everything = {.flags = IORING_ASYNC_CANCEL_ANY |
                                                           IORING_ASYNC_CANCEL_ALL,
                                                  .timeout = {.tv_sec = 1}};
    io_uring_register_sync_cancel(&u->ring, &everything);
    io_uring_queue_exit(&u->ring);
    free_uring(u);
}

static int uring_create(void **state_out, const char **what_out)
{
    struct uring *u = calloc(1, sizeof(*u));
    CHECK(u != NULL);
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = COMPLETIONS,
    };
    *what_out = "io_uring_setup";
    int rc = io_uring_queue_init_params(SUBMISSIONS, &u->ring, &params);
    if (rc) {
        free_uring(u);
        return rc;
    }
    *what_out = "io_uring_register";
    rc = create_buffers(u);
    if (rc) {
        io_uring_queue_exit(&u->ring);
        free_uring(u);
        return rc;
    }
    patience_init(&u->patience);
    io_uring_register_ring_fd(&u->ring); /* saves a look-up per call; fine without */
    *state_out = u;
    return 0;
}

/* --- starting --- */

static struct io_uring_sqe *get_sqe(struct uring *u)
{
    for (int tries = 0; io_uring_sq_space_left(&u->ring) == 0; tries++) {
        int rc = io_uring_submit(&u->ring);
        CHECK(rc >= 0 ||
              (tries < 1000 && (rc == -EINTR || rc == -EAGAIN || rc == -EBUSY)));
    }
    return io_uring_get_sqe(&u->ring);
}

static void uring_start(void *state, struct loop_op *op)
{
    struct uring *u = state;
    struct loop_request *r = loop_request(op);
    struct io_uring_sqe *sqe = get_sqe(u);
    switch (r->kind) {
    case LOOP_ACCEPT:
        io_uring_prep_multishot_accept(sqe, r->fd, NULL, NULL,
                                       SOCK_NONBLOCK | SOCK_CLOEXEC);
        break;
    case LOOP_CONNECT:
        io_uring_prep_connect(sqe, r->fd, (const struct sockaddr *)(const void *)r->data,
                              (socklen_t)r->bytes);
        break;
    case LOOP_RECV:
        io_uring_prep_recv_multishot(sqe, r->fd, NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = BUFFER_GROUP;
        break;
    case LOOP_SEND: {
        size_t left = r->bytes - r->done_bytes;
        io_uring_prep_send(sqe, r->fd, r->data + r->done_bytes,
                           left < INT32_MAX ? left : INT32_MAX,
                           MSG_WAITALL | MSG_NOSIGNAL);
        u->sends++;
        set_owes(u, r->fd, true);
        break;
    }
    case LOOP_WRITE_SYNC: {
        size_t left = r->bytes - r->done_bytes;
        io_uring_prep_write(sqe, r->fd, r->data + r->done_bytes,
                            left < INT32_MAX ? (unsigned)left : INT32_MAX,
                            r->offset + r->done_bytes);
        sqe->rw_flags = RWF_DSYNC;
        break;
    }
    case LOOP_POLL:
        io_uring_prep_poll_add(sqe, r->fd, (unsigned)r->offset);
        break;
    default:
        CHECK(!"a request of a known kind");
    }
    io_uring_sqe_set_data64(sqe, (uintptr_t)op);
}

static void uring_cancel(void *state, struct loop_op *op)
{
    struct io_uring_sqe *sqe = get_sqe(state);
    io_uring_prep_cancel64(sqe, (uintptr_t)op, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, 0);
}

/* --- completing --- */

/* again: the kernel let go of an operation that is not over. */
static void again(struct uring *u, struct loop_op *op)
{
    if (loop_request(op)->cancelled)
        loop_finish(op, -ECANCELED);
    else
        uring_start(u, op);
}

static void complete_accept(struct uring *u, struct loop_op *op, int res, unsigned flags)
{
    if (res < 0 && !(flags & IORING_CQE_F_MORE) && !loop_is_transient(-res)) {
        loop_finish(op, res);
        return;
    }
    if (res >= 0)
        op->fn(op, res, NULL);
    if (!(flags & IORING_CQE_F_MORE))
        again(u, op);
}

static void complete_recv(struct uring *u, struct loop_op *op, int res, unsigned flags)
{
    set_owes(u, loop_request(op)->fd, false);
    if (res > 0) {
        unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
        patience_replied(&u->patience);
        op->fn(op, res, u->buffers + (size_t)id * BUFFER_BYTES);
        give_buffer(u, id);
    } else if (flags & IORING_CQE_F_BUFFER) {
        give_buffer(u, flags >> IORING_CQE_BUFFER_SHIFT);
    }
    if (flags & IORING_CQE_F_MORE)
        return;
    if (res > 0 || res == -ENOBUFS || res == -EINTR)
        again(u, op);
    else
        loop_finish(op, res);
}

/* MSG_WAITALL sends all of it, but for a signal or a cancellation on the way. */
static void complete_send(struct uring *u, struct loop_op *op, int res)
{
    struct loop_request *r = loop_request(op);
    if (res > 0)
        r->done_bytes += (size_t)res;
    if (r->done_bytes == r->bytes && res >= 0)
        loop_finish(op, (int64_t)r->bytes);
    else if (res > 0 || res == -EINTR || res == -EAGAIN)
        again(u, op);
    else
        loop_finish(op, res == 0 ? -EPIPE : res);
}

/* A part that was written is durable already: RWF_DSYNC holds for what was taken. */
static void complete_write_sync(struct uring *u, struct loop_op *op, int res)
{
    struct loop_request *r = loop_request(op);
    if (res > 0) {
        r->done_bytes += (size_t)res;
        failpoint(FAILPOINT_GROUP_WRITTEN);
    }
    if (r->done_bytes == r->bytes && res >= 0)
        loop_finish(op, (int64_t)r->bytes);
    else if (res > 0 || res == -EINTR)
        again(u, op);
    else
        loop_finish(op, res < 0 ? res : -EIO);
}

static void complete_one(struct uring *u, const struct io_uring_cqe *cqe)
{
    struct loop_op *op = (struct loop_op *)(uintptr_t)cqe->user_data;
    if (!op)
        return;
    switch (loop_request(op)->kind) {
    case LOOP_ACCEPT:
        complete_accept(u, op, cqe->res, cqe->flags);
        break;
    case LOOP_RECV:
        complete_recv(u, op, cqe->res, cqe->flags);
        break;
    case LOOP_SEND:
        complete_send(u, op, cqe->res);
        break;
    case LOOP_WRITE_SYNC:
        complete_write_sync(u, op, cqe->res);
        break;
    default:
        loop_finish(op, cqe->res);
    }
}

/* No more than what is there now: what callbacks cause is the next round's. */
static void uring_complete(void *state)
{
    struct uring *u = state;
    struct io_uring_cqe *ready[COMPLETE_BATCH];
    unsigned left = io_uring_cq_ready(&u->ring);
    while (left > 0) {
        unsigned count = io_uring_peek_batch_cqe(
            &u->ring, ready, left < COMPLETE_BATCH ? left : COMPLETE_BATCH);
        for (unsigned i = 0; i < count; i++)
            complete_one(u, ready[i]);
        io_uring_cq_advance(&u->ring, count);
        left -= count;
    }
}

static int64_t processor_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

static int wait_for(struct uring *u, unsigned wanted, int64_t wait_ns)
{
    struct __kernel_timespec timeout = {.tv_sec = wait_ns / NS_PER_S,
                                        .tv_nsec = wait_ns % NS_PER_S};
    struct io_uring_cqe *first;
    return wait_ns < 0 ? io_uring_submit_and_wait(&u->ring, wanted)
                       : io_uring_submit_and_wait_timeout(&u->ring, &first, wanted,
                                                          &timeout, NULL);
}

static int wait_for_batch(struct uring *u, int64_t wait_ns)
{
    unsigned batch = patience_batch(&u->patience, u->owing);
    unsigned sends = u->sends;
    int64_t most_ns = patience_wait_ns(&u->patience);
    bool is_short = sends + batch > 1 && (wait_ns < 0 || wait_ns > most_ns);
    int64_t began_ns = clock_steady_ns();
    if (patience_is_due(&u->patience))
        patience_look(&u->patience, began_ns, processor_ns());
    int rc = wait_for(u, sends + batch, is_short ? most_ns : wait_ns);
    bool in_time = clock_steady_ns() - began_ns < most_ns;
    unsigned ready = io_uring_cq_ready(&u->ring);
    patience_learn(&u->patience, batch, ready > sends ? ready - sends : 0, in_time);
    return rc;
}

static int uring_wait(void *state, int64_t wait_ns)
{
    struct uring *u = state;
    bool is_ready = wait_ns == 0 || io_uring_cq_ready(&u->ring) > 0;
    int rc =
        is_ready ? io_uring_submit_and_get_events(&u->ring) : wait_for_batch(u, wait_ns);
    u->sends = 0;
    if (rc >= 0 || rc == -ETIME || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY)
        return 0;
    return rc;
}

static void uring_forget(void *state, int fd)
{
    set_owes(state, fd, false);
}

const struct loop_backend loop_uring = {
    .kind = "uring",
    .create = uring_create,
    .destroy = uring_destroy,
    .start = uring_start,
    .cancel = uring_cancel,
    .wait = uring_wait,
    .complete = uring_complete,
    .forget = uring_forget,
};
