/* More of everything than the loop has room for: receive buffers, completions,
 * submissions. */
#include "tests/outbox/loop_pair.h"

#include <sys/eventfd.h>

static int ended;

static void count_until_end(struct loop_op *op, int64_t res, const char *data)
{
    int64_t *bytes = op->arg;
    if (res > 0) {
        for (int64_t i = 0; i < res; i += 509)
            cr_assert_eq(data[i], 'v');
        *bytes += res;
        return;
    }
    cr_assert_eq(res, 0);
    ended++;
}

/* 600 × 24 KiB wait at once: far more than the provided buffers hold. */
LOOP_TEST(loop_load, more_data_waits_than_there_are_receive_buffers)
{
    enum { PAIRS = 600, BYTES = 24 << 10 };
    static int fds[PAIRS][2];
    static struct loop_op ops[PAIRS];
    static int64_t bytes[PAIRS];
    static char data[BYTES];
    memset(data, 'v', sizeof(data));
    ended = 0;
    for (int i = 0; i < PAIRS; i++) {
        pair(fds[i]);
        ops[i] = (struct loop_op){.fn = count_until_end, .arg = &bytes[i]};
        bytes[i] = 0;
        loop_recv(loop, &ops[i], fds[i][0]);
        cr_assert_eq(write(fds[i][1], data, BYTES), BYTES);
        close(fds[i][1]);
    }
    run_until(&ended, PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        cr_assert_eq(bytes[i], BYTES);
        loop_close_fd(loop, fds[i][0]);
    }
}

static int polled;

static void count_poll(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    cr_assert_eq(res, POLLIN);
    (*(int *)op->arg)++;
    polled++;
}

/* Every one of them is ready at once: more submissions and completions than the rings
 * hold. */
LOOP_TEST(loop_load, more_completions_than_the_ring_holds)
{
    enum { POLLS = 40000 };
    int fd = eventfd(1, EFD_CLOEXEC);
    struct loop_op *ops = calloc(POLLS, sizeof(*ops));
    int *calls = calloc(POLLS, sizeof(*calls));
    polled = 0;
    for (int i = 0; i < POLLS; i++) {
        ops[i] = (struct loop_op){.fn = count_poll, .arg = &calls[i]};
        loop_poll(loop, &ops[i], fd, POLLIN);
    }
    run_until(&polled, POLLS);
    for (int i = 0; i < POLLS; i++)
        cr_assert_eq(calls[i], 1);
    loop_close_fd(loop, fd);
    free(calls);
    free(ops);
}

/* --- thousands of connections, each one message forth and back --- */

enum { CLIENTS = 3000 };

struct end {
    struct loop_op connect, recv, send;
    int fd;
    char byte;
};

static struct end *servers, *clients;
static int accepted, answered, server_ends;

static void ignore(struct loop_op *op, int64_t res, const char *data)
{
    (void)op;
    (void)data;
    cr_assert_eq(res, 1);
}

static void server_reads(struct loop_op *op, int64_t res, const char *data)
{
    struct end *end = op->arg;
    if (res <= 0) {
        loop_close_fd(loop, end->fd);
        server_ends++;
        return;
    }
    end->byte = (char)(data[0] + 1);
    loop_send(loop, &end->send, end->fd, &end->byte, 1);
}

static void server_accepts(struct loop_op *op, int64_t res, const char *data)
{
    (void)op;
    (void)data;
    if (res == -ECANCELED)
        return;
    cr_assert_geq(res, 0, "%s", strerror((int)-res));
    struct end *end = &servers[accepted++];
    *end = (struct end){
        .fd = (int)res, .recv = {.fn = server_reads, .arg = end}, .send = {.fn = ignore}};
    loop_recv(loop, &end->recv, end->fd);
}

static void client_reads(struct loop_op *op, int64_t res, const char *data)
{
    struct end *end = op->arg;
    if (res > 0) {
        cr_assert_eq(data[0], (char)(end->byte + 1));
        answered++;
        loop_cancel(loop, op);
    } else {
        cr_assert_eq(res, -ECANCELED);
        loop_close_fd(loop, end->fd);
    }
}

static void client_connects(struct loop_op *op, int64_t res, const char *data)
{
    struct end *end = op->arg;
    (void)data;
    cr_assert_eq(res, 0);
    loop_recv(loop, &end->recv, end->fd);
    loop_send(loop, &end->send, end->fd, &end->byte, 1);
}

LOOP_TEST(loop_load, thousands_of_connections)
{
    struct sockaddr_in address;
    int listen_fd = listen_somewhere(&address);
    struct loop_op accept_op = {.fn = server_accepts};
    servers = calloc(CLIENTS, sizeof(*servers));
    clients = calloc(CLIENTS, sizeof(*clients));
    accepted = answered = server_ends = 0;
    loop_accept(loop, &accept_op, listen_fd);
    for (int i = 0; i < CLIENTS; i++) {
        struct end *end = &clients[i];
        *end = (struct end){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                            .byte = (char)(i % 100),
                            .connect = {.fn = client_connects, .arg = end},
                            .recv = {.fn = client_reads, .arg = end},
                            .send = {.fn = ignore}};
        loop_connect(loop, &end->connect, end->fd, (struct sockaddr *)&address,
                     sizeof(address));
    }
    run_until(&answered, CLIENTS);
    run_until(&server_ends, CLIENTS);
    cr_assert_eq(accepted, CLIENTS);
    loop_cancel(loop, &accept_op);
    run_once(0);
    run_once(0);
    loop_close_fd(loop, listen_fd);
    free(servers);
    free(clients);
}

/* Destroying a loop gives every buffer back, whatever was going on. */
LOOP_TEST(loop_load, destroy_with_operations_pending)
{
    int fds[2];
    pair(fds);
    size_t bytes = 4 << 20;
    char *data = calloc(1, bytes);
    struct seen recv, send, poll_op;
    seen_init(&recv);
    seen_init(&send);
    seen_init(&poll_op);
    loop_recv(loop, &recv.op, fds[0]);
    loop_send(loop, &send.op, fds[0], data, bytes);
    loop_poll(loop, &poll_op.op, fds[1], POLLHUP);
    run_once(0);
    loop_destroy(&loop);
    free(data);
    close(fds[0]);
    close(fds[1]);
    cr_assert_eq(recv.calls + send.calls + poll_op.calls, 0);
}
