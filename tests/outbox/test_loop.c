#include "tests/outbox/loop_pair.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* --- echo: every byte of many connections comes back in order --- */

#define ECHO_BYTES (1 << 20)

struct echo {
    struct loop_op recv, send;
    int fd;
    struct buffer held; /* received, not yet sent back */
    struct buffer sending;
    bool busy;
    bool at_end;
};

struct client {
    struct loop_op connect, recv, send;
    int fd;
    size_t got;
    bool wrong;
};

static char *pattern;
static struct echo *echoes;
static int echo_count, clients_done, echoes_closed;

static void echo_flush(struct echo *echo)
{
    if (echo->busy)
        return;
    if (echo->held.bytes == 0) {
        if (echo->at_end) {
            buffer_fini(&echo->held);
            buffer_fini(&echo->sending);
            loop_close_fd(loop, echo->fd);
            echoes_closed++;
        }
        return;
    }
    struct buffer empty = echo->sending;
    echo->sending = echo->held;
    echo->held = empty;
    buffer_clear(&echo->held);
    echo->busy = true;
    loop_send(loop, &echo->send, echo->fd, echo->sending.data, echo->sending.bytes);
}

static void echo_sent(struct loop_op *op, int64_t res, const char *data)
{
    struct echo *echo = op->arg;
    cr_assert_null(data);
    cr_assert_eq(res, (int64_t)echo->sending.bytes);
    echo->busy = false;
    echo_flush(echo);
}

static void echo_received(struct loop_op *op, int64_t res, const char *data)
{
    struct echo *echo = op->arg;
    cr_assert_geq(res, 0);
    if (res > 0)
        buffer_add(&echo->held, data, (size_t)res);
    else
        echo->at_end = true;
    echo_flush(echo);
}

static void echo_accepted(struct loop_op *op, int64_t res, const char *data)
{
    (void)op;
    (void)data;
    if (res < 0)
        return;
    cr_assert(fcntl((int)res, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl((int)res, F_GETFD) & FD_CLOEXEC);
    struct echo *echo = &echoes[echo_count++];
    *echo = (struct echo){.fd = (int)res,
                          .recv = {.fn = echo_received, .arg = echo},
                          .send = {.fn = echo_sent, .arg = echo}};
    loop_recv(loop, &echo->recv, echo->fd);
}

static void client_received(struct loop_op *op, int64_t res, const char *data)
{
    struct client *client = op->arg;
    if (res <= 0) {
        cr_assert_eq(res, 0);
        loop_close_fd(loop, client->fd);
        clients_done++;
        return;
    }
    client->wrong |= memcmp(data, pattern + client->got, (size_t)res) != 0;
    client->got += (size_t)res;
}

static void client_sent(struct loop_op *op, int64_t res, const char *data)
{
    struct client *client = op->arg;
    (void)data;
    cr_assert_eq(res, ECHO_BYTES);
    shutdown(client->fd, SHUT_WR);
}

static void client_connected(struct loop_op *op, int64_t res, const char *data)
{
    struct client *client = op->arg;
    (void)data;
    cr_assert_eq(res, 0);
    loop_recv(loop, &client->recv, client->fd);
    loop_send(loop, &client->send, client->fd, pattern, ECHO_BYTES);
}

LOOP_TEST(loop, echoes_a_megabyte_over_many_connections)
{
    enum { CLIENTS = 40 };
    pattern = malloc(ECHO_BYTES);
    for (size_t i = 0; i < ECHO_BYTES; i++)
        pattern[i] = (char)(i * 31 + i / 251);
    echoes = calloc(CLIENTS, sizeof(*echoes));
    struct client *clients = calloc(CLIENTS, sizeof(*clients));
    struct sockaddr_in address;
    int listen_fd = listen_somewhere(&address);
    struct loop_op accept_op = {.fn = echo_accepted};
    loop_accept(loop, &accept_op, listen_fd);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                                  .connect = {.fn = client_connected, .arg = client},
                                  .recv = {.fn = client_received, .arg = client},
                                  .send = {.fn = client_sent, .arg = client}};
        loop_connect(loop, &client->connect, client->fd, (struct sockaddr *)&address,
                     sizeof(address));
    }
    run_until(&clients_done, CLIENTS);
    run_until(&echoes_closed, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        cr_assert(clients[i].got == ECHO_BYTES && !clients[i].wrong, "client %d got %zu",
                  i, clients[i].got);
    loop_cancel(loop, &accept_op);
    run_once(0);
    run_once(0);
    loop_close_fd(loop, listen_fd);
    free(clients);
    free(echoes);
    free(pattern);
}

