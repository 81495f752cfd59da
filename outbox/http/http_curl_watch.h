/* http_curl_watch: the descriptors that libcurl wants watched, in an epoll instance.
 *
 * A kept-alive connection stays registered between its requests, so that a request costs
 * no epoll_ctl(2), and one epoll_wait(2) tells of many replies. Level-triggered, as
 * libcurl reads once per call and expects to hear again of what is left. */
#ifndef OUTBOX_HTTP_CURL_WATCH_H
#define OUTBOX_HTTP_CURL_WATCH_H

#include "base/check.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct http_curl_watches {
    int epoll_fd; /* -1: none */
    struct http_curl_watch *by_fd;
    size_t room;
};

/* Errors: -1 with errno. */
int http_curl_watches_init(struct http_curl_watches *watches) MUST_USE;
/* Also behind an init that failed, and twice. */
void http_curl_watches_fini(struct http_curl_watches *watches);

/* http_curl_watch_start: a socket that was opened for libcurl, and is closed by http_curl_watch_close. */
void http_curl_watch_start(struct http_curl_watches *watches, int fd);
void http_curl_watch_close(struct http_curl_watches *watches, int fd);

/* http_curl_watch_want: EPOLLIN, EPOLLOUT, both, or 0: no more. fd: also one that was never started. */
void http_curl_watch_want(struct http_curl_watches *watches, int fd, uint32_t wanted);

/* http_curl_watch_of: the descriptor that an event of epoll_wait is about; -1 when it concerns nobody
 * any more. */
int http_curl_watch_of(struct http_curl_watches *watches,
                       const struct epoll_event *event);

#endif
