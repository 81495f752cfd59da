/* Every byte of many connections comes back in order. */
#include "tests/outbox/loop_pair.h"

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
