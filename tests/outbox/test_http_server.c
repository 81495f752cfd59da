#include "outbox/sandbox/http_server.h"

#include <criterion/criterion.h>

/* --- the parser --- */

static const struct {
    const char *what;
    const char *input;
    int64_t result; /* bytes, 0 for more, or the status negated; -1: all of it */
    const char *path, *body;
} requests[] = {
    {"no body", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", -1, "/a", ""},
    {"a length", "POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", -1, "/p", "abc"},
    {"what follows stays", "POST /p HTTP/1.1\r\ncontent-length:1\r\n\r\nabc", 39, "/p",
     "a"},
    {"chunks",
     "POST /p HTTP/1.1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
     "0\r\nTrailer: x\r\n\r\n",
     -1, "/p", "abc0123456789"},
    {"an empty line first", "\r\nGET / HTTP/1.0\r\n\r\n", -1, "/", ""},
    {"half a head", "POST /p HTTP/1.1\r\nContent-Le", 0, NULL, NULL},
    {"half a body", "POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", 0, NULL, NULL},
    {"half a chunk", "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", 0,
     NULL, NULL},
    {"no last chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 0,
     NULL, NULL},
    {"bare LF", "GET / HTTP/1.1\nHost: x\n\n", -400, NULL, NULL},
    {"a length and chunks",
     "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", -400,
     NULL, NULL},
    {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     -400, NULL, NULL},
    {"a signed length", "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", -400, NULL,
     NULL},
    {"a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", -400, NULL, NULL},
    {"a folded line", "GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", -400, NULL, NULL},
    {"too large", "POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", -413, NULL, NULL},
    {"a chunk too large",
     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n", -413, NULL,
     NULL},
    {"another coding", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", -501, NULL,
     NULL},
    {"no size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n;\r\n", -400, NULL,
     NULL},
    {"another version", "GET / HTTP/2.0\r\n\r\n", -505, NULL, NULL},
    {"not HTTP", "EHLO me\r\n", -400, NULL, NULL},
};

Test(http_request, parses)
{
    struct buffer chunks = {0};
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        struct text input = text_of(requests[i].input);
        struct http_request request;
        int64_t expected =
            requests[i].result == -1 ? (int64_t)input.bytes : requests[i].result;
        cr_assert_eq(http_request_parse(input, &chunks, &request), expected, "%s",
                     requests[i].what);
        if (expected <= 0)
            continue;
        cr_assert(text_is(request.path, requests[i].path), "%s", requests[i].what);
        cr_assert(text_is(request.body, requests[i].body), "%s", requests[i].what);
        for (size_t cut = 0; cut < (size_t)expected; cut++)
            cr_assert_eq(
                http_request_parse((struct text){input.data, cut}, &chunks, &request), 0,
                "%s cut at %zu", requests[i].what, cut);
    }
    buffer_fini(&chunks);
}

Test(http_request, bounds_the_head)
{
    struct buffer input = {0}, chunks = {0};
    struct http_request request;
    buffer_string(&input, "GET / HTTP/1.1\r\n");
    while (input.bytes < HTTP_HEAD_BYTES_MAX)
        buffer_string(&input, "X-Long: yes\r\n");
    cr_assert_eq(http_request_parse(buffer_view(&input), &chunks, &request), -431);
    buffer_fini(&input);
}

/* --- the session --- */

static bool echo(void *arg, const struct http_request *request, struct buffer *out)
{
    (void)arg;
    buffer_format(out, "[%.*s %.*s]", TEXT_ARGS(request->path), TEXT_ARGS(request->body));
    return !text_is(request->path, "/drop");
}

static const struct {
    const char *what, *input, *replies;
    bool closes;
} sessions[] = {
    {"pipelined",
     "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /3 "
     "HTTP/1.1\r\n\r\n",
     "[/1 ][/2 hi][/3 ]", false},
    {"close", "GET /1 HTTP/1.1\r\nConnection: x, Close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
     "[/1 ]", true},
    {"1.0 closes", "GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", "[/1 ]", true},
    {"1.0 stays when asked",
     "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
     "[/1 ][/2 ]", false},
    {"the handler closes", "GET /drop HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
     "[/drop ]", true},
    {"chunked",
     "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /2 "
     "HTTP/1.1\r\n\r\n",
     "[/1 hi][/2 ]", false},
};

Test(http_server, answers_however_the_bytes_are_cut)
{
    for (size_t i = 0; i < ARRAY_COUNT(sessions); i++) {
        size_t bytes = strlen(sessions[i].input);
        for (size_t step = 1; step <= bytes; step++) {
            struct http_server server;
            struct buffer out = {0};
            bool stays = true;
            http_server_init(&server, echo, NULL);
            for (size_t at = 0; stays && at < bytes; at += step)
                stays = http_server_feed(&server, sessions[i].input + at,
                                         bytes - at < step ? bytes - at : step, &out);
            cr_assert_str_eq(buffer_view(&out).data, sessions[i].replies, "%s, step %zu",
                             sessions[i].what, step);
            cr_assert_eq(stays, !sessions[i].closes, "%s", sessions[i].what);
            http_server_fini(&server);
            buffer_fini(&out);
        }
    }
}

Test(http_server, says_continue_once)
{
    struct http_server server;
    struct buffer out = {0};
    http_server_init(&server, echo, NULL);
    const char *head =
        "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    cr_assert(http_server_feed(&server, head, strlen(head), &out));
    cr_assert_str_eq(out.data, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_assert(http_server_feed(&server, "ab", 2, &out));
    cr_assert(http_server_feed(&server, "cd", 2, &out));
    cr_assert_str_eq(out.data, "HTTP/1.1 100 Continue\r\n\r\n[/1 abcd]");
    http_server_fini(&server);
    buffer_fini(&out);
}

Test(http_server, refuses_and_closes)
{
    struct http_server server;
    struct buffer out = {0};
    http_server_init(&server, echo, NULL);
    cr_assert(!http_server_feed(&server, "nonsense\r\n", 10, &out));
    cr_assert_str_eq(out.data,
                     "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: 38\r\n\r\n"
                     "{\"error\":\"the request cannot be read\"}");
    http_server_fini(&server);
    buffer_fini(&out);
}
