/* Single operations, their ends, and what callbacks may do; the loop's kinds. */
#include "tests/outbox/loop_pair.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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
    int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    struct seen op;
    seen_init(&op);
    loop_write_sync(loop, &op.op, fd, "x", 1, 0);
    run_until(&op.calls, 1);
    cr_assert_eq(op.last, -EPERM);
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

/* --- kinds --- */

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