/* --- one operation at a time --- */

LOOP_TEST(loop, recv_ends_with_zero_after_the_last_bytes)
{
    int fds[2];
    pair(fds);
    struct seen recv;
    seen_init(&recv);
    loop_recv(loop, &recv.op, fds[0]);
    cr_assert_eq(write(fds[1], "hello", 5), 5);
    close(fds[1]);
    run_until(&recv.calls, 2);
    cr_assert_eq(recv.last, 0);
    cr_assert(text_is(buffer_view(&recv.data), "hello"));
    run_once(0);
    cr_assert_eq(recv.calls, 2);
    loop_close_fd(loop, fds[0]);
    buffer_fini(&recv.data);
}

LOOP_TEST(loop, recv_can_start_again_after_it_was_cancelled)
{
    int fds[2];
    pair(fds);
    struct seen recv;
    seen_init(&recv);
    loop_recv(loop, &recv.op, fds[0]);
    run_once(0);
    loop_cancel(loop, &recv.op);
    run_until(&recv.calls, 1);
    cr_assert_eq(recv.last, -ECANCELED);
    cr_assert_eq(write(fds[1], "kept", 4), 4);
    run_once(0);
    cr_assert_eq(recv.calls, 1, "nothing is received without an operation");
    loop_recv(loop, &recv.op, fds[0]);
    run_until(&recv.calls, 2);
    cr_assert(text_is(buffer_view(&recv.data), "kept"));
    loop_cancel(loop, &recv.op);
    run_until(&recv.calls, 3);
    loop_close_fd(loop, fds[0]);
    close(fds[1]);
    buffer_fini(&recv.data);
}

LOOP_TEST(loop, recv_says_that_the_connection_was_reset)
{
    struct sockaddr_in address;
    int listen_fd = listen_somewhere(&address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    int peer = accept(listen_fd, NULL, NULL);
    struct seen recv;
    seen_init(&recv);
    loop_recv(loop, &recv.op, fd);
    run_once(0);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(peer);
    run_until(&recv.calls, 1);
    cr_assert_eq(recv.last, -ECONNRESET);
    struct seen send;
    seen_init(&send);
    loop_send(loop, &send.op, fd, "x", 1);
    run_until(&send.calls, 1);
    cr_assert_eq(send.last, -EPIPE);
    loop_close_fd(loop, fd);
    close(listen_fd);
}

LOOP_TEST(loop, connect_to_a_closed_port_is_refused)
{
    struct sockaddr_in address;
    close(listen_somewhere(&address));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct seen connect_op;
    seen_init(&connect_op);
    loop_connect(loop, &connect_op.op, fd, (struct sockaddr *)&address, sizeof(address));
    run_until(&connect_op.calls, 1);
    cr_assert_eq(connect_op.last, -ECONNREFUSED);
    loop_close_fd(loop, fd);
}

LOOP_TEST(loop, send_waits_for_room_and_sends_all)
{
    int fds[2];
    pair(fds);
    size_t bytes = 8 << 20;
    char *data = malloc(bytes), *got = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)(i * 7 + i / 4093);
    struct seen send;
    seen_init(&send);
    loop_send(loop, &send.op, fds[0], data, bytes);
    run_once(0);
    cr_assert_eq(send.calls, 0);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    for (size_t at = 0; at < bytes;) {
        ssize_t more = read(fds[1], got + at, bytes - at);
        at += more > 0 ? (size_t)more : 0;
        run_once(0);
    }
    run_until(&send.calls, 1);
    cr_assert_eq(send.last, (int64_t)bytes);
    cr_assert_eq(memcmp(data, got, bytes), 0);
    loop_close_fd(loop, fds[0]);
    close(fds[1]);
    free(data);
    free(got);
}

