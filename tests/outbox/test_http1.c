/* Our HTTP/1.1 client through the door of http.h, against scripted servers, on both loops: connections are
 * kept and left at the right time, and what is said about a request that failed is true. */
#include "outbox/http/http.h"
#include "tests/outbox/certificates.h"
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/loop_pair.h"

#define EMPTY "HTTP/1.1 204 No|X-Id: 7||"
#define HOUR  3600

static struct http *http;
static struct peer *peer;

struct call {
    struct http_request request;
    struct call *then; /* to be sent when this one is done */
    int done;
    enum http_end end;
    unsigned status;
    bool truncated;
    int64_t retry_after_ns;
    char url[128], body[256], words[256], id[32];
};

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
    struct call *call = request->arg;
    if (call->then)
        http_send(http, &call->then->request);
    call->done++;
    call->end = reply->end;
    call->status = reply->status;
    call->truncated = reply->truncated;
    call->retry_after_ns = reply->retry_after_ns;
    snprintf(call->body, sizeof(call->body), "%.*s", TEXT_ARGS(reply->body));
    snprintf(call->words, sizeof(call->words), "%.*s", TEXT_ARGS(reply->words));
    snprintf(call->id, sizeof(call->id), "%.*s",
             TEXT_ARGS(http_reply_header(reply, "x-id")));
}

static void call_init(struct call *call, const char *url)
{
    *call = (struct call){.request = {.method = "POST",
                                      .headers = {"Content-Type: text/plain"},
                                      .body = TEXT("hello"),
                                      .timeout_ns = 2 * NS_PER_S,
                                      .fn = on_reply,
                                      .arg = call}};
    snprintf(call->url, sizeof(call->url), "%s", url);
    call->request.url = call->url;
}

static void start(size_t requests_max)
{
    struct error err;
    run_once(0); /* so that it is not late already */
    cr_assert_eq(http_create(loop, requests_max, &http, &err), 0);
}

static struct peer *start_peer(const char *first, const char *second)
{
    struct peer *new = calloc(1, sizeof(*new));
    new->http = true;
    new->scripts[0] = first;
    new->scripts[1] = second;
    new->http_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    peer_start(new);
    return new;
}

static void stop_peer(struct peer *old)
{
    cr_expect_eq(old->mismatches, 0);
    peer_stop(old);
    free(old);
}

static void on_closed(void *arg)
{
    ++*(int *)arg;
}

static void stop(void)
{
    int closed = 0;
    http_close(http, on_closed, &closed);
    cr_expect_eq(closed, 0, "from the loop only");
    run_until(&closed, 1);
    http_destroy(&http);
}

static void run_for(int64_t ns)
{
    int64_t end_ns = clock_steady_ns() + ns;
    while (clock_steady_ns() < end_ns)
        run_once(NS_PER_MS);
}

static void carry_out(struct call *call)
{
    http_send(http, &call->request);
    cr_expect_eq(call->done, 0);
    run_until(&call->done, 1);
}

static void expect_reply(const struct call *call, unsigned status, const char *body)
{
    cr_expect_eq(call->done, 1);
    cr_expect(call->end == HTTP_REPLY && call->status == status, "%d %u %s", call->end,
              call->status, call->words);
    cr_expect_str_eq(call->body, body);
}

static void expect_end(const struct call *call, enum http_end end, const char *words)
{
    cr_expect_eq(call->done, 1);
    cr_expect_eq(call->end, end, "%d %u %s", call->end, call->status, call->words);
    cr_expect(strstr(call->words, words), "%s", call->words);
    cr_expect(call->id[0] == '\0' && call->body[0] == '\0');
}

/* --- connections --- */

LOOP_TEST(http1, one_connection_carries_one_request_after_the_other)
{
    struct call calls[20];
    peer = start_peer(NULL, NULL);
    start(4);
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        call_init(&calls[i], peer->url);
        calls[i].then = i + 1 < ARRAY_COUNT(calls) ? &calls[i + 1] : NULL;
    }
    http_send(http, &calls[0].request);
    run_until(&calls[ARRAY_COUNT(calls) - 1].done, 1);
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
        expect_reply(&calls[i], 200, "ok");
    cr_expect_eq(peer->connections, 1);
    stop();
    stop_peer(peer);
}

