/* loop_epoll: the loop where io_uring is refused, with the same meaning.
 *
 * A descriptor is registered once, edge-triggered for both directions, and what epoll
 * said about it is remembered until a call says EAGAIN, so a busy connection costs no
 * epoll_ctl(2). send, connect and write_sync are tried at once; what completes there is
 * queued and its fn called from the round, never from inside the call that started it.
 * poll re-arms the registration instead (EPOLL_CTL_MOD reports the level anew), because
 * its descriptors are read and sometimes even closed by others. */
#include "outbox/loop/watch.h"

#include "base/clock.h"
#include "base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS       512
#define BUFFER_BYTES 65536
#define READS_MAX    8 /* in a row from one descriptor, before others have their turn */

#define EVENTS_IN  (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define EVENTS_OUT (EPOLLOUT | EPOLLHUP | EPOLLERR)

struct epoll {
    struct watches watches;
    struct op_list done; /* completed, fn not yet called */
    int *turns;          /* descriptors that may still be read */
    size_t turn_count;
    size_t turn_capacity;
    int event_count;
    bool coarse; /* no epoll_pwait2(2) here */
    struct epoll_event events[EVENTS];
    char buffer[BUFFER_BYTES];
};

static void finish_later(struct epoll *e, struct loop_op *op, int64_t res)
{
    loop_request(op)->kind = LOOP_NONE;
    loop_request(op)->result = res;
    op_list_push(&e->done, op);
}

/* --- descriptors --- */

/* accept and connect look at the flag of the descriptor, not at one of the call. */
static void make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void take_turn(struct epoll *e, int fd)
{
    if (watch_of(&e->watches, fd)->waits_turn)
        return;
    if (e->turn_count == e->turn_capacity) {
        e->turn_capacity = e->turn_capacity ? e->turn_capacity * 2 : 64;
        e->turns = realloc(e->turns, e->turn_capacity * sizeof(int));
        CHECK(e->turns != NULL);
    }
    e->turns[e->turn_count++] = fd;
    watch_of(&e->watches, fd)->waits_turn = true;
}

/* --- writing --- */

/* Each try returns true when the operation is over and its result stored. */
static bool try_send(struct watch *w, struct loop_request *r)
{
    do {
        ssize_t put = send(r->fd, r->data + r->done_bytes, r->bytes - r->done_bytes,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) {
            w->writable = false;
            return false;
        }
        if (put < 0 && errno != EINTR) {
            r->result = -errno;
            return true;
        }
        r->done_bytes += put > 0 ? (size_t)put : 0;
    } while (r->done_bytes < r->bytes);
    r->result = (int64_t)r->bytes;
    return true;
}

static bool try_connect(struct watch *w, struct loop_request *r)
{
    if (!r->connecting) {
        const void *address = r->data;
        int rc = connect(r->fd, address, (socklen_t)r->bytes);
        r->connecting = true;
        r->result = rc ? -errno : 0;
        w->writable = rc == 0;
        return rc == 0 || (errno != EINPROGRESS && errno != EINTR);
    }
    int why = 0;
    socklen_t why_bytes = sizeof(why);
    r->result = getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &why, &why_bytes) ? -errno : -why;
    return true;
}

static void run_writers(struct epoll *e, struct watch *w)
{
    while (w->writers.first && w->writable) {
        struct loop_op *op = w->writers.first;
        struct loop_request *r = loop_request(op);
        if (!(r->kind == LOOP_SEND ? try_send(w, r) : try_connect(w, r)))
            return;
        op_list_remove(&w->writers, op);
        finish_later(e, op, r->result);
    }
}

static int64_t write_sync(const struct loop_request *r)
{
    size_t done = 0;
    while (done < r->bytes) {
        struct iovec rest = {(char *)r->data + done, r->bytes - done};
        ssize_t put = pwritev2(r->fd, &rest, 1, (off_t)(r->offset + done), RWF_DSYNC);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        done += (size_t)put;
    }
    failpoint(FAILPOINT_GROUP_WRITTEN);
    return (int64_t)done;
}

/* --- reading --- */

static bool still_reads(struct epoll *e, int fd, uint32_t generation,
                        const struct loop_op *op)
{
    const struct watch *w = watch_of(&e->watches, fd);
    return w->generation == generation && w->reader == op;
}

