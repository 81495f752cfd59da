/* stream: see stream.h. */
#include "outbox/wire/stream.h"
#include "outbox/wire/remote.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* The last statement of every function that the loop calls: afterwards the stream may be gone. */
static void settle(struct stream *s)
{
    if (!s->closing || s->connecting || s->receiving || s->sending)
        return;
    if (s->fd >= 0)
        loop_close_fd(s->loop, s->fd);
    s->fd = -1;
    s->events->closed(s->arg);
}

static void fail(struct stream *s, enum stream_failure failure, const char *why)
{
    if (s->closing)
        return;
    s->events->failed(s->arg, failure, why);
    CHECK(s->closing);
}

static void swap(struct buffer *a, struct buffer *b)
{
    struct buffer kept = *a;
    *a = *b;
    *b = kept;
}

/* --- sending --- */

static void fly(struct stream *s, struct buffer *from)
{
    swap(&s->flying, from);
    buffer_clear(from);
    s->sending = true;
    loop_send(s->loop, &s->send_op, s->fd, s->flying.data, s->flying.bytes);
}

static void fly_cipher(struct stream *s)
{
    if (!s->sending && !s->closing && s->cipher.bytes > 0)
        fly(s, &s->cipher);
}

bool stream_flush(struct stream *s)
{
    if (s->sending || s->closing)
        return false;
    bool some = s->out.bytes > 0 && (!s->tls || s->secured);
    if (some && s->tls) {
        tls_seal(s->tls, buffer_view(&s->out), &s->cipher);
        buffer_clear(&s->out);
    } else if (some) {
        fly(s, &s->out);
    }
    fly_cipher(s);
    return some;
}

static void on_send(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct stream *s = op->arg;
    s->sending = false;
    if (res < 0 && !s->receiving)
        fail(s, STREAM_LOST, strerror((int)-res));
    else if (res < 0)
        s->unsent = true; /* the end of what it has said to us comes yet, and tells so */
    else if (!s->closing)
        s->events->sent(s->arg);
    settle(s);
}

/* --- receiving --- */

static void take_cipher(struct stream *s, struct text cipher)
{
    buffer_clear(&s->plain);
    enum tls_state state = tls_feed(s->tls, cipher, &s->plain, &s->cipher);
    if (!s->secured && (state == TLS_OPEN || state == TLS_CLOSED)) {
        s->secured = true;
        s->events->secured(s->arg);
    }
    if (s->plain.bytes > 0 && s->secured && !s->closing)
        s->events->received(s->arg, s->plain.data, s->plain.bytes);
    if (state == TLS_FAILED)
        fail(s, STREAM_UNSAFE, tls_why(s->tls));
    else if (state == TLS_CLOSED)
        fail(s, STREAM_ENDED, "it closed the connection");
    else
        fly_cipher(s);
}

/* The kernel tells of a reset once: when sending has heard of it, receiving sees an end. */
static bool was_reset(const struct stream *s)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);
    return (s->sending || s->unsent) &&
           getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 &&
           info.tcpi_state == TCP_CLOSE;
}

static void on_recv(struct loop_op *op, int64_t res, const char *data)
{
    struct stream *s = op->arg;
    if (res == 0 && was_reset(s))
        res = -ECONNRESET;
    if (res <= 0) {
        s->receiving = false;
        bool halfway = s->tls && !s->secured;
        /* without close_notify somebody else may have cut it (RFC 8446, 6.1) */
        enum stream_failure failure = halfway             ? STREAM_UNSAFE
                                      : res < 0 || s->tls ? STREAM_LOST
                                                          : STREAM_ENDED;
        fail(s, failure,
             halfway   ? "it broke off while TLS was being agreed upon"
             : res < 0 ? strerror((int)-res)
                       : "it closed the connection");
    } else if (s->closing) {
        /* what was still on its way */
    } else if (s->tls) {
        take_cipher(s, (struct text){data, (size_t)res});
    } else {
        s->events->received(s->arg, data, (size_t)res);
    }
    settle(s);
}

void stream_secure(struct stream *s, struct tls_context *context)
{
    CHECK(!s->tls && s->out.bytes == 0);
    s->tls = tls_create(context);
    take_cipher(s, TEXT_NONE);
}

/* --- life --- */

static void on_connect(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct stream *s = op->arg;
    s->connecting = false;
    if (s->socket_errno != 0)
        res = -s->socket_errno;
    if (res < 0) {
        fail(s, STREAM_UNREACHED, strerror((int)-res));
    } else if (!s->closing) {
        s->receiving = true;
        loop_recv(s->loop, &s->recv_op, s->fd);
        s->events->connected(s->arg);
    }
    settle(s);
}

void stream_open(struct stream *s, struct loop *loop, const struct sockaddr *address,
                 socklen_t address_bytes, const struct stream_events *events, void *arg)
{
    *s = (struct stream){.loop = loop, .events = events, .arg = arg, .connecting = true};
    s->connect_op = (struct loop_op){.fn = on_connect, .arg = s};
    s->recv_op = (struct loop_op){.fn = on_recv, .arg = s};
    s->send_op = (struct loop_op){.fn = on_send, .arg = s};
    s->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0) {
        s->socket_errno = errno;
        loop_post(loop, &s->connect_op); /* failed is called from the loop */
        return;
    }
    remote_tune(s->fd, address);
    loop_connect(loop, &s->connect_op, s->fd, address, address_bytes);
}

void stream_close(struct stream *s, bool politely)
{
    if (s->closing)
        return;
    s->closing = true;
    if (politely && s->tls)
        tls_close(s->tls, &s->cipher);
    /* close_notify or an alert: a few bytes into an empty socket, and nothing is lost with them */
    if (s->cipher.bytes > 0 && !s->sending)
        (void)!send(s->fd, s->cipher.data, s->cipher.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (s->connecting)
        loop_cancel(s->loop, &s->connect_op);
    if (s->receiving)
        loop_cancel(s->loop, &s->recv_op);
    if (s->sending)
        loop_cancel(s->loop, &s->send_op);
}

void stream_fini(struct stream *s)
{
    tls_destroy(&s->tls);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    buffer_fini(&s->out);
    buffer_fini(&s->plain);
    buffer_fini(&s->cipher);
    buffer_fini(&s->flying);
}