LOOP_TEST(http1, what_is_sent_at_once_goes_over_so_many_connections)
{
    struct call calls[8];
    peer = start_peer("H\nX " EMPTY "\nV", NULL);
    start(ARRAY_COUNT(calls));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
            call_init(&calls[i], peer->url);
            http_send(http, &calls[i].request);
        }
        for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
            run_until(&calls[i].done, 1);
            cr_expect_eq(calls[i].end, HTTP_REPLY, "%s", calls[i].words);
            cr_expect_str_eq(calls[i].id, calls[i].status == 204 ? "7" : "");
        }
    }
    cr_expect_leq(peer->connections, 8);
    cr_expect_geq(peer->connections, 2);
    stop();
    stop_peer(peer);
}

LOOP_TEST(http1, a_connection_that_closes_is_left)
{
    static const char *const scripts[] = {
        "H\nX " EMPTY "\nC",                                               /* by itself */
        "H\nX HTTP/1.1 200 OK|Connection: close|Content-Length: 2||ok\nT", /* it says so */
        "H\nX HTTP/1.0 200 OK|Content-Length: 2||ok\nT",
        "H\nX HTTP/1.1 200 OK||ok\nC", /* the end of the body */
        "H\nX HTTP/1.1 200 OK|Content-Length: 2||okHTTP/1.1 200 OK\nT", /* a word too many */
        "H\nX " EMPTY
        "\nW 20\nX HTTP/1.1 408 Late|Content-Length: 0||\nT", /* and unasked */
    };
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct call first, second;
        peer = start_peer(scripts[i], NULL);
        start(1);
        call_init(&first, peer->url);
        call_init(&second, peer->url);
        carry_out(&first);
        cr_expect(first.end == HTTP_REPLY && !first.truncated, "%zu: %s", i, first.words);
        run_for(60 * NS_PER_MS);
        carry_out(&second);
        expect_reply(&second, 200, "ok");
        cr_expect_eq(peer->connections, 2, "%zu", i);
        stop();
        stop_peer(peer);
    }
}

/* Its end stands behind a reply whose fn sends the next request: the loop tells of it too late. */
LOOP_TEST(http1, a_connection_that_has_ended_is_seen_before_it_is_used)
{
    struct call calls[3];
    peer = start_peer("H\nX " EMPTY "\nW 110\nC", "H\nW 70\nX " EMPTY "\nV");
    start(2);
    for (size_t i = 0; i < 3; i++)
        call_init(&calls[i], peer->url);
    http_send(http, &calls[0].request);
    http_send(http, &calls[1].request);
    while (calls[0].done + calls[1].done == 0)
        run_once(NS_PER_MS);
    calls[calls[0].done ? 1 : 0].then = &calls[2];
    usleep(160000);
    run_until(&calls[2].done, 1);
    expect_reply(&calls[2], 200, "ok");
    stop();
    stop_peer(peer);
}

LOOP_TEST(http1, an_idle_connection_makes_room_for_another_server)
{
    struct peer *other = start_peer(NULL, NULL);
    struct call calls[4];
    peer = start_peer(NULL, NULL);
    start(2);
    for (size_t i = 0; i < 4; i++) {
        call_init(&calls[i], i < 2 ? peer->url : other->url);
        http_send(http, &calls[i].request);
        if (i % 2 == 1) {
            run_until(&calls[i - 1].done, 1);
            run_until(&calls[i].done, 1);
        }
    }
    for (size_t i = 0; i < 4; i++)
        expect_reply(&calls[i], 200, "ok");
    /* and while all are in use, whoever comes waits */
    call_init(&calls[0], other->url);
    call_init(&calls[1], peer->url);
    calls[0].then = &calls[2];
    call_init(&calls[2], peer->url);
    http_send(http, &calls[0].request);
    http_send(http, &calls[1].request);
    run_until(&calls[1].done, 1);
    run_until(&calls[2].done, 1);
    expect_reply(&calls[1], 200, "ok");
    expect_reply(&calls[2], 200, "ok");
    stop();
    stop_peer(peer);
    stop_peer(other);
}

/* --- what came of it --- */

static const struct {
    const char *script;
    enum http_end end;
    const char *words;
} faults[] = {
    {"C", HTTP_LOST, ""},
    {"H\nC", HTTP_LOST, "without a reply"},
    {"H\nR", HTTP_LOST, "reset"},
    {"H\nX HTTP/1.1 2\nC", HTTP_LOST, "without a reply"},
    {"H\nX HTTP/1.1 100 Go||\nC", HTTP_LOST, "without a reply"},
    {"H\nX SSH-2.0-x|\nT", HTTP_GARBLED, "not HTTP"},
    {"H\nX HTTP/1.1 200 OK|Content-Length: x||\nT", HTTP_GARBLED, "not HTTP"},
    {"H\nW 200\nC", HTTP_TIMEOUT, "timed out"},
    {"H\nX HTTP/1.1 100 Go||HTTP/1.\nW 200\nC", HTTP_TIMEOUT, "timed out"},
};