/* One accept or recv and its fn. Returns false when there is nothing more for now. */
static bool read_once(struct epoll *e, int fd, struct loop_op *op)
{
    struct watch *w = watch_of(&e->watches, fd);
    bool accepts = loop_request(op)->kind == LOOP_ACCEPT;
    ssize_t got = accepts ? accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
                          : recv(fd, e->buffer, BUFFER_BYTES, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        w->readable = false;
        return false;
    }
    if (got < 0 && (errno == EINTR || (accepts && loop_is_transient(errno))))
        return true;
    if (got < 0 || (got == 0 && !accepts)) {
        w->reader = NULL;
        loop_finish(op, got < 0 ? -errno : 0);
        return false;
    }
    if (!accepts && got < BUFFER_BYTES && !w->peer_done)
        w->readable = false; /* drained: what comes later is a new edge */
    if (accepts)
        watch_is_new(&e->watches, (int)got);
    op->fn(op, got, accepts ? NULL : e->buffer);
    return true;
}

static void run_reader(struct epoll *e, int fd)
{
    struct watch *w = watch_of(&e->watches, fd);
    uint32_t generation = w->generation;
    struct loop_op *op = w->reader;
    for (int reads = 0; op && reads < READS_MAX; reads++) {
        if (!read_once(e, fd, op) || !still_reads(e, fd, generation, op) ||
            !watch_of(&e->watches, fd)->readable)
            return;
    }
    if (op)
        take_turn(e, fd);
}

/* --- polling --- */

static void run_polls(struct epoll *e, struct watch *w, uint32_t events)
{
    struct op_list waiting = w->polls;
    w->polls = (struct op_list){0};
    while (waiting.first) {
        struct loop_op *op = waiting.first;
        waiting.first = op->next;
        /* poll(2) and epoll share the values of these bits */
        uint32_t wanted = (uint32_t)loop_request(op)->offset | EPOLLHUP | EPOLLERR;
        if (events & wanted)
            finish_later(e, op, events & wanted);
        else
            op_list_push(&w->polls, op);
    }
}

static void start_poll(struct epoll *e, struct loop_op *op)
{
    struct loop_request *r = loop_request(op);
    int rc = watch_register(&e->watches, r->fd, true);
    if (rc == 0)
        op_list_push(&watch_of(&e->watches, r->fd)->polls, op);
    else if (rc == -EPERM) /* a file or a folder: always ready, as poll(2) says */
        finish_later(e, op, (int64_t)r->offset);
    else
        finish_later(e, op, rc);
}

/* --- the back end --- */

static int epoll_open(void **state_out, const char **what_out)
{
    *what_out = "epoll_create1";
    struct epoll *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    int rc = watches_init(&e->watches);
    if (rc) {
        free(e);
        return rc;
    }
    *state_out = e;
    return 0;
}

static void epoll_destroy(void *state)
{
    struct epoll *e = state;
    watches_fini(&e->watches);
    free(e->turns);
    free(e);
}

static void start_reader(struct epoll *e, struct loop_op *op)
{
    int fd = loop_request(op)->fd;
    if (loop_request(op)->kind == LOOP_ACCEPT)
        make_nonblocking(fd);
    int rc = watch_register(&e->watches, fd, false);
    if (rc) {
        finish_later(e, op, rc);
        return;
    }
    struct watch *w = watch_of(&e->watches, fd);
    CHECK(!w->reader);
    w->reader = op;
    if (w->readable)
        take_turn(e, fd);
}

static void start_writer(struct epoll *e, struct loop_op *op)
{
    struct loop_request *r = loop_request(op);
    bool connects = r->kind == LOOP_CONNECT;
    if (connects) {
        watch_is_new(&e->watches, r->fd);
        make_nonblocking(r->fd);
        /* registered before the call, epoll would report a hang-up that means nothing */
        if (try_connect(watch_of(&e->watches, r->fd), r)) {
            finish_later(e, op, r->result);
            return;
        }
    }
    int rc = watch_register(&e->watches, r->fd, false);
    if (rc) {
        finish_later(e, op, rc);
        return;
    }
    struct watch *w = watch_of(&e->watches, r->fd);
    if (connects)
        w->writable = false;
    op_list_push(&w->writers, op);
    run_writers(e, w);
}

