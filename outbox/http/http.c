/* http: see http.h.
 *
 * libcurl's multi *socket* interface: it tells which descriptors to watch and when to
 * call it: http_curl_watch. */
#include "outbox/http/http.h"
#include "outbox/http/http_curl_memory.h"
#include "outbox/http/http_curl_transfer.h"
#include "outbox/http/http_curl_watch.h"
#include "outbox/wire/remote.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Handled at once, before the rest of the loop has its turn. */
#define EVENTS_MAX 128

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct http_curl_watches watches;
    struct loop_op poll_op;
    bool polling;
    struct http_curl_transfer *transfers;
    size_t transfer_count;
    struct http_curl_transfer *free;
    size_t under_way;
    void (*closed_fn)(void *arg);
    void *closed_arg;
};

/* --- descriptors --- */

static void act(struct http *http, const struct epoll_event *event)
{
    int running, fd = http_curl_watch_of(&http->watches, event);
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
    http_curl_watches_fini(&http->watches);
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
    http_curl_watch_want(&http->watches, fd, wanted);
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
    http_curl_watch_start(&http->watches, fd);
    return fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
    struct http *http = arg;
    http_curl_watch_close(&http->watches, fd);
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

static void finish(struct http_curl_transfer *transfer, CURLcode code)
{
    struct http *http = transfer->http;
    struct http_request *request = transfer->request;
    struct http_reply reply = http_curl_transfer_reply(transfer, code);
    curl_multi_remove_handle(http->multi, transfer->easy);
    transfer->request = NULL;
    http->under_way--;
    request->fn(request, &reply);
    transfer->next_free = http->free; /* only now: the reply's body was the transfer's */
    http->free = transfer;
}

static void collect(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        struct http_curl_transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code);
    }
}

/* --- the door --- */

/* on_words: a connection that is going away tells so to whoever reads it. */
static int on_words(CURL *easy, curl_infotype kind, char *data, size_t bytes, void *arg)
{
    (void)easy;
    struct http_curl_transfer *reader = arg;
    uint32_t last;
    if (kind != CURLINFO_TEXT ||
        !http_curl_transfer_hear(reader, (struct text){data, bytes}, &last))
        return 0;
    struct http *http = reader->http;
    for (size_t i = 0; i < http->transfer_count; i++) {
        struct http_curl_transfer *transfer = &http->transfers[i];
        if (transfer->request && transfer->port == reader->port &&
            transfer->stream > last)
            transfer->refused = true;
    }
    return 0;
}

static void global_init(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, http_curl_memory_malloc,
                         http_curl_memory_free, http_curl_memory_realloc,
                         http_curl_memory_strdup, http_curl_memory_calloc);
}

static int add_transfer(struct http *http)
{
    struct http_curl_transfer *transfer = &http->transfers[http->transfer_count++];
    if (http_curl_transfer_init(transfer, http) != 0)
        return -1;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_words);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    transfer->next_free = http->free;
    http->free = transfer;
    return 0;
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
    if (http_curl_watches_init(&http->watches) != 0) {
        http_destroy(&http);
        return error_io(err, "HTTP cannot start: epoll_create1");
    }
    http->poll_op = (struct loop_op){.fn = on_poll, .arg = http};
    http->multi = curl_multi_init();
    bool ok = http->multi;
    while (ok && http->transfer_count < count)
        ok = add_transfer(http) == 0;
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
    for (size_t i = 0; i < http->transfer_count; i++)
        http_curl_transfer_trust(&http->transfers[i], ca_file, unverified);
}

void http_send(struct http *http, struct http_request *request)
{
    CHECK(!http->closed_fn && http->under_way < http->transfer_count - 1);
    struct http_curl_transfer *transfer = http->free;
    http->free = transfer->next_free;
    http_curl_transfer_take(transfer, request);
    http->under_way++;
    CHECK(curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK);
}

/* Connections close with the multi handle; their callbacks still need the transfers'
 * http. */
static void clean_up_curl(struct http *http)
{
    for (size_t i = 0; i < http->transfer_count; i++) {
        struct http_curl_transfer *transfer = &http->transfers[i];
        if (transfer->easy && transfer->request)
            curl_multi_remove_handle(http->multi, transfer->easy);
        http_curl_transfer_fini(transfer);
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
    http_curl_watches_fini(&h->watches);
    for (size_t i = 0; i < h->transfer_count; i++) {
        buffer_fini(&h->transfers[i].body);
        free(h->transfers[i].known_url);
    }
    free(h->transfers);
    free(h);
    *http = NULL;
}