LOOP_TEST(http1, a_request_that_may_have_been_seen_is_never_called_unsent)
{
    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        struct call call;
        peer = start_peer(faults[i].script, NULL);
        start(1);
        call_init(&call, peer->url);
        call.request.timeout_ns = 100 * NS_PER_MS;
        carry_out(&call);
        expect_end(&call, faults[i].end, faults[i].words);
        cr_expect_eq(peer->connections, 1, "%zu: it goes out once", i);
        stop();
        stop_peer(peer);
    }
}

static const struct {
    const char *script, *body;
} broken[] = {
    {"H\nX HTTP/1.1 200 OK|Content-Len\nC", ""},
    {"H\nX HTTP/1.1 200 OK|Content-Length: 9||half\nC", "half"},
    {"H\nX HTTP/1.1 200 OK|Content-Length: 9||half\nW 200\nC", "half"},
    {"H\nX HTTP/1.1 200 OK||half\nR", "half"},
    {"H\nX HTTP/1.1 200 OK|Transfer-Encoding: chunked||4|half|x\nT", "half"},
};

LOOP_TEST(http1, with_a_status_the_server_has_spoken)
{
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        struct call call;
        peer = start_peer(broken[i].script, NULL);
        start(1);
        call_init(&call, peer->url);
        call.request.timeout_ns = 100 * NS_PER_MS;
        carry_out(&call);
        expect_reply(&call, 200, broken[i].body);
        cr_expect(call.truncated, "%zu", i);
        stop();
        stop_peer(peer);
    }
}

LOOP_TEST(http1, replies_come_in_any_cuts_and_sizes)
{
    static char reply[HTTP_REPLY_BYTES_MAX + 100000];
    struct call call;
    peer = start_peer("H\nX HTTP/1.1 429 \nW 5\nX Slow|Retry-Af\nW 5\nX ter: 9|Content-"
                      "Length: 5\nW 5\nX ||hel\nW 5\nX lo\nV",
                      NULL);
    size_t head = (size_t)snprintf(reply, sizeof(reply),
                                   "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                                   HTTP_REPLY_BYTES_MAX);
    memset(reply + head, 'x', HTTP_REPLY_BYTES_MAX);
    peer->http_reply = reply;
    start(1);
    call_init(&call, peer->url);
    carry_out(&call);
    expect_reply(&call, 429, "hello");
    cr_expect_eq(call.retry_after_ns, 9 * NS_PER_S);
    call_init(&call, peer->url);
    carry_out(&call);
    cr_expect(call.status == 200 && !call.truncated && strlen(call.body) == 255);
    cr_expect_eq(peer->connections, 1);
    stop();
    stop_peer(peer);
}

/* It does not wait for the rest, and what is left of it must not become part of the next request. */
LOOP_TEST(http1, a_reply_before_the_request_is_over_is_the_last_one)
{
    static char body[8 << 20];
    struct call call;
    peer =
        start_peer("E POST\nX HTTP/1.1 413 Large|Content-Length: 2||no\nW 50\nT", NULL);
    start(1);
    call_init(&call, peer->url);
    memset(body, 'x', sizeof(body));
    call.request.body = (struct text){body, sizeof(body)};
    carry_out(&call);
    expect_reply(&call, 413, "no");
    call_init(&call, peer->url);
    carry_out(&call);
    expect_reply(&call, 200, "ok");
    stop();
    stop_peer(peer);
}

/* The reset is told to what sends. What came of the body before it is not all of it. */
LOOP_TEST(http1, a_reset_while_a_request_is_sent_is_no_end_of_a_body)
{
    static char body[8 << 20];
    struct call call;
    peer = start_peer("E POST\nX HTTP/1.1 200 OK||half\nW 60\nR", NULL);
    start(1);
    call_init(&call, peer->url);
    memset(body, 'x', sizeof(body));
    call.request.body = (struct text){body, sizeof(body)};
    carry_out(&call);
    expect_reply(&call, 200, "half");
    cr_expect(call.truncated);
    stop();
    stop_peer(peer);
}

/* --- on the way there --- */

/* A port on which nobody takes connections: its queue is full, and what comes is dropped. */
static int full_port(int *port_out, int fds[3])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)*port_out)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(listen(fd, 0), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fds[i], (struct sockaddr *)&address, bytes);
    }
    *port_out = ntohs(address.sin_port);
    return fd;
}

