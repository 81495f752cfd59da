/* http_curl: see http_curl.h.
 *
 * libcurl's multi *socket* interface: it tells which descriptors to watch and when to
 * call it: http_curl_watch. */
#include "outbox/http/http_curl.h"
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

struct http_curl {
    struct http *owner;
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

static void act(struct http_curl *curl, const struct epoll_event *event)
{
    int running, fd = http_curl_watch_of(&curl->watches, event);
    if (fd < 0)
        return;
    int happened = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(curl->multi, fd, happened, &running);
}

static void collect(struct http_curl *curl);

static void finish_close(struct http_curl *curl)
{
    http_curl_watches_fini(&curl->watches);
    curl->closed_fn(curl->closed_arg);
}

static void poll_more(struct http_curl *curl)
{
    curl->polling = true;
    loop_poll(curl->loop, &curl->poll_op, curl->watches.epoll_fd, POLLIN);
}

static void on_poll(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct http_curl *curl = op->arg;
    struct epoll_event events[EVENTS_MAX];
    curl->polling = false;
    if (!curl->closed_fn) {
        int count =
            res > 0 ? epoll_wait(curl->watches.epoll_fd, events, EVENTS_MAX, 0) : 0;
        for (int i = 0; i < count; i++)
            act(curl, &events[i]);
        collect(curl); /* may close */
    }
    if (curl->closed_fn)
        finish_close(curl);
    else
        poll_more(curl);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    (void)easy;
    (void)unused;
    struct http_curl *curl = arg;
    uint32_t wanted = what == CURL_POLL_REMOVE ? 0
                      : what == CURL_POLL_IN   ? EPOLLIN
                      : what == CURL_POLL_OUT  ? EPOLLOUT
                                               : EPOLLIN | EPOLLOUT;
    http_curl_watch_want(&curl->watches, fd, wanted);
    return 0;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_curl *curl = arg;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    remote_tune(fd, &address->addr);
    http_curl_watch_start(&curl->watches, fd);
    return fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
    struct http_curl *curl = arg;
    http_curl_watch_close(&curl->watches, fd);
    return 0;
}

static int on_multi_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http_curl *curl = arg;
    if (timeout_ms < 0)
        loop_timer_disarm(curl->loop, &curl->timer);
    else
        loop_timer_arm(curl->loop, &curl->timer,
                       loop_now_ns(curl->loop) + timeout_ms * NS_PER_MS);
    return 0;
}

static void on_timer(struct loop_timer *timer)
{
    struct http_curl *curl = timer->arg;
    int running;
    curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(curl);
}

/* --- transfers --- */

static void finish(struct http_curl_transfer *transfer, CURLcode code)
{
    struct http_curl *curl = transfer->curl;
    struct http_request *request = transfer->request;
    struct http_reply reply = http_curl_transfer_reply(transfer, code);
    curl_multi_remove_handle(curl->multi, transfer->easy);
    transfer->request = NULL;
    curl->under_way--;
    http_end(curl->owner, request, &reply);
    transfer->next_free = curl->free; /* only now: the reply's body was the transfer's */
    curl->free = transfer;
}

static void collect(struct http_curl *curl)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(curl->multi, &left));) {
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
    struct http_curl *curl = reader->curl;
    for (size_t i = 0; i < curl->transfer_count; i++) {
        struct http_curl_transfer *transfer = &curl->transfers[i];
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

static int add_transfer(struct http_curl *curl)
{
    struct http_curl_transfer *transfer = &curl->transfers[curl->transfer_count++];
    if (http_curl_transfer_init(transfer, curl) != 0)
        return -1;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, curl);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_words);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    transfer->next_free = curl->free;
    curl->free = transfer;
    return 0;
}

int http_curl_create(struct loop *loop, size_t requests_max, struct http *owner,
                     struct http_curl **out, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
    struct http_curl *curl = calloc(1, sizeof(*curl));
    CHECK(curl);
    curl->owner = owner;
    curl->loop = loop;
    curl->timer = (struct loop_timer){.fn = on_timer, .arg = curl};
    /* one to spare: a request's fn may start the next one while its reply is still in use
     */
    size_t count = requests_max + 1;
    curl->transfers = calloc(count, sizeof(*curl->transfers));
    CHECK(curl->transfers);
    if (http_curl_watches_init(&curl->watches) != 0) {
        http_curl_destroy(&curl);
        return error_io(err, "HTTP cannot start: epoll_create1");
    }
    curl->poll_op = (struct loop_op){.fn = on_poll, .arg = curl};
    curl->multi = curl_multi_init();
    bool ok = curl->multi;
    while (ok && curl->transfer_count < count)
        ok = add_transfer(curl) == 0;
    if (!ok) {
        http_curl_destroy(&curl);
        return error_set(err, ERROR_BUG, "libcurl does not start");
    }
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_multi_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)requests_max);
    curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, (long)requests_max);
    poll_more(curl);
    *out = curl;
    return 0;
}

void http_curl_trust(struct http_curl *curl, const char *ca_file, bool unverified)
{
    for (size_t i = 0; i < curl->transfer_count; i++)
        http_curl_transfer_trust(&curl->transfers[i], ca_file, unverified);
}

void http_curl_send(struct http_curl *curl, struct http_request *request)
{
    CHECK(!curl->closed_fn && curl->under_way < curl->transfer_count - 1);
    struct http_curl_transfer *transfer = curl->free;
    curl->free = transfer->next_free;
    http_curl_transfer_take(transfer, request,
                            request->deadline_ns - loop_now_ns(curl->loop));
    curl->under_way++;
    CHECK(curl_multi_add_handle(curl->multi, transfer->easy) == CURLM_OK);
}

/* Connections close with the multi handle; their callbacks still need the transfers'
 * curl. */
static void clean_up_curl(struct http_curl *curl)
{
    for (size_t i = 0; i < curl->transfer_count; i++) {
        struct http_curl_transfer *transfer = &curl->transfers[i];
        if (transfer->easy && transfer->request)
            curl_multi_remove_handle(curl->multi, transfer->easy);
        http_curl_transfer_fini(transfer);
    }
    curl_multi_cleanup(curl->multi);
    curl->multi = NULL;
    loop_timer_disarm(curl->loop, &curl->timer);
}

void http_curl_close(struct http_curl *curl, void (*fn)(void *arg), void *arg)
{
    CHECK(curl->under_way == 0 && !curl->closed_fn);
    clean_up_curl(curl);
    curl->closed_fn = fn;
    curl->closed_arg = arg;
    if (curl->polling)
        loop_cancel(curl->loop, &curl->poll_op);
}

void http_curl_destroy(struct http_curl **curl)
{
    struct http_curl *h = *curl;
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
    *curl = NULL;
}