static void epoll_start(void *state, struct loop_op *op)
{
    switch (loop_request(op)->kind) {
    case LOOP_ACCEPT:
    case LOOP_RECV:
        start_reader(state, op);
        break;
    case LOOP_CONNECT:
    case LOOP_SEND:
        start_writer(state, op);
        break;
    case LOOP_POLL:
        start_poll(state, op);
        break;
    case LOOP_WRITE_SYNC:
        finish_later(state, op, write_sync(loop_request(op)));
        break;
    default:
        CHECK(!"a request of a known kind");
    }
}

static void epoll_cancel(void *state, struct loop_op *op)
{
    struct epoll *e = state;
    const struct loop_request *r = loop_request(op);
    if (r->kind == LOOP_NONE)
        return; /* its result is on the way */
    struct watch *w = watch_of(&e->watches, r->fd);
    if (w->reader == op)
        w->reader = NULL;
    else
        op_list_remove(r->kind == LOOP_POLL ? &w->polls : &w->writers, op);
    finish_later(e, op, -ECANCELED);
}

/* epoll_pwait2(2) is Linux 5.11; where it is refused, milliseconds must do, rounded up.
 */
static int wait_events(struct epoll *e, int64_t wait_ns)
{
    struct timespec timeout = {.tv_sec = wait_ns / NS_PER_S,
                               .tv_nsec = wait_ns % NS_PER_S};
    if (wait_ns > 0 && !e->coarse) {
        int count = epoll_pwait2(e->watches.epoll_fd, e->events, EVENTS, &timeout, NULL);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
        e->coarse = true;
    }
    int64_t wait_ms = wait_ns < 0 ? -1 : (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    return epoll_wait(e->watches.epoll_fd, e->events, EVENTS,
                      wait_ms < INT32_MAX ? (int)wait_ms : INT32_MAX);
}

static int epoll_wait_ready(void *state, int64_t wait_ns)
{
    struct epoll *e = state;
    e->event_count = wait_events(e, e->done.first || e->turn_count > 0 ? 0 : wait_ns);
    if (e->event_count >= 0)
        return 0;
    e->event_count = 0;
    return errno == EINTR ? 0 : -errno;
}

static void handle_event(struct epoll *e, uint64_t key, uint32_t events)
{
    int fd = (int)(uint32_t)key;
    struct watch *w = watch_of(&e->watches, fd);
    if (w->generation != (uint32_t)(key >> 32))
        return;
    if (events & EVENTS_IN)
        w->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        w->peer_done = true;
    if (events & EVENTS_OUT)
        w->writable = true;
    run_polls(e, w, events);
    run_writers(e, w);
    if (w->readable)
        run_reader(e, fd);
}

static void epoll_complete(void *state)
{
    struct epoll *e = state;
    size_t turns = e->turn_count;
    for (size_t i = 0; i < turns; i++) {
        int fd = e->turns[i];
        watch_of(&e->watches, fd)->waits_turn = false;
        if (watch_of(&e->watches, fd)->readable)
            run_reader(e, fd);
    }
    e->turn_count -= turns;
    for (size_t i = 0; i < e->turn_count; i++)
        e->turns[i] = e->turns[turns + i];
    for (int i = 0; i < e->event_count; i++)
        handle_event(e, e->events[i].data.u64, e->events[i].events);
    /* What these start and finish at once is the next round's. */
    struct op_list done = e->done;
    e->done = (struct op_list){0};
    while (done.first) {
        struct loop_op *op = done.first;
        done.first = op->next;
        loop_finish(op, loop_request(op)->result);
    }
}

static void epoll_forget(void *state, int fd)
{
    struct epoll *e = state;
    watch_forget(&e->watches, fd);
}

const struct loop_backend loop_epoll = {
    .kind = "epoll",
    .create = epoll_open,
    .destroy = epoll_destroy,
    .start = epoll_start,
    .cancel = epoll_cancel,
    .wait = epoll_wait_ready,
    .complete = epoll_complete,
    .forget = epoll_forget,
};