static void close_full(int fd, const int fds[3])
{
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(fd);
}

static void expect_unsent(const char *url, const char *words)
{
    struct call calls[3];
    start(3);
    for (size_t i = 0; i < 3; i++) {
        call_init(&calls[i], url);
        calls[i].request.timeout_ns = 100 * NS_PER_MS;
        http_send(http, &calls[i].request);
    }
    for (size_t i = 0; i < 3; i++) {
        run_until(&calls[i].done, 1);
        expect_end(&calls[i], HTTP_NOT_CONNECTED, words);
    }
    stop();
}

LOOP_TEST(http1, what_never_left_is_told_so)
{
    char url[64];
    int fds[3], port = 0, fd = full_port(&port, fds);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    expect_unsent(url, "timed out");
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
    expect_unsent(url, "timed out");
    close_full(fd, fds);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    expect_unsent(url, "refused");
    expect_unsent("http://no-such-host.invalid/", "");
    expect_unsent("http://user@host/", "URL");
    expect_unsent("http://a b/", "URL");
    expect_unsent("ftp://127.0.0.1/", "URL");
}

/* A server on ::1 alone, at this port. */
static struct peer *start_peer6(int port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                   .sin6_port = htons((uint16_t)port)};
    struct peer *new = calloc(1, sizeof(*new));
    new->http = true;
    new->listen_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (new->listen_fd < 0 ||
        bind(new->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        cr_skip_test("no IPv6 here");
    cr_assert_eq(listen(new->listen_fd, 16), 0);
    pthread_mutex_init(&new->lock, NULL);
    cr_assert_eq(pthread_create(&new->thread, NULL, peer_accept, new), 0);
    return new;
}

LOOP_TEST(http1, the_next_address_is_tried)
{
    char url[64];
    int fds[3], port = 0, fd = full_port(&port, fds);
    peer = start_peer6(port);
    snprintf(url, sizeof(url), "http://localhost:%d/", port);
    for (int refused = 0; refused < 2; refused++) {
        struct call call;
        if (refused)
            close_full(fd, fds);
        start(1);
        call_init(&call, url);
        int64_t began_ns = clock_steady_ns();
        carry_out(&call);
        cr_expect_eq(call.status, 201, "%s", call.words);
        int64_t took_ns = clock_steady_ns() - began_ns;
        cr_expect(refused ? took_ns < 200 * NS_PER_MS
                          : took_ns > 200 * NS_PER_MS && took_ns < 1000 * NS_PER_MS,
                  "%lld ms", (long long)(took_ns / NS_PER_MS));
        stop();
    }
    stop_peer(peer);
}

/* What is overtaken serves nobody: who comes later does not wait until it is given up. */
LOOP_TEST(http1, nobody_waits_for_an_address_that_was_overtaken)
{
    char url[64];
    int fds[3], port = 0, fd = full_port(&port, fds);
    struct call calls[3];
    peer = start_peer6(port);
    peer->scripts[0] = peer->scripts[1] =
        "H\nX HTTP/1.1 200 OK|Connection: close|Content-Length: 2||ok\nT";
    snprintf(url, sizeof(url), "http://localhost:%d/", port);
    start(2);
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        int64_t began_ns = clock_steady_ns();
        call_init(&calls[i], url);
        carry_out(&calls[i]);
        cr_expect_eq(calls[i].end, HTTP_REPLY, "%zu: %s", i, calls[i].words);
        cr_expect(i == 0 || clock_steady_ns() - began_ns < 200 * NS_PER_MS, "%zu", i);
    }
    stop();
    stop_peer(peer);
    close_full(fd, fds);
}

LOOP_TEST(http1, closing_waits_for_no_resolver)
{
    struct call call;
    start(1);
    call_init(&call, "http://no-such-host.invalid/");
    call.request.timeout_ns = 1;
    carry_out(&call);
    expect_end(&call, HTTP_NOT_CONNECTED, "");
    int64_t began_ns = clock_steady_ns();
    stop();
    cr_expect(clock_steady_ns() - began_ns < 300 * NS_PER_MS);
}

LOOP_TEST(http1, it_can_be_destroyed_at_any_time)
{
    struct call calls[3];
    peer = start_peer("H\nX " EMPTY "\nV", "H\nT");
    for (int rounds = 0; rounds < 6; rounds++) {
        start(3);
        for (size_t i = 0; i < 3; i++) {
            call_init(&calls[i], i == 2 ? "http://no-such-host.invalid/" : peer->url);
            http_send(http, &calls[i].request);
        }
        for (int i = 0; i < rounds; i++)
            run_once(NS_PER_MS);
        http_destroy(&http);
        loop_destroy(&loop);
        cr_assert_eq(loop_create(&loop, NULL), 0);
    }
    stop_peer(peer);
}

