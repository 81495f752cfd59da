/* peer: one client connected to the sandbox: its socket, the replies on their way to it,
 * and when it is over. What is said is the session's business.
 *
 * During a round peers only gather replies. peers_settle, after the mailbox has been
 * flushed, gives each peer's replies to the loop in one send. With a latency they wait in
 * order until their time. */
#ifndef OUTBOX_SANDBOX_PEER_H
#define OUTBOX_SANDBOX_PEER_H

#include "base/buffer.h"
#include "outbox/loop/loop.h"
#include "outbox/sandbox/http_server.h"
#include "outbox/sandbox/smtp_server.h"

struct peer;

struct peers {
    struct loop *loop;
    int64_t latency_ns;
    struct peer *all;
    struct peer *idle;    /* closed, to be used again */
    struct peer *touched; /* something happened in this round */
};

void peers_init(struct peers *peers, struct loop *loop, int64_t latency_ns);

/* peers_fini: close every connection. The loop has been destroyed before. */
void peers_fini(struct peers *peers);

/* peer_open_smtp, peer_open_http: serve a connection that was accepted; fd is the peer's.
 */
void peer_open_smtp(struct peers *peers, int fd, bool discard, bool no_chunking,
                    smtp_take_fn *take, void *arg);
void peer_open_http(struct peers *peers, int fd, http_answer_fn *answer, void *arg);

/* peers_settle: once per round: send, pause, close. */
void peers_settle(struct peers *peers);

#endif
