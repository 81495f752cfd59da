/* fake_peer: a scripted server on a thread per connection, with blocking sockets, for
 * faults that real servers do not show on demand.
 *
 * A script is a list of steps, one per line:
 *   S text     send the text and CRLF              X text   send it without; | is CRLF
 *   B          read BDAT and its bytes
 *   H          read an HTTP request                A        the message counts as taken
 *   E prefix   read a line, which must start so    D        read up to the final dot
 *   W ms       wait                                F bytes  send so many bytes without
 * line end C / R      close / reset                       T        wait until the client
 * closes V          go on as a server without faults L      shake hands for TLS with ->tls
 *   Z text     send the text past TLS
 * Connection i follows script i; those behind the last are served without faults. */
#ifndef TESTS_FAKE_PEER_H
#define TESTS_FAKE_PEER_H

#include "base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEER_ROWS_MAX        4096
#define PEER_CONNECTIONS_MAX 1024

struct peer {
    const char *offers; /* EHLO lines joined by blanks, e.g. "PIPELINING CHUNKING" */
    const char *scripts[8];
    bool http; /* serve HTTP instead of SMTP */
    const char *http_reply;
    SSL_CTX *tls;     /* what L uses; and STARTTLS, where it is among the offers */
    bool tls_at_once; /* without a script: before the greeting */
    char *login;      /* without a script: what must stand behind AUTH; NULL: anything */
    int listen_fd;
    int port;
    char url[64];
    pthread_t thread;
    _Atomic int connections;
    _Atomic int mismatches; /* E lines that did not match */
    _Atomic int
        taken[PEER_ROWS_MAX]; /* messages accepted, by recipient u<row>@… or +1555<row> */
    _Atomic int total;
    _Atomic int largest_session; /* most messages seen in one session */
    pthread_mutex_t lock;
    int fds[PEER_CONNECTIONS_MAX];
    pthread_t threads[PEER_CONNECTIONS_MAX];
};

struct peer_line {
    struct peer *peer;
    int index;
    int fd;
    SSL *ssl; /* NULL: plain */
    char buffer[1 << 16];
    size_t start, end;
    int row;
    int messages;
};

