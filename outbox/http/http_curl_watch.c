/* http_curl_watch: see http_curl_watch.h. */
#include "outbox/http/http_curl_watch.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One descriptor that libcurl wants watched, at its number. Sockets are opened and closed
 * through callbacks of ours. What else libcurl watches (its resolver's wake-up pipe) it
 * closes itself without a word, so that is watched through a duplicate. */
struct http_curl_watch {
    int poll_fd;         /* the descriptor, or its duplicate; meaningless unless known */
    uint32_t generation; /* tells events of an earlier descriptor of this number */
    uint32_t wanted;     /* EPOLLIN | EPOLLOUT */
    uint32_t registered; /* what epoll was asked for; more than wanted between requests */
    bool known;
};

static struct http_curl_watch *watch_of(struct http_curl_watches *watches, int fd)
{
    size_t index = (size_t)fd;
    if (index >= watches->room) {
        size_t room = index + 64;
        watches->by_fd = realloc(watches->by_fd, room * sizeof(struct http_curl_watch));
        CHECK(watches->by_fd);
        memset(watches->by_fd + watches->room, 0,
               (room - watches->room) * sizeof(struct http_curl_watch));
        watches->room = room;
    }
    return &watches->by_fd[index];
}

static void register_events(struct http_curl_watches *watches, int fd, uint32_t events)
{
    struct http_curl_watch *watch = watch_of(watches, fd);
    struct epoll_event event = {
        .events = events, .data.u64 = (uint64_t)watch->generation << 32 | (uint32_t)fd};
    int how = watch->registered == 0 ? EPOLL_CTL_ADD
              : events == 0          ? EPOLL_CTL_DEL
                                     : EPOLL_CTL_MOD;
    CHECK(epoll_ctl(watches->epoll_fd, how, watch->poll_fd, &event) == 0);
    watch->registered = events;
}

/* Out of epoll by hand: a duplicate would keep it there behind close(2). */
void http_curl_watch_close(struct http_curl_watches *watches, int fd)
{
    struct http_curl_watch *watch = watch_of(watches, fd);
    CHECK(watch->known);
    if (watch->registered)
        register_events(watches, fd, 0);
    close(watch->poll_fd);
    watch->known = false;
}

static void start(struct http_curl_watches *watches, int fd, int poll_fd)
{
    struct http_curl_watch *watch = watch_of(watches, fd);
    if (watch->known && watch->poll_fd != fd) /* libcurl closed its own without a word */
        http_curl_watch_close(watches, fd);
    CHECK(!watch->known);
    *watch = (struct http_curl_watch){
        .poll_fd = poll_fd, .generation = watch->generation + 1, .known = true};
}

void http_curl_watch_start(struct http_curl_watches *watches, int fd)
{
    start(watches, fd, fd);
}

void http_curl_watch_want(struct http_curl_watches *watches, int fd, uint32_t wanted)
{
    struct http_curl_watch *watch = watch_of(watches, fd);
    if (wanted == 0) {
        watch->wanted = 0;
        if (watch->known && watch->poll_fd != fd)
            http_curl_watch_close(watches, fd);
        return;
    }
    if (!watch->known) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        CHECK(own >= 0);
        start(watches, fd, own);
    }
    watch->wanted = wanted;
    if (watch->wanted != watch->registered)
        register_events(watches, fd, watch->wanted);
}

int http_curl_watch_of(struct http_curl_watches *watches, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct http_curl_watch *watch = watch_of(watches, fd);
    if (!watch->known || watch->generation != (uint32_t)(event->data.u64 >> 32))
        return -1;
    if (watch->wanted == 0) { /* an idle connection that the server closed */
        if (watch->registered)
            register_events(watches, fd, 0);
        return -1;
    }
    return fd;
}

int http_curl_watches_init(struct http_curl_watches *watches)
{
    *watches = (struct http_curl_watches){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    return watches->epoll_fd < 0 ? -1 : 0;
}

void http_curl_watches_fini(struct http_curl_watches *watches)
{
    if (watches->epoll_fd >= 0)
        close(watches->epoll_fd);
    free(watches->by_fd);
    *watches = (struct http_curl_watches){.epoll_fd = -1};
}
