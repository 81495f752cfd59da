/* Replies of HTTP/1.1: a table by RFC 9112; whatever the cuts, the same comes out; and libcurl, which is
 * given the same bytes by a server, understands the same. */
#include "outbox/http/http1_reply.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX 64
#define OK       "HTTP/1.1 200 OK\r\n"
#define GARBLED  0, NULL, 0

enum { CUT = 1, KEEPS = 2, MORE = 4, DIFFERS = 8 };

/* Each is all that the server says before it closes. CUT: the body is not whole; KEEPS: the connection can
 * carry another; MORE: bytes are left over; DIFFERS: libcurl takes it otherwise, and the comment says why. */
static const struct {
    const char *bytes;
    unsigned status; /* 0: no HTTP */
    const char *body;
    unsigned how;
} cases[] = {
    /* where a reply ends: 6.3 */
    {OK "Content-Length: 5\r\n\r\nhello", 200, "hello", KEEPS},
    {OK "Content-Length: 0\r\n\r\n", 200, "", KEEPS},
    {OK "content-LENGTH:5  \r\n\r\nhello", 200, "hello", KEEPS},
    {OK "\r\nhello", 200, "hello", 0},
    {OK "\r\n", 200, "", 0},
    {"HTTP/1.1 204 No\r\n\r\n", 204, "", KEEPS},
    {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 204, "", KEEPS},
    {"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", 304, "", KEEPS},
    {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {"HTTP/1.1 429 Too many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", 429, "no",
     KEEPS},
    {"HTTP/1.1 503 \r\nContent-Length: 2\r\nX:\r\n\r\nno", 503, "no", KEEPS},
    /* who closes: 9.3 */
    {OK "Connection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 0},
    {OK "Connection: Upgrade, CLOSE\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 0},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", 200,
     "ok", KEEPS},
    {"HTTP/1.0 200 OK\r\n\r\nok", 200, "ok", 0},
    /* replies before the reply: RFC 9110, 15.2 */
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" OK
     "Content-Length: 2\r\n\r\nok",
     200, "ok", KEEPS},
    {"HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n" OK
     "Content-Length: 2\r\n\r\nok",
     200, "ok", KEEPS},
    {"HTTP/1.1 101 Switching\r\n\r\n" OK "\r\n", GARBLED},
    /* chunks: 7.1 */
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", KEEPS},
    {OK "Transfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200,
     "hello", KEEPS},
    {OK "Transfer-Encoding: chunked\r\n\r\n0A;a=\"b\";c\r\n0123456789\r\n000\r\n\r\n",
     200, "0123456789", KEEPS},
    {OK "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\nX: 1\r\nY: 2\r\n\r\n", 200,
     "hello", KEEPS},
    {OK "Transfer-Encoding: chunked\n\n5\nhello\n0\n\n", 200, "hello", KEEPS},
    {OK "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     200, "hello", 0},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200,
     "ok", 0},
    {OK "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 200, "hel", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello", 200, "hello", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200, "hello", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 200, "hello", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\nx\r\nhello", 200, "", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n\r\n5\r\nhello", 200, "", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello", 200, "", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\nhello", 200, "", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", 200, "he", CUT},
    {OK "Transfer-Encoding: chunked\r\n\r\n2z\r\nok\r\n0\r\n\r\n", 200, "",
     CUT | DIFFERS}, /* it skips to the line's end */
    {OK "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
     GARBLED | DIFFERS}, /* it decodes twice */
    {OK "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
     GARBLED | DIFFERS}, /* with a status it has spoken to libcurl's caller */
    /* cut off */
    {"", GARBLED | CUT},
    {"HTTP/1.1 2", GARBLED | CUT},
    {OK, 200, "", CUT | DIFFERS}, /* it takes a head without an end for whole */
    {OK "Content-Type: applica", 200, "", CUT | DIFFERS},
    {OK "Content-Length: 5\r\n\r\nhel", 200, "hel", CUT},
    /* more than was asked for: 9.2 */
    {OK "Content-Length: 2\r\n\r\nok" OK "\r\n", 200, "ok", KEEPS | MORE},
    {"HTTP/1.1 204 No\r\n\r\nboo", 204, "", KEEPS | MORE},
    /* bodies above the limit */
    {OK "Content-Length: 70\r\n\r\n"
        "0123456789012345678901234567890123456789012345678901234567890123456789",
     200, "0123456789012345678901234567890123456789012345678901234567890123",
     CUT | DIFFERS}, /* the limit is ours */
    /* lines: 2.2, 5.2 */
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, "ok", KEEPS},
    {OK "X: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {OK "Content-Length:\r\n 2\r\n\r\nok", 200, "ok",
     KEEPS | DIFFERS}, /* it does not unfold this one */
    {OK " X: a\r\nContent-Length: 2\r\n\r\nok",
     GARBLED | DIFFERS}, /* folded onto the status */
    {OK "X : a\r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {OK "Content-Length : 2\r\n\r\nok", GARBLED | DIFFERS}, /* it reads up to the end */
    {OK "no colon\r\nContent-Length: 2\r\n\r\nok", GARBLED | DIFFERS}, /* has a status */
    {OK ": a\r\nContent-Length: 2\r\n\r\nok", GARBLED | DIFFERS},
    {OK "X: a\rContent-Length: 7\r\nContent-Length: 2\r\n\r\nok", GARBLED | DIFFERS},
    /* two readers could differ */
    {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, "ok", KEEPS},
    {OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: 2, 2\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: -2\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: +2\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: 0x2\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: two\r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: \r\n\r\nok", GARBLED | DIFFERS},
    {OK "Content-Length: 99999999999999999999\r\n\r\nok", GARBLED | DIFFERS},
    /* no HTTP/1 */
    {"SSH-2.0-OpenSSH_9.2\r\n", GARBLED},
    {"220 mx.example ESMTP\r\n", GARBLED},
    {"<html>It works!</html>", GARBLED},
    {"\r\n" OK "Content-Length: 2\r\n\r\nok", GARBLED},
    {"HTTP/1.1 2000 OK\r\n\r\n", GARBLED},
    {"HTTP/1.1 099 OK\r\n\r\n", GARBLED},
    {"HTTP/1.1 20 OK\r\n\r\n", GARBLED},
    {"HTTP/1.1 abc OK\r\n\r\n", GARBLED},
    {"HTTP/1.x 200 OK\r\n\r\n", GARBLED},
    {"HTTP/2 200 OK\r\n\r\n", GARBLED | DIFFERS},
    {"ICY 200 OK\r\n\r\n", GARBLED},
};

struct outcome {
    unsigned status, how;
    char body[256];
};

/* read_cut: in pieces that next_bytes says; each in memory of its own, so that it is seen when a piece is
 * used behind its time. */
static struct outcome read_cut(struct http1_reply *r, const char *bytes, size_t count,
                               size_t (*next_bytes)(unsigned *seed), unsigned seed)
{
    struct outcome out = {0};
    char *piece = NULL;
    int got = 0;
    size_t at = 0;
    http1_reply_begin(r, BODY_MAX);
    while (got == 0 && at < count) {
        size_t size = next_bytes(&seed);
        size = size < count - at ? size : count - at;
        free(piece);
        piece = malloc(size);
        cr_assert(piece);
        memcpy(piece, bytes + at, size);
        const char *from = piece;
        got = http1_reply_feed(r, &from, piece + size);
        cr_assert(got != 0 || from == piece + size);
        at += (size_t)(from - piece);
    }
    if (got == 0 && http1_reply_cut(r, true))
        got = 1;
    out.status = got < 0 ? 0 : r->status;
    if (out.status > 0) {
        snprintf(out.body, sizeof(out.body), "%.*s", TEXT_ARGS(r->body));
        out.how = (r->truncated ? CUT : 0) | (r->keeps ? KEEPS : 0) |
                  (got > 0 && !r->truncated && at < count ? MORE : 0);
    }
    free(piece);
    return out;
}

static size_t all_at_once(unsigned *seed)
{
    (void)seed;
    return SIZE_MAX;
}

static size_t byte_by_byte(unsigned *seed)
{
    (void)seed;
    return 1;
}

static size_t at_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return 1 + (*seed >> 16) % 24;
}

static void expect_case(size_t i, const struct outcome *out, const char *how_cut)
{
    cr_expect_eq(out->status, cases[i].status, "case %zu, %s: status %u", i, how_cut,
                 out->status);
    if (out->status == 0)
        return;
    cr_expect_str_eq(out->body, cases[i].body, "case %zu, %s: %s", i, how_cut, out->body);
    /* what is left over shows only where it comes with the rest */
    unsigned seen = CUT | KEEPS | (out->how & MORE);
    cr_expect_eq(out->how & seen, cases[i].how & seen & ~(unsigned)DIFFERS,
                 "case %zu, %s: %u", i, how_cut, out->how);
}

Test(http1_reply, the_table_in_any_cuts)
{
    struct http1_reply r = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        size_t count = strlen(cases[i].bytes);
        struct outcome out = read_cut(&r, cases[i].bytes, count, all_at_once, 0);
        expect_case(i, &out, "whole");
        cr_expect_eq(out.how & MORE, cases[i].how & MORE, "case %zu", i);
        out = read_cut(&r, cases[i].bytes, count, byte_by_byte, 0);
        expect_case(i, &out, "byte by byte");
        for (unsigned seed = 1; seed <= 20; seed++) {
            out = read_cut(&r, cases[i].bytes, count, at_random, seed);
            expect_case(i, &out, "at random");
        }
    }
    http1_reply_fini(&r);
}

static void expect_field(const struct http1_reply *r, const char *name, const char *value)
{
    struct text found = http1_reply_field(r, name);
    cr_expect(value ? text_is(found, value) && found.data : !found.data, "%s: %.*s", name,
              TEXT_ARGS(found));
}

Test(http1_reply, fields_by_name)
{
    static const char bytes[] =
        OK "X-Id: first\r\nx-id: second\r\nEmpty:\r\nBlank:  \t\r\n"
           "Long: one\r\n  two\r\nContent-Length: 0\r\n\r\n";
    struct http1_reply r = {0};
    for (size_t piece = 1; piece < sizeof(bytes); piece++) {
        http1_reply_begin(&r, BODY_MAX);
        int got = 0;
        for (size_t at = 0; at < sizeof(bytes) - 1; at += piece) {
            const char *from = bytes + at;
            size_t left = sizeof(bytes) - 1 - at;
            got = http1_reply_feed(&r, &from, from + (left < piece ? left : piece));
        }
        cr_expect_eq(got, 1);
        expect_field(&r, "X-ID", "first");
        expect_field(&r, "empty", "");
        expect_field(&r, "Blank", "");
        expect_field(&r, "long", "one    two");
        expect_field(&r, "X-I", NULL);
        expect_field(&r, "second", NULL);
    }
    http1_reply_fini(&r);
}

static int feed(struct http1_reply *r, const char *string)
{
    return http1_reply_feed(r, &string, string + strlen(string));
}

Test(http1_reply, everything_has_a_limit)
{
    struct http1_reply r = {0};
    char line[512];
    memset(line, 'x', sizeof(line));
    memcpy(line, "X:", 2);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    http1_reply_begin(&r, BODY_MAX);
    int got = feed(&r, OK);
    size_t lines = 0;
    for (; got == 0 && lines < 1000; lines++)
        got = feed(&r, line);
    cr_expect(got < 0 && lines <= HTTP1_HEAD_BYTES_MAX / (sizeof(line) - 1) + 1, "%zu",
              lines);
    http1_reply_begin(&r, BODY_MAX);
    got = feed(&r, OK);
    for (size_t i = 0; i < HTTP1_FIELDS_MAX; i++)
        got |= feed(&r, "A: b\r\n");
    cr_expect_eq(got, 0);
    cr_expect(feed(&r, "A: b\r\n\r\n") < 0);
    http1_reply_begin(&r, BODY_MAX);
    size_t interims = 0;
    for (got = 0; got == 0 && interims < 1000; interims++)
        got = feed(&r, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_expect_eq(interims, HTTP1_INTERIM_MAX + 1);
    http1_reply_begin(&r, BODY_MAX);
    cr_expect_eq(feed(&r, OK "Transfer-Encoding: chunked\r\n\r\n1;"), 0);
    for (got = 0, lines = 0; got == 0 && lines < 1000; lines++)
        got = feed(&r, "0123456789");
    cr_expect(got == 1 && r.truncated && lines <= HTTP1_CHUNK_LINE_BYTES / 10 + 1);
    http1_reply_begin(&r, BODY_MAX);
    cr_expect_eq(feed(&r, OK "Transfer-Encoding: chunked\r\n\r\n0\r\n"), 0);
    for (got = 0, lines = 0; got == 0 && lines < 100000; lines++)
        got = feed(&r, "A: 6789\r\n");
    cr_expect(got == 1 && r.truncated && lines <= HTTP1_HEAD_BYTES_MAX / 9 + 1);
    http1_reply_fini(&r);
}

Test(http1_reply, a_nul_is_no_text)
{
    static const char bytes[] = OK "X: a\0b\r\nContent-Length: 0\r\n\r\n";
    struct http1_reply r = {0};
    struct outcome out = read_cut(&r, bytes, sizeof(bytes) - 1, all_at_once, 0);
    cr_expect_eq(out.status, 0);
    http1_reply_fini(&r);
}

/* --- libcurl --- */

/* Says the case to whoever asks, and closes. */
static void *say(void *arg)
{
    int listen_fd = *(int *)arg;
    char request[4096];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int fd = accept(listen_fd, NULL, NULL);
        (void)!recv(fd, request, sizeof(request), 0);
        (void)!send(fd, cases[i].bytes, strlen(cases[i].bytes), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof(request), 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static size_t keep_body(char *data, size_t size, size_t count, void *arg)
{
    struct outcome *out = arg;
    size_t used = strlen(out->body);
    snprintf(out->body + used, sizeof(out->body) - used, "%.*s", (int)(size * count),
             data);
    return size * count;
}

static struct outcome ask_libcurl(int port)
{
    struct outcome out = {0};
    char url[64];
    long status = 0;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    out.status = status >= 200 ? (unsigned)status : 0;
    out.how = code == CURLE_OK ? 0 : CUT;
    curl_easy_cleanup(curl);
    return out;
}

Test(http1_reply, libcurl_understands_the_same)
{
    int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    cr_assert_eq(bind(listen_fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(listen(listen_fd, 16), 0);
    cr_assert_eq(getsockname(listen_fd, (struct sockaddr *)&address, &bytes), 0);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, say, &listen_fd), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct outcome out = ask_libcurl(ntohs(address.sin_port));
        bool same = out.status == cases[i].status &&
                    (out.status == 0 || (strcmp(out.body, cases[i].body) == 0 &&
                                         (out.how & CUT) == (cases[i].how & CUT)));
        cr_expect_eq(same, !(cases[i].how & DIFFERS),
                     "case %zu: libcurl has %u \"%s\" %u for %s", i, out.status, out.body,
                     out.how);
    }
    pthread_join(thread, NULL);
    close(listen_fd);
}
