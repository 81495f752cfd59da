/* http: see http.h.
 *
 * libcurl's multi *socket* interface: it tells which descriptors to watch and when to
 * call it: http_watch.
 *
 * libcurl repeats a request by itself when a reused connection closes before a byte of
 * the reply (Curl_retry_request), also a POST whose bytes are out already: the server may
 * have acted on it. The pre-request callback sees the second attempt coming and refuses
 * it, unless nothing was sent. */
#include "outbox/wire/http.h"
#include "outbox/wire/http_memory.h"
#include "outbox/wire/http_watch.h"
#include "outbox/wire/remote.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Connections idle for longer are not used again: many servers drop them about then, and
 * a request that meets the drop ends as "lost". */
#define IDLE_S 30L

/* Handled at once, before the rest of the loop has its turn. */
#define EVENTS_MAX 128

/* libcurl asks for 100-continue only for bodies above a megabyte, older ones above a
 * kilobyte. */
#define EXPECT_BYTES 1024

struct transfer {
    struct http *http;
    CURL *easy;
    CURLU *url; /* known_url, parsed */
    char *known_url;
    struct transfer *next_free;
    struct http_request *request;
    struct curl_slist headers[HTTP_HEADERS_MAX + 2]; /* two of ours, and the request's */
    long timeout_ms;                                 /* libcurl knows it already */
    unsigned attempts; /* how often libcurl was about to send it */
    bool truncated;
    struct buffer body;
    char words[CURL_ERROR_SIZE];
};

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct http_watches watches;
    struct loop_op poll_op;
    bool polling;
    struct transfer *transfers;
    size_t transfer_count;
    struct transfer *free;
    size_t under_way;
    void (*closed_fn)(void *arg);
    void *closed_arg;
};

/* --- descriptors --- */

static void act(struct http *http, const struct epoll_event *event)
{
    int running, fd = http_watch_of(&http->watches, event);
    if (fd < 0)
        return;
    int happened = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(http->multi, fd, happened, &running);
}

static void collect(struct http *http);

static void finish_close(struct http *http)
{
    http_watches_fini(&http->watches);
    http->closed_fn(http->closed_arg);
}

static void poll_more(struct http *http)
{
    http->polling = true;
    loop_poll(http->loop, &http->poll_op, http->watches.epoll_fd, POLLIN);
}

static void on_poll(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct http *http = op->arg;
    struct epoll_event events[EVENTS_MAX];
    http->polling = false;
    if (!http->closed_fn) {
        int count =
            res > 0 ? epoll_wait(http->watches.epoll_fd, events, EVENTS_MAX, 0) : 0;
        for (int i = 0; i < count; i++)
            act(http, &events[i]);
        collect(http); /* may close */
    }
    if (http->closed_fn)
        finish_close(http);
    else
        poll_more(http);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    (void)easy;
    (void)unused;
    struct http *http = arg;
    uint32_t wanted = what == CURL_POLL_REMOVE ? 0
                      : what == CURL_POLL_IN   ? EPOLLIN
                      : what == CURL_POLL_OUT  ? EPOLLOUT
                                               : EPOLLIN | EPOLLOUT;
    http_watch_want(&http->watches, fd, wanted);
    return 0;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct http *http = arg;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    remote_tune(fd, &address->addr);
    http_watch_start(&http->watches, fd);
    return fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
    struct http *http = arg;
    http_watch_close(&http->watches, fd);
    return 0;
}

static int on_multi_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http *http = arg;
    if (timeout_ms < 0)
        loop_timer_disarm(http->loop, &http->timer);
    else
        loop_timer_arm(http->loop, &http->timer,
                       loop_now_ns(http->loop) + timeout_ms * NS_PER_MS);
    return 0;
}

static void on_timer(struct loop_timer *timer)
{
    struct http *http = timer->arg;
    int running;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(http);
}

/* --- transfers --- */

static long request_bytes(struct transfer *transfer)
{
    long bytes = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes;
}

static int on_before_request(void *arg, char *peer_ip, char *own_ip, int peer_port,
                             int own_port)
{
    (void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
    struct transfer *transfer = arg;
    bool again = transfer->attempts++ > 0;
    return again && request_bytes(transfer) > 0 ? CURL_PREREQFUNC_ABORT
                                                : CURL_PREREQFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t bytes = size * count;
    size_t room = HTTP_REPLY_BYTES_MAX - transfer->body.bytes;
    transfer->truncated |= bytes > room;
    buffer_add(&transfer->body, data, bytes < room ? bytes : room);
    return bytes;
}

static enum http_end end_of(struct transfer *transfer, CURLcode code, unsigned status)
{
    /* with a final status the server has spoken, even when the connection broke in the
     * body */
    if (code == CURLE_OK || status >= 200)
        return HTTP_REPLY;
    if (request_bytes(transfer) == 0)
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

static void finish(struct transfer *transfer, CURLcode code)
{
    struct http *http = transfer->http;
    struct http_request *request = transfer->request;
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    struct http_reply reply = {
        .end = end_of(transfer, code, (unsigned)status),
        .status = (unsigned)status,
        .body = buffer_view(&transfer->body),
        .truncated = transfer->truncated || code != CURLE_OK,
        .retry_after_ns = retry_after_s < 0       ? 0
                          : retry_after_s > 86400 ? 86400 * NS_PER_S
                                                  : retry_after_s * NS_PER_S,
        .transfer = transfer,
    };
    if (reply.end != HTTP_REPLY && code == CURLE_ABORTED_BY_CALLBACK)
        reply.words = TEXT("the connection closed before a reply came");
    else if (reply.end == HTTP_GARBLED && code == CURLE_UNSUPPORTED_PROTOCOL)
        reply.words = TEXT("what came back is not HTTP");
    else if (reply.end != HTTP_REPLY)
        reply.words =
            text_of(transfer->words[0] ? transfer->words : curl_easy_strerror(code));
    curl_multi_remove_handle(http->multi, transfer->easy);
    transfer->request = NULL;
    http->under_way--;
    request->fn(request, &reply);
    transfer->next_free = http->free; /* only now: the reply's body was the transfer's */
    http->free = transfer;
}

struct text http_reply_header(const struct http_reply *reply, const char *name)
{
    const struct transfer *transfer = reply->transfer;
    struct curl_header *header;
    if (!transfer ||
        curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return TEXT_NONE;
    return text_of(header->value);
}

static void collect(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        struct transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code);
    }
}

/* --- the door --- */

static void global_init(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, http_memory_malloc, http_memory_free,
                         http_memory_realloc, http_memory_strdup, http_memory_calloc);
}

