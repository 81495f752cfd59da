/* loop_pair: what the loop's tests share: one test body over both back ends, and an
 * operation that remembers what happened to it. */
#ifndef TESTS_OUTBOX_LOOP_PAIR_H
#define TESTS_OUTBOX_LOOP_PAIR_H

#include "base/buffer.h"
#include "base/clock.h"
#include "outbox/loop/loop.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;

static void loop_pair_run(const char *kind, void (*body)(void))
{
    struct error err = {0};
    setenv("VOLLEY_LOOP", kind, 1);
    int rc = loop_create(&loop, &err);
    if (rc && strcmp(kind, "uring") == 0)
        cr_skip_test("%s", err.text);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert_str_eq(loop_kind(loop), kind);
    body();
    loop_destroy(&loop);
    cr_assert_null(loop);
}

/* LOOP_TEST(suite, name) { … }: runs as suite_uring/name and suite_epoll/name. */
#define LOOP_TEST(suite, name)                                                           \
    static void suite##_##name(void);                                                    \
    Test(suite##_uring, name)                                                            \
    {                                                                                    \
        loop_pair_run("uring", suite##_##name);                                          \
    }                                                                                    \
    Test(suite##_epoll, name)                                                            \
    {                                                                                    \
        loop_pair_run("epoll", suite##_##name);                                          \
    }                                                                                    \
    static void suite##_##name(void)

struct seen {
    struct loop_op op;
    int calls;
    int64_t last;
    int64_t bytes;
    struct buffer data;
};

static void seen_fn(struct loop_op *op, int64_t res, const char *data)
{
    struct seen *seen = op->arg;
    seen->calls++;
    seen->last = res;
    if (res > 0)
        seen->bytes += res;
    if (data)
        buffer_add(&seen->data, data, (size_t)res);
}

static inline void seen_init(struct seen *seen)
{
    *seen = (struct seen){.op = {.fn = seen_fn, .arg = seen}, .last = INT64_MIN};
}

static inline void run_once(int64_t wait_ns)
{
    struct error err = {0};
    cr_assert_eq(loop_run(loop, wait_ns, &err), 0, "%s", err.text);
}

/* run_until: rounds until *value reaches wanted; fails after five seconds. */
static inline void run_until(const int *value, int wanted)
{
    int64_t end_ns = clock_steady_ns() + 5 * NS_PER_S;
    while (*value < wanted) {
        cr_assert(clock_steady_ns() < end_ns, "waited for %d, is %d", wanted, *value);
        run_once(20 * NS_PER_MS);
    }
}

static inline int listen_somewhere(struct sockaddr_in *address_out)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address_out = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(*address_out);
    cr_assert_eq(bind(fd, (struct sockaddr *)address_out, bytes), 0);
    cr_assert_eq(listen(fd, 4096), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)address_out, &bytes), 0);
    return fd;
}

static inline void pair(int fds[2])
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

#endif