LOOP_TEST(loop, send_of_nothing_completes)
{
    int fds[2];
    pair(fds);
    struct seen send;
    seen_init(&send);
    loop_send(loop, &send.op, fds[0], "", 0);
    run_until(&send.calls, 1);
    cr_assert_eq(send.last, 0);
    loop_close_fd(loop, fds[0]);
    close(fds[1]);
}

LOOP_TEST(loop, poll_reports_the_level_once)
{
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    struct seen in, out;
    seen_init(&in);
    seen_init(&out);
    loop_poll(loop, &in.op, fds[0], POLLIN);
    loop_poll(loop, &out.op, fds[1], POLLOUT);
    run_until(&out.calls, 1);
    cr_assert_eq(out.last, POLLOUT);
    cr_assert_eq(in.calls, 0);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    run_until(&in.calls, 1);
    cr_assert_eq(in.last, POLLIN);
    loop_poll(loop, &in.op, fds[0], POLLIN); /* nobody read it */
    run_until(&in.calls, 2);
    char byte;
    cr_assert_eq(read(fds[0], &byte, 1), 1);
    loop_poll(loop, &in.op, fds[0], POLLIN);
    run_once(0);
    run_once(0);
    cr_assert_eq(in.calls, 2);
    close(fds[1]);
    run_until(&in.calls, 3);
    cr_assert(in.last & POLLHUP);
    loop_close_fd(loop, fds[0]);
}

LOOP_TEST(loop, poll_survives_a_descriptor_closed_by_its_owner)
{
    for (int i = 0; i < 3; i++) {
        int fds[2];
        pair(fds);
        struct seen in;
        seen_init(&in);
        loop_poll(loop, &in.op, fds[0], POLLIN);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        run_until(&in.calls, 1);
        close(fds[0]); /* as libcurl does; the number comes again */
        close(fds[1]);
    }
}

LOOP_TEST(loop, write_sync_writes_at_offsets)
{
    FILE *file = tmpfile();
    int fd = fileno(file);
    struct seen ops[3];
    static const char *const texts[] = {"first", "second", "third"};
    static const uint64_t offsets[] = {4096, 0, 100};
    for (int i = 0; i < 3; i++) {
        seen_init(&ops[i]);
        loop_write_sync(loop, &ops[i].op, fd, texts[i], strlen(texts[i]), offsets[i]);
        cr_assert_eq(ops[i].calls, 0, "never from inside the call");
    }
    for (int i = 0; i < 3; i++) {
        char got[16] = {0};
        run_until(&ops[i].calls, 1);
        cr_assert_eq(ops[i].last, (int64_t)strlen(texts[i]));
        cr_assert_eq(pread(fd, got, strlen(texts[i]), (off_t)offsets[i]), ops[i].last);
        cr_assert_str_eq(got, texts[i]);
    }
    fclose(file);
}

LOOP_TEST(loop, write_sync_says_why_it_failed)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct seen op;
    seen_init(&op);
    loop_write_sync(loop, &op.op, fd, "x", 1, 0);
    run_until(&op.calls, 1);
    cr_assert_eq(op.last, -ENOSPC);
    loop_close_fd(loop, fd);
}

/* --- cancelling --- */

