/* http_curl_transfer: see http_curl_transfer.h.
 *
 * libcurl repeats a request by itself when a reused connection closes before a byte of
 * the reply (Curl_retry_request), also a POST whose bytes are out already: the server may
 * have acted on it. The pre-request callback sees the second attempt coming and refuses
 * it, unless nothing was sent, or the server has said that it did not look: with GOAWAY,
 * which is how HTTP/2 servers end a connection after so many requests (RFC 9113, 6.8). That
 * is to be had in libcurl's own words only; with words that we do not know the message stays
 * in doubt. */
#include "outbox/http/http_curl_transfer.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Connections idle for longer are not used again: many servers drop them about then, and
 * a request that meets the drop ends as "lost". */
#define IDLE_S 30L

/* libcurl asks for 100-continue only for bodies above a megabyte, older ones above a
 * kilobyte. */
#define EXPECT_BYTES 1024

static long request_bytes(struct http_curl_transfer *transfer)
{
    long bytes = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes;
}

static int on_before_request(void *arg, char *peer_ip, char *own_ip, int peer_port,
                             int own_port)
{
    (void)peer_ip, (void)own_ip, (void)peer_port;
    struct http_curl_transfer *transfer = arg;
    bool again = transfer->attempts > 0 && !transfer->refused;
    if (again && request_bytes(transfer) > 0)
        return CURL_PREREQFUNC_ABORT;
    transfer->attempts = 1;
    transfer->port = own_port;
    transfer->stream = 0;
    transfer->refused = false;
    return CURL_PREREQFUNC_OK;
}

/* number_behind: the number that follows these words in a line; false: they are not in it. */
static bool number_behind(struct text line, const char *words, uint32_t *out)
{
    size_t bytes = strlen(words);
    const char *at = memmem(line.data, line.bytes, words, bytes), *end;
    if (!at)
        return false;
    at += bytes, end = line.data + line.bytes;
    uint64_t number = 0;
    const char *first = at;
    for (; at < end && *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    *out = (uint32_t)number;
    return at > first && number <= UINT32_MAX;
}

bool http_curl_transfer_hear(struct http_curl_transfer *transfer, struct text words,
                             uint32_t *last_out)
{
    uint32_t stream;
    if (number_behind(words, "Using Stream ID: ", &stream))
        transfer->stream = stream;
    return number_behind(words, " GOAWAY, error=", &stream) &&
           number_behind(words, ", last_stream=", last_out);
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_curl_transfer *transfer = arg;
    size_t bytes = size * count;
    size_t room = HTTP_REPLY_BYTES_MAX - transfer->body.bytes;
    transfer->truncated |= bytes > room;
    buffer_add(&transfer->body, data, bytes < room ? bytes : room);
    return bytes;
}

static enum http_end end_of(struct http_curl_transfer *transfer, CURLcode code,
                            unsigned status)
{
    /* with a final status the server has spoken, even when the connection broke in the
     * body */
    if (code == CURLE_OK || status >= 200)
        return HTTP_REPLY;
    if (request_bytes(transfer) == 0 || transfer->refused)
        return HTTP_NOT_CONNECTED;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMEOUT;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, as libcurl takes what has no status line
                                      */
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HTTP_GARBLED;
    default:
        return HTTP_LOST;
    }
}

static struct text header(const void *carrier, const char *name)
{
    const struct http_curl_transfer *transfer = carrier;
    struct curl_header *found;
    if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return TEXT_NONE;
    return text_of(found->value);
}

struct http_reply http_curl_transfer_reply(struct http_curl_transfer *transfer,
                                           CURLcode code)
{
    long status = 0, version = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK &&
        version != 0)
        transfer->http2 = version == CURL_HTTP_VERSION_2_0;
    struct http_reply reply = {
        .end = end_of(transfer, code, (unsigned)status),
        .status = (unsigned)status,
        .body = buffer_view(&transfer->body),
        .truncated = transfer->truncated || code != CURLE_OK,
        .retry_after_ns = retry_after_s < 0       ? 0
                          : retry_after_s > 86400 ? 86400 * NS_PER_S
                                                  : retry_after_s * NS_PER_S,
        .header_fn = header,
        .carrier = transfer,
    };
    if (reply.end != HTTP_REPLY && code == CURLE_ABORTED_BY_CALLBACK)
        reply.words = TEXT("the connection closed before a reply came");
    else if (reply.end == HTTP_GARBLED && code == CURLE_UNSUPPORTED_PROTOCOL)
        reply.words = TEXT("what came back is not HTTP");
    else if (reply.end != HTTP_REPLY)
        reply.words =
            text_of(transfer->words[0] ? transfer->words : curl_easy_strerror(code));
    return reply;
}

