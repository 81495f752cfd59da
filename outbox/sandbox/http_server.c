/* http_server: see http_server.h. */
#include "outbox/sandbox/http_server.h"

/* Buffers above this go back to the heap when they are empty. */
#define KEPT_BYTES (256u << 10)

static const struct {
    int status;
    const char *line;
} status_lines[] = {
    {200, "HTTP/1.1 200 OK\r\n"},
    {201, "HTTP/1.1 201 Created\r\n"},
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {401, "HTTP/1.1 401 Unauthorized\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {413, "HTTP/1.1 413 Content Too Large\r\n"},
    {429, "HTTP/1.1 429 Too Many Requests\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n"},
    {501, "HTTP/1.1 501 Not Implemented\r\n"},
    {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
};

static const char *status_line(int status)
{
    for (size_t i = 0; i < ARRAY_COUNT(status_lines); i++) {
        if (status_lines[i].status == status)
            return status_lines[i].line;
    }
    CHECK(!"a status that is in the table");
    return "";
}

static void add_number(struct buffer *out, size_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buffer_add(out, digits + at, sizeof(digits) - at);
}

/* Once per message: put together by hand, printf would be a tenth of the whole server. */
void http_reply(struct buffer *out, int status, const char *headers, struct text body)
{
    buffer_string(out, status_line(status));
    buffer_string(out, headers);
    buffer_text(out, TEXT("Content-Type: application/json\r\nContent-Length: "));
    add_number(out, body.bytes);
    buffer_text(out, TEXT("\r\n\r\n"));
    buffer_text(out, body);
}

static void refuse(struct buffer *out, int status)
{
    http_reply(out, status, "Connection: close\r\n",
               TEXT("{\"error\":\"the request cannot be read\"}"));
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
