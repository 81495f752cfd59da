/* watch: see watch.h. */
#include "outbox/loop/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

int watches_init(struct watches *watches)
{
    *watches = (struct watches){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    return watches->epoll_fd < 0 ? -errno : 0;
}

void watches_fini(struct watches *watches)
{
    close(watches->epoll_fd);
    free(watches->by_fd);
}

struct watch *watch_of(struct watches *w, int fd)
{
    size_t index = (size_t)fd;
    if (index >= w->count) {
        size_t count = (index + 64) * 2;
        w->by_fd = realloc(w->by_fd, count * sizeof(*w->by_fd));
        CHECK(w->by_fd != NULL);
        for (size_t i = w->count; i < count; i++)
            w->by_fd[i] = (struct watch){0};
        w->count = count;
    }
    return &w->by_fd[index];
}

static int control(struct watches *watches, int how, int fd)
{
    struct epoll_event event = {
        .events = EVENTS_ALL,
        .data.u64 = (uint64_t)watch_of(watches, fd)->generation << 32 | (uint32_t)fd};
    return epoll_ctl(watches->epoll_fd, how, fd, &event) ? -errno : 0;
}

int watch_register(struct watches *watches, int fd, bool renew)
{
    struct watch *w = watch_of(watches, fd);
    if (w->registered && !renew)
        return 0;
    int rc = control(watches, w->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd);
    if (rc == -ENOENT)
        rc = control(watches, EPOLL_CTL_ADD, fd);
    else if (rc == -EEXIST)
        rc = control(watches, EPOLL_CTL_MOD, fd);
    if (rc == 0 && !w->registered) {
        w->registered = true;
        w->readable = false;
        w->peer_done = false;
        w->writable = true;
    }
    return rc;
}

void watch_is_new(struct watches *watches, int fd)
{
    struct watch *w = watch_of(watches, fd);
    CHECK(!w->reader && !w->writers.first && !w->polls.first);
    w->registered = false;
}

void watch_forget(struct watches *watches, int fd)
{
    struct watch *w = watch_of(watches, fd);
    CHECK(!w->reader && !w->writers.first && !w->polls.first);
    if (w->registered)
        epoll_ctl(watches->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    *w = (struct watch){.generation = w->generation + 1, .waits_turn = w->waits_turn};
}
