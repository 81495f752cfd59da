/* http1_request: see http1_request.h. */
#include "outbox/http/http1_request.h"

#include <strings.h>

/* --- URLs --- */

static bool ends_with(struct text t, const char *end)
{
    size_t bytes = strlen(end);
    return t.bytes >= bytes && memcmp(t.data + t.bytes - bytes, end, bytes) == 0;
}

int http1_url_parse(const char *url, struct http1_url *out)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return -1;
    const char *host = url + (tls ? 8 : 7);
    size_t host_bytes = strcspn(host, "/?#");
    const char *target = host + host_bytes;
    size_t target_bytes = strcspn(target, "#");
    for (const char *at = host; at < target + target_bytes; at++) {
        if (*at <= ' ' || *at >= 0x7F || (*at == '@' && at < target))
            return -1;
    }
    *out = (struct http1_url){.tls = tls,
                              .origin = {url, (size_t)(target - url)},
                              .host = {host, host_bytes},
                              .target = {target, target_bytes}};
    const char *standard = tls ? ":443" : ":80";
    if (ends_with(out->host, standard))
        out->host.bytes -= strlen(standard);
    return host_bytes > 0 ? 0 : -1;
}

int http1_url_remote(const struct http1_url *url, struct remote *out)
{
    return remote_parse(url->origin, url->tls ? "https" : "http", url->tls ? "443" : "80",
                        out);
}

/* --- requests --- */

/* In this order they have always gone out. A request may say them itself. */
static const struct text usual[] = {TEXT("Host: "), TEXT("Accept: */*"),
                                    TEXT("User-Agent: volley")};

static bool is_said(const struct http_request *request, struct text header)
{
    size_t bytes =
        (size_t)((const char *)memchr(header.data, ':', header.bytes) - header.data + 1);
    for (size_t i = 0; request->headers[i]; i++) {
        if (strncasecmp(request->headers[i], header.data, bytes) == 0)
            return true;
    }
    return false;
}

static void write_line(struct buffer *out, struct text line)
{
    buffer_text(out, line);
    buffer_text(out, TEXT("\r\n"));
}

void http1_request_write(struct buffer *out, const struct http1_url *url,
                         const struct http_request *request)
{
    buffer_string(out, request->method);
    bool slash = url->target.bytes > 0 && url->target.data[0] == '/';
    buffer_string(out, slash ? " " : " /");
    buffer_text(out, url->target);
    buffer_text(out, TEXT(" HTTP/1.1\r\n"));
    for (size_t i = 0; i < ARRAY_COUNT(usual); i++) {
        if (is_said(request, usual[i]))
            continue;
        buffer_text(out, usual[i]);
        write_line(out, i == 0 ? url->host : TEXT(""));
    }
    for (size_t i = 0; request->headers[i]; i++)
        write_line(out, text_of(request->headers[i]));
    if (strcmp(request->method, "GET") != 0) {
        buffer_text(out, TEXT("Content-Length: "));
        buffer_decimal(out, request->body.bytes);
        buffer_text(out, TEXT("\r\n"));
    }
    buffer_text(out, TEXT("\r\n"));
    if (strcmp(request->method, "GET") != 0)
        buffer_text(out, request->body);
}
