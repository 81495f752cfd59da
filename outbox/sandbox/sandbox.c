/* sandbox: see sandbox.h. A round: the loop feeds what has come to the sessions; the
 * mailbox writes what they took; then their replies leave. */
#include "outbox/sandbox/sandbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "outbox/loop/loop.h"
#include "outbox/sandbox/endpoint.h"
#include "outbox/sandbox/peer.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG         4096
#define STOP_CHECK_NS   (100 * NS_PER_MS)
#define ACCEPT_RETRY_NS (100 * NS_PER_MS)

struct sandbox;

struct listener {
    struct sandbox *sandbox;
    int fd;
    void (*open)(struct sandbox *sandbox, int fd);
    struct loop_op accept;
    struct loop_timer retry;
};

struct sandbox {
    const struct sandbox_config *config;
    struct loop *loop;
    struct mailbox *mailbox;
    struct faults faults;
    struct sandbox_counts counts;
    struct endpoint endpoint;
    struct peers peers;
    struct listener smtp, http;
};

/* --- listening --- */

static int bind_to(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* "host:port" or "[v6]:port" → a listening socket. */
static int listen_at(const char *where, int *fd_out, struct error *err)
{
    const char *colon = strrchr(where, ':');
    char host[256];
    size_t host_bytes = colon ? (size_t)(colon - where) : 0;
    bool brackets = host_bytes > 2 && where[0] == '[' && where[host_bytes - 1] == ']';
    if (!colon || host_bytes - 2 * brackets >= sizeof(host))
        return error_set(
            err, ERROR_USAGE,
            "%.80s is no address to listen at (write it like 127.0.0.1:2525)", where);
    memcpy(host, where + brackets, host_bytes - 2 * brackets);
    host[host_bytes - 2 * brackets] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int rc = getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found);
    if (rc)
        return error_set(err, ERROR_USAGE, "%.80s is no address to listen at: %s", where,
                         gai_strerror(rc));
    *fd_out = bind_to(found);
    freeaddrinfo(found);
    return *fd_out < 0 ? error_io(err, "cannot listen at %.80s", where) : 0;
}

static void open_smtp(struct sandbox *sandbox, int fd);
static void open_http(struct sandbox *sandbox, int fd);

static void on_accept(struct loop_op *op, int64_t res, const char *data)
{
    struct listener *listener = op->arg;
    struct sandbox *sandbox = listener->sandbox;
    (void)data;
    if (res >= 0) {
        sandbox->counts.connections++;
        listener->open(sandbox, (int)res);
        return;
    }
    /* out of descriptors, mostly: others close in time */
    log_warn("sandbox", "cannot accept a connection", "why=\"%s\"", strerror((int)-res));
    loop_timer_arm(sandbox->loop, &listener->retry,
                   loop_now_ns(sandbox->loop) + ACCEPT_RETRY_NS);
}

static void on_retry(struct loop_timer *timer)
{
    struct listener *listener = timer->arg;
    loop_accept(listener->sandbox->loop, &listener->accept, listener->fd);
}

static int open_listener(struct sandbox *sandbox, struct listener *listener,
                         const char *where, void (*open)(struct sandbox *sandbox, int fd),
                         struct error *err)
{
    *listener = (struct listener){.sandbox = sandbox,
                                  .fd = -1,
                                  .open = open,
                                  .accept = {.fn = on_accept, .arg = listener},
                                  .retry = {.fn = on_retry, .arg = listener}};
    if (!where)
        return 0;
    int rc = listen_at(where, &listener->fd, err);
    if (rc == 0)
        loop_accept(sandbox->loop, &listener->accept, listener->fd);
    return rc;
}

/* --- serving --- */

static enum fault take_email(void *arg, const struct smtp_message *message)
{
    struct sandbox *sandbox = arg;
    enum fault fault = endpoint_fate(&sandbox->endpoint);
    if (fault == FAULT_THROTTLE || fault == FAULT_ERROR)
        return fault;
    sandbox->counts.email += message->recipient_count;
    if (!sandbox->mailbox)
        return fault;
    char made_up[ENDPOINT_ID_BYTES + 1];
    endpoint_id(&sandbox->endpoint, made_up);
    const char *recipient = message->recipients;
    for (size_t i = 0; i < message->recipient_count; i++) {
        struct text to = text_of(recipient);
        mailbox_email(sandbox->mailbox, message->from, to, message->raw,
                      (struct text){made_up, ENDPOINT_ID_BYTES});
        recipient += to.bytes + 1;
    }
    return fault;
}

static void open_smtp(struct sandbox *sandbox, int fd)
{
    peer_open_smtp(&sandbox->peers, fd, !sandbox->mailbox, sandbox->config->no_chunking,
                   take_email, sandbox);
}

static void open_http(struct sandbox *sandbox, int fd)
{
    peer_open_http(&sandbox->peers, fd, endpoint_answer, &sandbox->endpoint);
}

static int serve(struct sandbox *sandbox, const volatile sig_atomic_t *stop,
                 struct error *err)
{
    while (!*stop) {
        int rc = loop_run(sandbox->loop, STOP_CHECK_NS, err);
        sandbox->endpoint.now_ns = loop_now_ns(sandbox->loop);
        if (rc == 0 && sandbox->mailbox)
            rc = mailbox_flush(sandbox->mailbox, err);
        if (rc)
            return rc;
        peers_settle(&sandbox->peers);
    }
    return 0;
}

static int open_all(struct sandbox *sandbox, struct error *err)
{
    const struct sandbox_config *config = sandbox->config;
    if (!config->discard && !config->dir)
        return error_set(err, ERROR_USAGE,
                         "the sandbox needs a folder (--dir) or --discard");
    int rc = config->discard ? 0 : mailbox_open(config->dir, &sandbox->mailbox, err);
    if (rc == 0)
        rc = loop_create(&sandbox->loop, err);
    if (rc)
        return rc;
    peers_init(&sandbox->peers, sandbox->loop, config->latency_ns);
    endpoint_init(&sandbox->endpoint, &sandbox->faults, sandbox->mailbox,
                  &sandbox->counts);
    sandbox->endpoint.now_ns = loop_now_ns(sandbox->loop);
    rc = open_listener(sandbox, &sandbox->smtp, config->listen_smtp, open_smtp, err);
    if (rc == 0)
        rc = open_listener(sandbox, &sandbox->http, config->listen_http, open_http, err);
    return rc;
}

static void close_all(struct sandbox *sandbox)
{
    loop_destroy(&sandbox->loop);
    peers_fini(&sandbox->peers);
    endpoint_fini(&sandbox->endpoint);
    mailbox_close(&sandbox->mailbox);
    if (sandbox->smtp.fd >= 0)
        close(sandbox->smtp.fd);
    if (sandbox->http.fd >= 0)
        close(sandbox->http.fd);
}

int sandbox_run(const struct sandbox_config *config, void (*ready_fn)(void *arg),
                void *arg, const volatile sig_atomic_t *stop,
                struct sandbox_counts *counts_out, struct error *err)
{
    struct sandbox sandbox = {.config = config, .smtp.fd = -1, .http.fd = -1};
    faults_init(&sandbox.faults, config);
    int rc = open_all(&sandbox, err);
    if (rc == 0) {
        if (ready_fn)
            ready_fn(arg);
        rc = serve(&sandbox, stop, err);
    }
    close_all(&sandbox);
    *counts_out = sandbox.counts;
    return rc;
}
