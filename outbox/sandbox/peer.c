/* peer: see peer.h. */
#include "outbox/sandbox/peer.h"

#include "base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that sends without reading replies is not read from above this. */
#define REPLIES_BYTES_MAX (256u << 10)
/* How long a client may keep its side open after we closed ours. */
#define LINGER_NS (2 * NS_PER_S)
/* Replies of different rounds that can wait at a time; more share the last one's time. */
#define MARKS 64

/* Replies up to end_bytes of `replies` may go at due_ns. */
struct mark {
    int64_t due_ns;
    size_t end_bytes;
};

struct peer {
    struct peers *peers;
    struct peer *next, *before; /* of all; next alone when idle */
    struct peer *next_touched;
    bool is_touched;
    bool receives;   /* recv is pending */
    bool sends;      /* send is pending */
    bool is_paused;  /* recv was cancelled until replies have gone */
    bool is_closing; /* nothing more is read; replies still go */
    bool is_broken;  /* not even they */
    bool is_shut;    /* our side of the connection is closed */
    int fd;
    struct loop_op recv, send;
    struct loop_timer timer; /* of the first mark; of the linger once shut */
    struct buffer replies;   /* not yet given to the loop */
    struct buffer sending;
    size_t released_bytes; /* of replies: may go now */
    unsigned first_mark, mark_count;
    struct mark marks[MARKS];
    bool is_smtp;
    union {
        struct smtp_server smtp;
        struct http_server http;
    };
};

static void touch(struct peer *peer)
{
    if (peer->is_touched)
        return;
    peer->is_touched = true;
    peer->next_touched = peer->peers->touched;
    peer->peers->touched = peer;
}

/* --- what the loop says --- */

static void on_recv(struct loop_op *op, int64_t res, const char *data)
{
    struct peer *peer = op->arg;
    touch(peer);
    if (res <= 0) {
        peer->receives = false;
        if (!peer->is_paused || res == 0) {
            peer->is_paused = false;
            peer->is_closing = true;
            peer->is_broken |= res < 0;
        }
        return;
    }
    if (peer->is_closing)
        return;
    size_t bytes = (size_t)res;
    bool stays = peer->is_smtp
                     ? smtp_server_feed(&peer->smtp, data, bytes, &peer->replies)
                     : http_server_feed(&peer->http, data, bytes, &peer->replies);
    peer->is_closing = !stays;
}

static void on_send(struct loop_op *op, int64_t res, const char *data)
{
    struct peer *peer = op->arg;
    (void)data;
    touch(peer);
    peer->sends = false;
    buffer_clear(&peer->sending);
    if (res < 0)
        peer->is_closing = peer->is_broken = true;
}

static void on_timer(struct loop_timer *timer)
{
    struct peer *peer = timer->arg;
    touch(peer);
    if (peer->is_shut) {
        peer->is_broken = true;
        return;
    }
    int64_t now_ns = loop_now_ns(peer->peers->loop);
    while (peer->mark_count > 0 && peer->marks[peer->first_mark].due_ns <= now_ns) {
        peer->released_bytes = peer->marks[peer->first_mark].end_bytes;
        peer->first_mark = (peer->first_mark + 1) % MARKS;
        peer->mark_count--;
    }
    if (peer->mark_count > 0)
        loop_timer_arm(peer->peers->loop, timer, peer->marks[peer->first_mark].due_ns);
}

/* --- opening and closing --- */

static struct peer *open_peer(struct peers *peers, int fd)
{
    struct peer *peer = peers->idle;
    if (peer) {
        peers->idle = peer->next;
    } else {
        peer = malloc(sizeof(*peer));
        CHECK(peer != NULL);
        peer->replies = peer->sending = (struct buffer){0};
    }
    struct buffer replies = peer->replies, sending = peer->sending;
    buffer_clear(&replies);
    buffer_clear(&sending);
    memset(peer, 0, offsetof(struct peer, marks));
    peer->peers = peers;
    peer->fd = fd;
    peer->replies = replies;
    peer->sending = sending;
    peer->recv = (struct loop_op){.fn = on_recv, .arg = peer};
    peer->send = (struct loop_op){.fn = on_send, .arg = peer};
    peer->timer = (struct loop_timer){.fn = on_timer, .arg = peer};
    peer->next = peers->all;
    if (peers->all)
        peers->all->before = peer;
    peers->all = peer;
    int yes = 1; /* replies are small and nobody waits for more of them */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    peer->receives = true;
    loop_recv(peers->loop, &peer->recv, fd);
    touch(peer);
    return peer;
}

void peer_open_smtp(struct peers *peers, int fd, bool discard, bool no_chunking,
                    smtp_take_fn *take, void *arg)
{
    struct peer *peer = open_peer(peers, fd);
    peer->is_smtp = true;
    smtp_server_init(&peer->smtp, discard, no_chunking, take, arg);
    smtp_server_greet(&peer->replies);
}

void peer_open_http(struct peers *peers, int fd, http_answer_fn *answer, void *arg)
{
    struct peer *peer = open_peer(peers, fd);
    peer->is_smtp = false;
    http_server_init(&peer->http, answer, arg);
}

