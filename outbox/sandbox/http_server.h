/* http_server: the receiving side of one HTTP/1.1 connection: keep-alive, pipelining,
 * bodies with a length or in chunks, 100-continue. Bytes in, replies out; no socket. */
#ifndef OUTBOX_SANDBOX_HTTP_SERVER_H
#define OUTBOX_SANDBOX_HTTP_SERVER_H

#include "outbox/sandbox/http_request.h"

/* Answers one request. Returns false to close the connection once out has been sent. */
typedef bool http_answer_fn(void *arg, const struct http_request *request,
                            struct buffer *out);

struct http_server {
    http_answer_fn *answer;
    void *arg;
    bool continued;   /* the request that comes in has its 100 Continue */
    struct buffer in; /* the start of a request whose rest has not come */
    struct buffer chunks;
};

void http_server_init(struct http_server *server, http_answer_fn *answer, void *arg);
void http_server_fini(struct http_server *server);
bool http_server_feed(struct http_server *server, const char *data, size_t bytes,
                      struct buffer *out);

/* http_reply: status line, headers and a JSON body; headers is "" or lines with their
 * CRLF. */
void http_reply(struct buffer *out, int status, const char *headers, struct text body);

#endif