/* --- TLS --- */

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                  const unsigned char *in, unsigned in_bytes, void *arg)
{
    (void)ssl;
    struct text wanted = text_of(arg);
    for (unsigned at = 0; at < in_bytes; at += in[at] + 1u) {
        if (text_equal((struct text){(const char *)in + at + 1, in[at]}, wanted)) {
            *out = in + at + 1;
            *out_bytes = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* Serves the first connection under TLS. */
static void start_tls_peer(SSL_CTX *tls, const char *first, const char *second)
{
    peer = start_peer(first, second);
    peer->tls = tls;
    snprintf(peer->url, sizeof(peer->url), "https://127.0.0.1:%d", peer->port);
}

LOOP_TEST(http1, a_server_under_tls_that_speaks_no_http2)
{
    struct authority ca;
    authority_init(&ca);
    SSL_CTX *tls = certificate_server(&ca, "IP:127.0.0.1", -HOUR, HOUR);
    char http11[] = "http/1.1";
    for (int alpn = 0; alpn < 2; alpn++) {
        struct call calls[6];
        start_tls_peer(tls, "L\nV", "L\nV");
        start(2);
        http_trust(http, ca.file, false);
        for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
            call_init(&calls[i], peer->url);
            calls[i].then = i + 2 < ARRAY_COUNT(calls) ? &calls[i + 2] : NULL;
        }
        http_send(http, &calls[0].request);
        http_send(http, &calls[1].request);
        for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
            run_until(&calls[i].done, 1);
            expect_reply(&calls[i], 200, "ok");
        }
        cr_expect_leq(peer->connections, 2);
        stop();
        stop_peer(peer);
        SSL_CTX_set_alpn_select_cb(tls, choose, http11);
    }
    SSL_CTX_free(tls);
    authority_fini(&ca);
}

/* The scripted one does not really: the second connection is libcurl's. */
LOOP_TEST(http1, a_server_that_prefers_http2_is_left_to_libcurl)
{
    struct authority ca;
    authority_init(&ca);
    SSL_CTX *tls = certificate_server(&ca, "IP:127.0.0.1", -HOUR, HOUR);
    char http2[] = "h2";
    SSL_CTX_set_alpn_select_cb(tls, choose, http2);
    struct call calls[3];
    start_tls_peer(tls, "L\nE never\nC", "L\nE PRI * HTTP/2.0\nC");
    start(3);
    http_trust(http, ca.file, false);
    for (size_t i = 0; i < 3; i++) {
        call_init(&calls[i], peer->url);
        http_send(http, &calls[i].request);
    }
    for (size_t i = 0; i < 3; i++) {
        run_until(&calls[i].done, 1);
        cr_expect_neq(calls[i].end, HTTP_REPLY);
    }
    cr_expect_geq(peer->connections, 2);
    stop();
    stop_peer(peer);
    SSL_CTX_free(tls);
    authority_fini(&ca);
}

LOOP_TEST(http1, nothing_goes_to_a_server_that_cannot_be_trusted)
{
    struct authority ca;
    authority_init(&ca);
    SSL_CTX *wrong = certificate_server(&ca, "DNS:elsewhere.example", -HOUR, HOUR);
    for (int unverified = 0; unverified < 2; unverified++) {
        struct call calls[2];
        start_tls_peer(wrong, "L\nV", "L\nV");
        start(2);
        http_trust(http, ca.file, unverified);
        for (size_t i = 0; i < 2; i++) {
            call_init(&calls[i], peer->url);
            http_send(http, &calls[i].request);
        }
        for (size_t i = 0; i < 2; i++) {
            run_until(&calls[i].done, 1);
            if (unverified)
                expect_reply(&calls[i], 200, "ok");
            else
                expect_end(&calls[i], HTTP_NOT_CONNECTED, "elsewhere.example");
        }
        cr_expect(unverified || (peer->connections == 1 && peer->total == 0));
        stop();
        stop_peer(peer);
    }
    SSL_CTX_free(wrong);
    start_tls_peer(NULL, "X HTTP/1.1 400 Speak plainly||\nT", NULL);
    expect_unsent(peer->url, "not TLS");
    stop_peer(peer);
    authority_fini(&ca);
}
