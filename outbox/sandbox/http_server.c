/* http_server: see http_server.h. */
#include "outbox/sandbox/http_server.h"

#include <stdio.h>

/* Buffers above this go back to the heap when they are empty. */
#define KEPT_BYTES (256u << 10)

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Status";
}

void http_reply(struct buffer *out, int status, const char *headers, struct text body)
{
    buffer_format(
        out,
        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
        "\r\n",
        status, reason_of(status), headers, body.bytes);
    buffer_text(out, body);
}

static void refuse(struct buffer *out, int status)
{
    char body[96];
    int bytes =
        snprintf(body, sizeof(body), "{\"code\":%d,\"message\":\"%s\",\"status\":%d}",
                 status, reason_of(status), status);
    http_reply(out, status, "Connection: close\r\n", (struct text){body, (size_t)bytes});
}

/* answer_all: every whole request of input; what is left of it remains in *input. */
static bool answer_all(struct http_server *server, struct text *input, struct buffer *out)
{
    while (input->bytes > 0) {
        struct http_request request;
        int64_t used = http_request_parse(*input, &server->chunks, &request);
        if (used < 0) {
            refuse(out, (int)-used);
            return false;
        }
        if (used == 0) {
            if (request.head_bytes > 0 && request.expects_continue &&
                !server->continued) {
                buffer_string(out, "HTTP/1.1 100 Continue\r\n\r\n");
                server->continued = true;
            }
            return true;
        }
        server->continued = false;
        if (!server->answer(server->arg, &request, out) || !request.keeps_alive)
            return false;
        input->data += used;
        input->bytes -= (size_t)used;
    }
    return true;
}

static void keep_rest(struct http_server *server, struct text rest)
{
    if (server->in.bytes == 0) {
        buffer_text(&server->in, rest);
        return;
    }
    memmove(server->in.data, rest.data, rest.bytes);
    server->in.bytes = rest.bytes;
    if (rest.bytes == 0 && server->in.capacity_bytes > KEPT_BYTES)
        buffer_fini(&server->in);
}

bool http_server_feed(struct http_server *server, const char *data, size_t bytes,
                      struct buffer *out)
{
    struct text input = {data, bytes};
    if (server->in.bytes > 0) {
        buffer_text(&server->in, input);
        input = buffer_view(&server->in);
    }
    bool stays = answer_all(server, &input, out);
    if (stays)
        keep_rest(server, input);
    return stays;
}

void http_server_init(struct http_server *server, http_answer_fn *answer, void *arg)
{
    *server = (struct http_server){.answer = answer, .arg = arg};
}

void http_server_fini(struct http_server *server)
{
    buffer_fini(&server->in);
    buffer_fini(&server->chunks);
}