LOOP_TEST(loop, every_kind_can_be_cancelled)
{
    struct sockaddr_in address;
    int listen_fd = listen_somewhere(&address);
    int fds[2];
    pair(fds);
    size_t bytes = 4 << 20;
    char *data = calloc(1, bytes);
    enum { ACCEPT, RECV, SEND, POLL, COUNT };
    for (int early = 0; early < 2; early++) {
        struct seen ops[COUNT];
        for (int i = 0; i < COUNT; i++)
            seen_init(&ops[i]);
        loop_accept(loop, &ops[ACCEPT].op, listen_fd);
        loop_recv(loop, &ops[RECV].op, fds[0]);
        loop_send(loop, &ops[SEND].op, fds[0], data, bytes);
        loop_poll(loop, &ops[POLL].op, fds[0], POLLIN);
        if (!early)
            run_once(0);
        for (int i = 0; i < COUNT; i++) {
            loop_cancel(loop, &ops[i].op);
            loop_cancel(loop, &ops[i].op); /* twice is once */
            cr_assert_eq(ops[i].calls, 0);
        }
        for (int i = 0; i < COUNT; i++) {
            run_until(&ops[i].calls, 1);
            cr_assert_eq(ops[i].last, -ECANCELED, "%d: %ld", i, (long)ops[i].last);
        }
        run_once(0);
        run_once(0);
        for (int i = 0; i < COUNT; i++)
            cr_assert_eq(ops[i].calls, 1);
    }
    loop_close_fd(loop, fds[0]);
    loop_close_fd(loop, listen_fd);
    close(fds[1]);
    free(data);
}

LOOP_TEST(loop, connect_can_be_cancelled)
{
    struct sockaddr_in address;
    int listen_fd = listen_somewhere(&address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct seen op;
    seen_init(&op);
    loop_connect(loop, &op.op, fd, (struct sockaddr *)&address, sizeof(address));
    loop_cancel(loop, &op.op);
    run_until(&op.calls, 1);
    cr_assert(op.last == 0 || op.last == -ECANCELED);
    loop_close_fd(loop, fd);
    close(listen_fd);
}

/* --- callbacks that do things to others --- */

struct meddler {
    struct loop_op op;
    struct seen *victim;
    int victim_fd;
};

static void meddle(struct loop_op *op, int64_t res, const char *data)
{
    struct meddler *meddler = op->arg;
    (void)data;
    if (res > 0) {
        loop_cancel(loop, &meddler->victim->op);
        loop_cancel(loop, op); /* itself, in its own call */
    }
}

LOOP_TEST(loop, a_callback_cancels_itself_and_another)
{
    int a[2], b[2];
    pair(a);
    pair(b);
    struct seen victim;
    seen_init(&victim);
    struct meddler meddler = {.op = {.fn = meddle, .arg = &meddler}, .victim = &victim};
    loop_recv(loop, &meddler.op, a[0]);
    loop_recv(loop, &victim.op, b[0]);
    cr_assert_eq(write(a[1], "x", 1), 1);
    while (victim.last != -ECANCELED)
        run_until(&victim.calls, victim.calls + 1);
    run_once(0);
    loop_close_fd(loop, a[0]); /* would complain about a pending operation under epoll */
    loop_close_fd(loop, b[0]);
    close(a[1]);
    close(b[1]);
}

static void free_fn(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    if (res > 0)
        return;
    (*(int *)op->arg)++;
    free(op);
}

LOOP_TEST(loop, a_callback_may_free_its_operation)
{
    enum { COUNT = 50 };
    int gone = 0, fds[COUNT][2];
    for (int i = 0; i < COUNT; i++) {
        pair(fds[i]);
        struct loop_op *op = calloc(1, sizeof(*op));
        op->fn = free_fn;
        op->arg = &gone;
        loop_recv(loop, op, fds[i][0]);
        if (i % 2)
            loop_cancel(loop, op);
        else
            shutdown(fds[i][1], SHUT_WR);
    }
    run_until(&gone, COUNT);
    for (int i = 0; i < COUNT; i++) {
        loop_close_fd(loop, fds[i][0]);
        close(fds[i][1]);
    }
}

/* --- posts and timers --- */

static void *post_all(void *arg)
{
    struct seen *ops = arg;
    for (int i = 0; i < 1000; i++)
        loop_post(loop, &ops[i].op);
    return NULL;
}

LOOP_TEST(loop, posts_from_another_thread_arrive)
{
    struct seen *ops = calloc(1000, sizeof(*ops));
    for (int i = 0; i < 1000; i++)
        seen_init(&ops[i]);
    pthread_t thread;
    pthread_create(&thread, NULL, post_all, ops);
    for (int i = 0; i < 1000; i++) {
        run_until(&ops[i].calls, 1);
        cr_assert_eq(ops[i].last, 0);
    }
    pthread_join(thread, NULL);
    free(ops);
}

struct ticker {
    struct loop_timer timer;
    int64_t ran_ns;
    int calls;
};

static int ticks;
static int64_t last_due_ns;

static void tick(struct loop_timer *timer)
{
    struct ticker *ticker = timer->arg;
    ticker->calls++;
    ticker->ran_ns = clock_steady_ns();
    cr_assert_geq(timer->due_ns, last_due_ns, "in the order they are due");
    last_due_ns = timer->due_ns;
    ticks++;
}

LOOP_TEST(loop, timers_run_once_in_order_and_not_early)
{
    enum { COUNT = 2000 };
    struct ticker *tickers = calloc(COUNT, sizeof(*tickers));
    int64_t start_ns = clock_steady_ns();
    uint64_t random = 1;
    int expected = 0;
    for (int i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        tickers[i].timer = (struct loop_timer){.fn = tick, .arg = &tickers[i]};
        loop_timer_arm(loop, &tickers[i].timer, start_ns + (int64_t)(random >> 40) * 2);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0)
            loop_timer_disarm(loop, &tickers[i].timer);
        else if (i % 3 == 1) /* moved */
            loop_timer_arm(loop, &tickers[i].timer, start_ns + (i * 7919ll % 50000000));
        expected += i % 3 != 0;
    }
    run_until(&ticks, expected);
    run_once(5 * NS_PER_MS);
    cr_assert_eq(ticks, expected);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(tickers[i].calls, i % 3 != 0);
        cr_assert(tickers[i].calls == 0 || tickers[i].ran_ns >= tickers[i].timer.due_ns);
        cr_assert_eq(tickers[i].timer.heap_index, 0);
    }
    free(tickers);
}

