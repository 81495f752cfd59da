/* loop: see loop.h. Timers are a binary heap; posts are a stack that any thread may push
 * to, with an eventfd that wakes the loop when the stack was empty before. */
#include "outbox/loop/loop_backend.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
    const struct loop_backend *backend;
    void *state;
    int64_t now_ns;
    bool running;
    struct loop_timer **heap; /* heap[1] is due first; heap[0] is not used */
    size_t timer_count;
    size_t timer_capacity;
    _Atomic(struct loop_op *) posted; /* the newest first */
    int wake_fd;
    struct loop_op wake;
};

/* --- back ends --- */

static int use_backend(struct loop *loop, const struct loop_backend *backend,
                       struct error *err)
{
    const char *what = "";
    int rc = backend->create(&loop->state, &what);
    if (rc == 0) {
        loop->backend = backend;
        return 0;
    }
    errno = -rc;
    (void)error_io(err, "the event loop (%s) cannot start: %s", backend->kind, what);
    return rc;
}

/* Container profiles, seccomp and sysctl answer EPERM, EACCES or ENOSYS; a kernel
 * before 6.1 does not know our flags and says EINVAL. */
static bool is_refusal(int rc)
{
    return rc == -EPERM || rc == -EACCES || rc == -ENOSYS || rc == -EINVAL;
}

/* Once per process: every I/O thread has a loop. */
static void say_why_not(const struct error *why)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    char quoted[ERROR_TEXT_BYTES];
    if (!atomic_flag_test_and_set(&said))
        log_warn("loop", "io_uring is refused, epoll is used instead", "why=%s",
                 log_quote(text_of(why->text), quoted, sizeof(quoted)));
}

static int choose_backend(struct loop *loop, struct error *err)
{
    const char *wanted = getenv("VOLLEY_LOOP");
    bool is_free = !wanted || !*wanted;
    if (!is_free && strcmp(wanted, "uring") != 0 && strcmp(wanted, "epoll") != 0)
        return error_set(err, ERROR_USAGE,
                         "VOLLEY_LOOP=%.40s is no loop (use uring or epoll)", wanted);
    if (!is_free && strcmp(wanted, "epoll") == 0)
        return use_backend(loop, &loop_epoll, err) ? -ERROR_IO : 0;
    struct error why = {0};
    int rc = use_backend(loop, &loop_uring, &why);
    if (rc && is_free && is_refusal(rc)) {
        say_why_not(&why);
        return use_backend(loop, &loop_epoll, err) ? -ERROR_IO : 0;
    }
    return rc ? error_set(err, ERROR_IO, "%s", why.text) : 0;
}

/* --- posts --- */

static void arm_wake(struct loop *loop)
{
    loop_poll(loop, &loop->wake, loop->wake_fd, POLLIN);
}

static void on_wake(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct loop *loop = op->arg;
    if (res < 0)
        return;
    uint64_t count;
    ssize_t got = read(loop->wake_fd, &count, sizeof(count));
    (void)got; /* non-blocking; an empty one is as good */
    arm_wake(loop);
    struct loop_op *newest_first =
        atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire);
    struct loop_op *posts = NULL;
    while (newest_first) {
        struct loop_op *next = newest_first->next;
        newest_first->next = posts;
        posts = newest_first;
        newest_first = next;
    }
    while (posts) {
        struct loop_op *next = posts->next;
        loop_finish(posts, 0);
        posts = next;
    }
}

void loop_post(struct loop *loop, struct loop_op *op)
{
    struct loop_request *request = loop_request(op);
    CHECK(!request->pending && op->fn);
    *request = (struct loop_request){.kind = LOOP_POST, .pending = true};
    struct loop_op *before = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        op->next = before;
    } while (!atomic_compare_exchange_weak_explicit(
        &loop->posted, &before, op, memory_order_release, memory_order_relaxed));
    if (before)
        return; /* whoever found the stack empty wakes the loop */
    uint64_t one = 1;
    ssize_t put = write(loop->wake_fd, &one, sizeof(one));
    (void)put; /* EAGAIN: 2^64 - 2 wake-ups wait already */
}

/* --- life --- */

int loop_create(struct loop **out, struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CHECK(loop != NULL);
    loop->now_ns = clock_steady_ns();
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = loop->wake_fd < 0 ? error_io(err, "the event loop cannot start: eventfd")
                               : choose_backend(loop, err);
    if (rc) {
        loop_destroy(&loop);
        return rc;
    }
    loop->wake = (struct loop_op){.fn = on_wake, .arg = loop};
    arm_wake(loop);
    *out = loop;
    return 0;
}

void loop_destroy(struct loop **loop)
{
    if (!*loop)
        return;
    CHECK(!(*loop)->running);
    if ((*loop)->backend)
        (*loop)->backend->destroy((*loop)->state);
    if ((*loop)->wake_fd >= 0)
        close((*loop)->wake_fd);
    free((*loop)->heap);
    free(*loop);
    *loop = NULL;
}

const char *loop_kind(const struct loop *loop)
{
    return loop->backend->kind;
}

int64_t loop_now_ns(const struct loop *loop)
{
    return loop->now_ns;
}

/* --- operations --- */

static void start(struct loop *loop, struct loop_op *op, struct loop_request request)
{
    CHECK(!loop_request(op)->pending && op->fn && request.fd >= 0);
    request.pending = true;
    *loop_request(op) = request;
    op->next = NULL;
    loop->backend->start(loop->state, op);
}