static void fini_session(struct peer *peer)
{
    if (peer->is_smtp)
        smtp_server_fini(&peer->smtp);
    else
        http_server_fini(&peer->http);
}

static void close_peer(struct peer *peer)
{
    struct peers *peers = peer->peers;
    loop_timer_disarm(peers->loop, &peer->timer);
    loop_close_fd(peers->loop, peer->fd);
    fini_session(peer);
    if (peer->before)
        peer->before->next = peer->next;
    else
        peers->all = peer->next;
    if (peer->next)
        peer->next->before = peer->before;
    peer->next = peers->idle;
    peers->idle = peer;
}

/* --- settling --- */

/* release: what was said in this round may go now, or gets its time. */
static void release(struct peer *peer)
{
    struct peers *peers = peer->peers;
    if (peers->latency_ns == 0) {
        peer->released_bytes = peer->replies.bytes;
        return;
    }
    size_t marked = peer->released_bytes;
    unsigned last = (peer->first_mark + peer->mark_count + MARKS - 1) % MARKS;
    if (peer->mark_count > 0)
        marked = peer->marks[last].end_bytes;
    if (peer->replies.bytes == marked)
        return;
    if (peer->mark_count < MARKS)
        last = (peer->first_mark + peer->mark_count++) % MARKS;
    peer->marks[last] =
        (struct mark){.due_ns = loop_now_ns(peers->loop) + peers->latency_ns,
                      .end_bytes = peer->replies.bytes};
    if (peer->timer.heap_index == 0)
        loop_timer_arm(peers->loop, &peer->timer, peer->marks[peer->first_mark].due_ns);
}

static void send_released(struct peer *peer)
{
    size_t bytes = peer->released_bytes;
    if (bytes == peer->replies.bytes) {
        struct buffer empty = peer->sending;
        peer->sending = peer->replies;
        peer->replies = empty;
    } else {
        buffer_add(&peer->sending, peer->replies.data, bytes);
        peer->replies.bytes -= bytes;
        memmove(peer->replies.data, peer->replies.data + bytes, peer->replies.bytes);
    }
    for (unsigned i = 0; i < peer->mark_count; i++)
        peer->marks[(peer->first_mark + i) % MARKS].end_bytes -= bytes;
    peer->released_bytes = 0;
    peer->sends = true;
    loop_send(peer->peers->loop, &peer->send, peer->fd, peer->sending.data,
              peer->sending.bytes);
}

/* A client that never reads must not make us keep its replies without end. */
static void pause_or_resume(struct peer *peer)
{
    bool is_full = peer->replies.bytes + peer->sending.bytes > REPLIES_BYTES_MAX;
    if (is_full && peer->receives && !peer->is_paused) {
        peer->is_paused = true;
        loop_cancel(peer->peers->loop, &peer->recv);
    } else if (!is_full && peer->is_paused && !peer->receives) {
        peer->is_paused = false;
        peer->receives = true;
        loop_recv(peer->peers->loop, &peer->recv, peer->fd);
    }
}

/* Closing takes the polite way: our FIN behind the last reply, then reading on until
 * theirs. A close(2) with unread bytes would be a reset, which can destroy replies on
 * their way. */
static void end(struct peer *peer)
{
    struct peers *peers = peer->peers;
    if (peer->is_broken) {
        loop_cancel(peers->loop, &peer->recv);
        loop_cancel(peers->loop, &peer->send);
    } else if (!peer->is_shut) {
        peer->is_shut = true;
        shutdown(peer->fd, SHUT_WR);
        loop_timer_arm(peers->loop, &peer->timer, loop_now_ns(peers->loop) + LINGER_NS);
        if (peer->is_paused && !peer->receives) {
            peer->receives = true;
            loop_recv(peers->loop, &peer->recv, peer->fd);
        }
        peer->is_paused = false;
    }
    if (!peer->receives && !peer->sends)
        close_peer(peer);
}

static void settle(struct peer *peer)
{
    if (!peer->is_broken) {
        release(peer);
        if (peer->released_bytes > 0 && !peer->sends)
            send_released(peer);
    }
    if (!peer->is_closing)
        pause_or_resume(peer);
    else if (peer->is_broken || (peer->replies.bytes == 0 && !peer->sends))
        end(peer);
}

void peers_settle(struct peers *peers)
{
    while (peers->touched) {
        struct peer *peer = peers->touched;
        peers->touched = peer->next_touched;
        peer->is_touched = false;
        settle(peer);
    }
}

/* --- life --- */

void peers_init(struct peers *peers, struct loop *loop, int64_t latency_ns)
{
    *peers = (struct peers){.loop = loop, .latency_ns = latency_ns};
}

static void free_peer(struct peer *peer)
{
    buffer_fini(&peer->replies);
    buffer_fini(&peer->sending);
    free(peer);
}

void peers_fini(struct peers *peers)
{
    for (struct peer *peer; (peer = peers->all);) {
        peers->all = peer->next;
        close(peer->fd);
        fini_session(peer);
        free_peer(peer);
    }
    for (struct peer *peer; (peer = peers->idle);) {
        peers->idle = peer->next;
        free_peer(peer);
    }
}