static void tick_again(struct loop_timer *timer)
{
    ticks++;
    loop_timer_arm(loop, timer, loop_now_ns(loop));
}

LOOP_TEST(loop, a_timer_armed_for_now_waits_for_the_next_round)
{
    struct loop_timer timer = {.fn = tick_again};
    loop_timer_arm(loop, &timer, 0);
    for (int i = 1; i <= 3; i++) {
        run_once(-1);
        cr_assert_eq(ticks, i);
    }
    loop_timer_disarm(loop, &timer);
    loop_timer_disarm(loop, &timer);
}

LOOP_TEST(loop, run_waits_as_long_as_told)
{
    int64_t start_ns = clock_steady_ns();
    run_once(0);
    cr_assert_lt(clock_steady_ns() - start_ns, 500 * NS_PER_MS);
    start_ns = clock_steady_ns();
    run_once(10 * NS_PER_MS);
    cr_assert_geq(clock_steady_ns() - start_ns, 9 * NS_PER_MS);
}

Test(loop, refuses_an_unknown_kind)
{
    struct error err = {0};
    setenv("VOLLEY_LOOP", "kqueue", 1);
    cr_assert_eq(loop_create(&loop, &err), -ERROR_USAGE);
    cr_assert_str_eq(err.text, "VOLLEY_LOOP=kqueue is no loop (use uring or epoll)");
}

/* As containers do by default: io_uring_setup(2) answers EPERM. */
Test(loop, uses_epoll_where_io_uring_is_refused)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    struct error err = {0};
    unsetenv("VOLLEY_LOOP");
    cr_assert_eq(loop_create(&loop, &err), 0, "%s", err.text);
    cr_assert_str_eq(loop_kind(loop), "epoll");
    loop_destroy(&loop);
    setenv("VOLLEY_LOOP", "uring", 1);
    cr_assert_eq(loop_create(&loop, &err), -ERROR_IO);
    cr_assert_str_eq(err.text, "the event loop (uring) cannot start: io_uring_setup: "
                               "Operation not permitted");
}