void loop_accept(struct loop *loop, struct loop_op *op, int listen_fd)
{
    start(loop, op, (struct loop_request){.kind = LOOP_ACCEPT, .fd = listen_fd});
}

void loop_connect(struct loop *loop, struct loop_op *op, int fd,
                  const struct sockaddr *address, socklen_t address_bytes)
{
    start(loop, op,
          (struct loop_request){.kind = LOOP_CONNECT,
                                .fd = fd,
                                .data = (const char *)address,
                                .bytes = address_bytes});
}

void loop_recv(struct loop *loop, struct loop_op *op, int fd)
{
    start(loop, op, (struct loop_request){.kind = LOOP_RECV, .fd = fd});
}

void loop_send(struct loop *loop, struct loop_op *op, int fd, const void *data,
               size_t bytes)
{
    start(
        loop, op,
        (struct loop_request){.kind = LOOP_SEND, .fd = fd, .data = data, .bytes = bytes});
}

void loop_poll(struct loop *loop, struct loop_op *op, int fd, unsigned events)
{
    start(loop, op, (struct loop_request){.kind = LOOP_POLL, .fd = fd, .offset = events});
}

void loop_write_sync(struct loop *loop, struct loop_op *op, int fd, const void *data,
                     size_t bytes, uint64_t offset)
{
    start(loop, op,
          (struct loop_request){.kind = LOOP_WRITE_SYNC,
                                .fd = fd,
                                .data = data,
                                .bytes = bytes,
                                .offset = offset});
}

void loop_cancel(struct loop *loop, struct loop_op *op)
{
    struct loop_request *request = loop_request(op);
    if (!request->pending || request->cancelled || request->kind == LOOP_POST)
        return;
    request->cancelled = true;
    loop->backend->cancel(loop->state, op);
}

void loop_close_fd(struct loop *loop, int fd)
{
    loop->backend->forget(loop->state, fd);
    close(fd);
}

bool loop_is_transient(int accept_errno)
{
    switch (accept_errno) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO: /* and what accept(2) passes on from the network of the new connection */
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

/* --- timers --- */

static void place(struct loop *loop, struct loop_timer *timer, size_t index)
{
    loop->heap[index] = timer;
    timer->heap_index = index;
}

static void sift_up(struct loop *loop, struct loop_timer *timer, size_t index)
{
    while (index > 1 && loop->heap[index / 2]->due_ns > timer->due_ns) {
        place(loop, loop->heap[index / 2], index);
        index /= 2;
    }
    place(loop, timer, index);
}

static void sift_down(struct loop *loop, struct loop_timer *timer, size_t index)
{
    for (;;) {
        size_t child = index * 2;
        if (child > loop->timer_count)
            break;
        if (child < loop->timer_count &&
            loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
            child++;
        if (loop->heap[child]->due_ns >= timer->due_ns)
            break;
        place(loop, loop->heap[child], index);
        index = child;
    }
    place(loop, timer, index);
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, int64_t due_ns)
{
    loop_timer_disarm(loop, timer);
    timer->due_ns = due_ns;
    if (loop->timer_count + 2 > loop->timer_capacity) {
        loop->timer_capacity = loop->timer_capacity ? loop->timer_capacity * 2 : 64;
        loop->heap =
            realloc(loop->heap, loop->timer_capacity * sizeof(struct loop_timer *));
        CHECK(loop->heap != NULL);
    }
    sift_up(loop, timer, ++loop->timer_count);
}

void loop_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->heap_index;
    if (index == 0)
        return;
    CHECK(index <= loop->timer_count && loop->heap[index] == timer);
    timer->heap_index = 0;
    struct loop_timer *last = loop->heap[loop->timer_count--];
    if (last == timer)
        return;
    if (index > 1 && loop->heap[index / 2]->due_ns > last->due_ns)
        sift_up(loop, last, index);
    else
        sift_down(loop, last, index);
}

/* A timer that its own fn arms for now runs in the next round, so that it cannot lock out
 * I/O. */
static void run_timers(struct loop *loop)
{
    size_t limit = loop->timer_count;
    while (limit-- > 0 && loop->timer_count > 0 &&
           loop->heap[1]->due_ns <= loop->now_ns) {
        struct loop_timer *timer = loop->heap[1];
        loop_timer_disarm(loop, timer);
        timer->fn(timer);
    }
}

/* --- the round --- */

static int64_t wait_until_timer(const struct loop *loop, int64_t wait_ns)
{
    if (loop->timer_count == 0 || wait_ns == 0)
        return wait_ns;
    int64_t left_ns = loop->heap[1]->due_ns - clock_steady_ns();
    if (left_ns < 0)
        left_ns = 0;
    return wait_ns < 0 || left_ns < wait_ns ? left_ns : wait_ns;
}

int loop_run(struct loop *loop, int64_t wait_ns, struct error *err)
{
    CHECK(!loop->running);
    loop->running = true;
    int rc = loop->backend->wait(loop->state, wait_until_timer(loop, wait_ns));
    if (rc == 0) {
        loop->now_ns = clock_steady_ns();
        loop->backend->complete(loop->state);
        run_timers(loop);
    }
    loop->running = false;
    if (rc == 0)
        return 0;
    errno = -rc;
    return error_io(err, "the event loop (%s) cannot go on", loop->backend->kind);
}