static inline bool peer_say(struct peer_line *c, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = c->ssl ? SSL_write(c->ssl, data, (int)bytes)
                           : send(c->fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* peer_secure: the server's side of the handshake; what came before it is forgotten. */
static inline bool peer_secure(struct peer_line *c)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    c->start = c->end = 0;
    c->ssl = SSL_new(c->peer->tls);
    CHECK(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1);
    return SSL_accept(c->ssl) == 1;
}

static inline bool peer_fill(struct peer_line *c)
{
    if (c->start > 0) {
        memmove(c->buffer, c->buffer + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    if (c->end == sizeof(c->buffer))
        c->end = 0;
    size_t room = sizeof(c->buffer) - c->end;
    ssize_t n = c->ssl ? SSL_read(c->ssl, c->buffer + c->end, (int)room)
                       : recv(c->fd, c->buffer + c->end, room, 0);
    if (n <= 0)
        return false;
    c->end += (size_t)n;
    return true;
}

/* One line without its end, or false. */
static inline bool peer_read_line(struct peer_line *c, char *out, size_t out_bytes)
{
    for (;;) {
        char *at = c->buffer + c->start;
        char *newline = memchr(at, '\n', c->end - c->start);
        if (newline) {
            snprintf(out, out_bytes, "%.*s", (int)(newline - at), at);
            out[strcspn(out, "\r")] = '\0';
            c->start += (size_t)(newline - at) + 1;
            return true;
        }
        if (!peer_fill(c))
            return false;
    }
}

static inline bool peer_skip(struct peer_line *c, size_t bytes)
{
    while (c->end - c->start < bytes) {
        bytes -= c->end - c->start;
        c->start = c->end;
        if (!peer_fill(c))
            return false;
    }
    c->start += bytes;
    return true;
}

static inline bool peer_read_body(struct peer_line *c)
{
    char line[2048];
    do {
        if (!peer_read_line(c, line, sizeof(line)))
            return false;
    } while (strcmp(line, ".") != 0);
    return true;
}

static inline void peer_note_recipient(struct peer_line *c, const char *line)
{
    const char *at = strstr(line, "<u");
    if (at)
        c->row = atoi(at + 2);
}

static inline void peer_took(struct peer_line *c)
{
    if (c->row >= 0 && c->row < PEER_ROWS_MAX)
        c->peer->taken[c->row]++;
    c->peer->total++;
    if (++c->messages > c->peer->largest_session)
        c->peer->largest_session = c->messages;
}

static inline bool peer_say_line(struct peer_line *c, const char *line)
{
    return peer_say(c, line, strlen(line)) && peer_say(c, "\r\n", 2);
}

static inline bool peer_say_ehlo(struct peer_line *c)
{
    char offers[256], *save = NULL;
    snprintf(offers, sizeof(offers), "%s", c->peer->offers ? c->peer->offers : "");
    if (!peer_say(c, "250-fake\r\n", 10))
        return false;
    for (char *word = strtok_r(offers, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        for (char *at = word; *at; at++)
            *at = *at == '=' ? ' ' : *at;
        if (!peer_say(c, "250-", 4) || !peer_say_line(c, word))
            return false;
    }
    return peer_say_line(c, "250 OK");
}

static inline void peer_serve_smtp(struct peer_line *c, bool greet)
{
    char line[2048];
    if (greet && c->peer->tls_at_once && !peer_secure(c))
        return;
    if (greet && !peer_say_line(c, "220 fake"))
        return;
    while (peer_read_line(c, line, sizeof(line))) {
        bool ok = true;
        if (strncmp(line, "EHLO", 4) == 0) {
            ok = peer_say_ehlo(c);
        } else if (strncmp(line, "STARTTLS", 8) == 0) {
            ok = peer_say_line(c, "220 go on") && peer_secure(c);
        } else if (strncmp(line, "AUTH", 4) == 0) {
            bool right = !c->peer->login || strcmp(line + 5, c->peer->login) == 0;
            ok = peer_say_line(c, right ? "235 2.7.0 in" : "535 5.7.8 wrong");
        } else if (strncmp(line, "DATA", 4) == 0) {
            ok = peer_say_line(c, "354 go on") && peer_read_body(c);
            if (ok)
                peer_took(c); /* before the reply, as a server that keeps its word */
            ok = ok && peer_say_line(c, "250 2.0.0 Ok: queued as 12AB");
        } else if (strncmp(line, "BDAT", 4) == 0) {
            ok = peer_skip(c, (size_t)atol(line + 5));
            if (ok)
                peer_took(c);
            ok = ok && peer_say_line(c, "250 2.0.0 Ok: queued as 12AB");
        } else if (strncmp(line, "QUIT", 4) == 0) {
            peer_say_line(c, "221 bye");
            return;
        } else {
            peer_note_recipient(c, line);
            ok = peer_say_line(c, "250 2.0.0 Ok");
        }
        if (!ok)
            return;
    }
}

/* One HTTP request: its Content-Length body is read, its number noted. */
static inline bool peer_read_request(struct peer_line *c)
{
    char line[4096];
    size_t length = 0;
    do {
        if (!peer_read_line(c, line, sizeof(line)))
            return false;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            length = (size_t)atol(line + 15);
    } while (line[0] != '\0');
    while (c->end - c->start < length) {
        if (!peer_fill(c))
            return false;
    }
    char body[4096];
    snprintf(body, sizeof(body), "%.*s", (int)length, c->buffer + c->start);
    c->start += length;
    const char *at = strstr(body, "1555");
    c->row = at ? atoi(at + 4) : -1;
    return true;
}

static inline void peer_serve_http(struct peer_line *c)
{
    static const char taken[] =
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
        "Content-Length: 44\r\n\r\n"
        "{\"sid\":\"SM0123456789abcdef0123456789abcdef\"}";
    while (peer_read_request(c)) {
        peer_took(c);
        const char *reply = c->peer->http_reply ? c->peer->http_reply : taken;
        if (!peer_say(c, reply, strlen(reply)))
            return;
    }
}

static inline void peer_serve(struct peer_line *c, bool greet)
{
    if (c->peer->http)
        peer_serve_http(c);
    else
        peer_serve_smtp(c, greet);
}

static inline void peer_sleep_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static inline bool peer_flood(struct peer_line *c, long bytes)
{
    char block[4096];
    memset(block, '2', sizeof(block));
    for (; bytes > 0; bytes -= (long)sizeof(block)) {
        if (!peer_say(c, block, sizeof(block)))
            return false;
    }
    return true;
}

/* Returns false when the connection is over. */
static inline bool peer_step(struct peer_line *c, const char *step)
{
    char line[2048];
    const char *rest = step[1] ? step + 2 : "";
    switch (step[0]) {
    case 'S':
        return peer_say_line(c, rest);
    case 'X': {
        size_t bytes = 0;
        for (; *rest && bytes + 2 <= sizeof(line); rest++) {
            if (*rest == '|')
                line[bytes++] = '\r';
            line[bytes++] = *rest == '|' ? '\n' : *rest;
        }
        return *rest == '\0' && peer_say(c, line, bytes); /* in one segment */
    }
    case 'E':
        if (!peer_read_line(c, line, sizeof(line)))
            return false;
        if (strncmp(line, rest, strlen(rest)) != 0) {
            fprintf(stderr, "peer: expected \"%s\", got \"%s\"\n", rest, line);
            c->peer->mismatches++;
        }
        peer_note_recipient(c, line);
        return true;
    case 'D':
        return peer_read_body(c);
    case 'B':
        return peer_read_line(c, line, sizeof(line)) && strncmp(line, "BDAT ", 5) == 0 &&
               peer_skip(c, (size_t)atol(line + 5));
    case 'H':
        return peer_read_request(c);
    case 'A': /* it was accepted */
        peer_took(c);
        return true;
    case 'W':
        peer_sleep_ms(atol(rest));
        return true;
    case 'F':
        return peer_flood(c, atol(rest));
    case 'R': {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        return false;
    }
    case 'L':
        return peer_secure(c);
    case 'Z':
        return send(c->fd, rest, strlen(rest), MSG_NOSIGNAL) > 0;
    case 'T':
        while (recv(c->fd, line, sizeof(line), 0) > 0)
            ;
        return false;
    case 'V':
        peer_serve(c, false);
        return false;
    default:
        return false;
    }
}

static inline void *peer_connection(void *arg)
{
    struct peer_line *c = arg;
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const char *script = c->index < 8 ? c->peer->scripts[c->index] : NULL;
    if (script) {
        char copy[4096], *save = NULL;
        snprintf(copy, sizeof(copy), "%s", script);
        char *step = strtok_r(copy, "\n", &save);
        while (step && peer_step(c, step))
            step = strtok_r(NULL, "\n", &save);
    } else {
        peer_serve(c, true);
    }
    SSL_free(c->ssl);
    pthread_mutex_lock(&c->peer->lock);
    close(c->fd);
    c->peer->fds[c->index] = -1;
    pthread_mutex_unlock(&c->peer->lock);
    free(c);
    return NULL;
}

static inline void *peer_accept(void *arg)
{
    struct peer *peer = arg;
    for (;;) {
        int fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        struct peer_line *c = calloc(1, sizeof(*c));
        CHECK(c && peer->connections < PEER_CONNECTIONS_MAX);
        c->peer = peer;
        c->fd = fd;
        c->row = -1;
        c->index = peer->connections;
        peer->fds[c->index] = fd;
        peer->connections++;
        CHECK(pthread_create(&peer->threads[c->index], NULL, peer_connection, c) == 0);
    }
}

static inline void peer_start(struct peer *peer)
{
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    CHECK(bind(peer->listen_fd, (struct sockaddr *)&address, bytes) == 0);
    CHECK(listen(peer->listen_fd, 256) == 0);
    CHECK(getsockname(peer->listen_fd, (struct sockaddr *)&address, &bytes) == 0);
    peer->port = ntohs(address.sin_port);
    snprintf(peer->url, sizeof(peer->url), "%s://127.0.0.1:%d",
             peer->http ? "http" : "smtp", peer->port);
    pthread_mutex_init(&peer->lock, NULL);
    CHECK(pthread_create(&peer->thread, NULL, peer_accept, peer) == 0);
}

static inline void peer_stop(struct peer *peer)
{
    shutdown(peer->listen_fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listen_fd);
    for (int i = 0; i < peer->connections; i++) {
        pthread_mutex_lock(&peer->lock);
        if (peer->fds[i] >= 0)
            shutdown(peer->fds[i], SHUT_RDWR);
        pthread_mutex_unlock(&peer->lock);
        pthread_join(peer->threads[i], NULL);
    }
}

#endif