static bool transfer_init(struct transfer *transfer, struct http *http)
{
    transfer->http = http;
    CURL *easy = transfer->easy = curl_easy_init();
    transfer->url = curl_url();
    if (!easy || !transfer->url)
        return false;
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
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http);
    transfer->next_free = http->free;
    http->free = transfer;
    return true;
}

int http_create(struct loop *loop, size_t requests_max, struct http **out,
                struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
    struct http *http = calloc(1, sizeof(*http));
    CHECK(http);
    http->loop = loop;
    http->timer = (struct loop_timer){.fn = on_timer, .arg = http};
    /* one to spare: a request's fn may start the next one while its reply is still in use
     */
    size_t count = requests_max + 1;
    http->transfers = calloc(count, sizeof(*http->transfers));
    CHECK(http->transfers);
    if (http_watches_init(&http->watches) != 0) {
        http_destroy(&http);
        return error_io(err, "HTTP cannot start: epoll_create1");
    }
    http->poll_op = (struct loop_op){.fn = on_poll, .arg = http};
    http->multi = curl_multi_init();
    bool ok = http->multi;
    while (ok && http->transfer_count < count)
        ok = transfer_init(&http->transfers[http->transfer_count++], http);
    if (!ok) {
        http_destroy(&http);
        return error_set(err, ERROR_BUG, "libcurl does not start");
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_multi_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)requests_max);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)requests_max);
    poll_more(http);
    *out = http;
    return 0;
}

void http_trust(struct http *http, const char *ca_file, bool unverified)
{
    for (size_t i = 0; i < http->transfer_count; i++) {
        CURL *easy = http->transfers[i].easy;
        if (ca_file[0]) {
            curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
            curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        }
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, unverified ? 0L : 1L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, unverified ? 0L : 2L);
    }
}

/* libcurl copies what it adds itself to a POST, but formats each header of a list byte by byte. */
#define FORM_HEADER "Content-Type: application/x-www-form-urlencoded"

static bool is_added_anyway(const struct http_request *request, const char *header)
{
    return request->method[0] == 'P' && strcmp(header, FORM_HEADER) == 0;
}

/* Our strings as libcurl's list, which it only reads. User-Agent stands here because
 * CURLOPT_USERAGENT is formatted twice for each request; "Expect:" takes away
 * 100-continue. */
static void list_headers(struct transfer *transfer, const struct http_request *request)
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
static void set_url(struct transfer *transfer, const char *url)
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

void http_send(struct http *http, struct http_request *request)
{
    CHECK(!http->closed_fn && http->under_way < http->transfer_count - 1);
    struct transfer *transfer = http->free;
    http->free = transfer->next_free;
    transfer->request = request;
    transfer->attempts = 0;
    transfer->truncated = false;
    transfer->words[0] = '\0';
    buffer_clear(&transfer->body);
    list_headers(transfer, request);
    set_url(transfer, request->url);
    CURL *easy = transfer->easy;
    /* connecting is part of it and needs no timer of its own */
    long timeout_ms = (long)(request->timeout_ns / NS_PER_MS);
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
    http->under_way++;
    CHECK(curl_multi_add_handle(http->multi, easy) == CURLM_OK);
}

/* Connections close with the multi handle; their callbacks still need the transfers'
 * http. */
static void clean_up_curl(struct http *http)
{
    for (size_t i = 0; i < http->transfer_count; i++) {
        struct transfer *transfer = &http->transfers[i];
        if (transfer->easy && transfer->request)
            curl_multi_remove_handle(http->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        curl_url_cleanup(transfer->url);
        transfer->easy = NULL;
        transfer->url = NULL;
    }
    curl_multi_cleanup(http->multi);
    http->multi = NULL;
    loop_timer_disarm(http->loop, &http->timer);
}

void http_close(struct http *http, void (*fn)(void *arg), void *arg)
{
    CHECK(http->under_way == 0 && !http->closed_fn);
    clean_up_curl(http);
    http->closed_fn = fn;
    http->closed_arg = arg;
    if (http->polling)
        loop_cancel(http->loop, &http->poll_op);
}

void http_destroy(struct http **http)
{
    struct http *h = *http;
    if (!h)
        return;
    if (h->multi)
        clean_up_curl(h);
    http_watches_fini(&h->watches);
    for (size_t i = 0; i < h->transfer_count; i++) {
        buffer_fini(&h->transfers[i].body);
        free(h->transfers[i].known_url);
    }
    free(h->transfers);
    free(h);
    *http = NULL;
}