int http_curl_transfer_init(struct http_curl_transfer *transfer, struct http_curl *curl)
{
    transfer->curl = curl;
    CURL *easy = transfer->easy = curl_easy_init();
    transfer->url = curl_url();
    if (!easy || !transfer->url)
        return -1;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    /* no proxy; an empty CURLOPT_PROXY would say it too, behind a look into the
     * environment for each request */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_S);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    return 0;
}

void http_curl_transfer_fini(struct http_curl_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_url_cleanup(transfer->url);
    transfer->easy = NULL;
    transfer->url = NULL;
}

void http_curl_transfer_trust(struct http_curl_transfer *transfer, const char *ca_file,
                              bool unverified)
{
    CURL *easy = transfer->easy;
    if (ca_file[0]) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, unverified ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, unverified ? 0L : 2L);
}

/* What libcurl adds to a POST by itself. That it copies, while it formats the headers of a list byte
 * by byte, at over a hundred instructions for each. */
#define FORM_HEADER "Content-Type: application/x-www-form-urlencoded"

static bool is_added_anyway(const struct http_request *request, const char *header)
{
    return request->method[0] == 'P' && strcmp(header, FORM_HEADER) == 0;
}

/* Our strings as libcurl's list, which it only reads. User-Agent stands here because
 * CURLOPT_USERAGENT is formatted twice for each request; "Expect:" takes away
 * 100-continue. */
static void list_headers(struct http_curl_transfer *transfer,
                         const struct http_request *request)
{
    struct curl_slist *headers = transfer->headers;
    size_t count = 0;
    headers[count++].data = (char *)(uintptr_t) "User-Agent: volley";
    if (request->body.bytes >= EXPECT_BYTES)
        headers[count++].data = (char *)(uintptr_t) "Expect:";
    for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
        if (!is_added_anyway(request, request->headers[i]))
            headers[count++].data = (char *)(uintptr_t)request->headers[i];
    }
    for (size_t i = 0; i < count; i++)
        headers[i].next = i + 1 < count ? &headers[i + 1] : NULL;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, headers);
}

/* The bytes of a URL in front of its path, when the path is such that libcurl would send it as it
 * is; else 0. */
static size_t origin_bytes(const char *url)
{
    const char *scheme_end = strstr(url, "://");
    const char *host = scheme_end ? scheme_end + 3 : url;
    const char *path = host + strcspn(host, "/?#");
    if (!scheme_end || *path != '/' || strstr(path, "/."))
        return 0;
    for (const char *at = path; *at; at++) {
        if (*at <= ' ' || *at >= 0x7F || *at == '#')
            return 0;
    }
    return (size_t)(path - url);
}

/* Requests to one provider mostly have one URL. Given as text, libcurl parses it for each
 * request, a quarter of all it does for one; so it is given parsed, and without its path,
 * of which it would look at each byte again: that is given as the request's target. What
 * does not parse goes to libcurl as it is, which says why not. */
static void set_url(struct http_curl_transfer *transfer, const char *url)
{
    if (transfer->known_url && strcmp(transfer->known_url, url) == 0)
        return;
    free(transfer->known_url);
    transfer->known_url = strdup(url);
    CHECK(transfer->known_url);
    CURL *easy = transfer->easy;
    size_t origin = origin_bytes(url);
    char *whole = origin > 0 ? strndup(url, origin) : transfer->known_url;
    CHECK(whole);
    bool parsed = curl_url_set(transfer->url, CURLUPART_URL, whole, 0) == CURLUE_OK;
    if (whole != transfer->known_url)
        free(whole);
    curl_easy_setopt(easy, CURLOPT_URL, parsed ? NULL : url);
    curl_easy_setopt(easy, CURLOPT_CURLU, parsed ? transfer->url : NULL);
    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET,
                     parsed && origin > 0 ? url + origin : NULL);
    /* Wait for the first connection to say whether it carries them all (HTTP/2). Without TLS none
     * does here, and the others would wait for its first reply. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncmp(url, "https:", 6) == 0 ? 1L : 0L);
}

void http_curl_transfer_take(struct http_curl_transfer *transfer,
                             struct http_request *request, int64_t timeout_ns)
{
    transfer->request = request;
    transfer->attempts = 0;
    transfer->port = 0;
    transfer->stream = 0;
    transfer->refused = false;
    transfer->truncated = false;
    transfer->words[0] = '\0';
    buffer_clear(&transfer->body);
    list_headers(transfer, request);
    set_url(transfer, request->url);
    CURL *easy = transfer->easy;
    if (transfer->telling != transfer->http2)
        curl_easy_setopt(easy, CURLOPT_VERBOSE, transfer->http2 ? 1L : 0L);
    transfer->telling = transfer->http2;
    /* connecting is part of it and needs no timer of its own */
    long timeout_ms = timeout_ns > NS_PER_MS ? (long)(timeout_ns / NS_PER_MS) : 1;
    if (timeout_ms != transfer->timeout_ms)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    transfer->timeout_ms = timeout_ms;
    if (strcmp(request->method, "GET") == 0) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)request->body.bytes);
    }
}
