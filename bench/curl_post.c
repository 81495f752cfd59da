/* curl_post: the bare libcurl loop that volley's HTTP is held against: one body, posted
 * over and over through curl_multi_socket_action and epoll. No journal, no rendering, no
 * look at the reply beyond its status. */
#include "base/check.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define HANDLES_MAX 1024
#define EVENTS_MAX  256

struct poster {
    CURLM *multi;
    int epoll_fd;
    long timeout_ms; /* -1: none */
    long left;       /* posts not begun */
    long open;       /* posts begun and not answered */
    long refused;    /* not answered with 2xx */
};

/* Descriptors stay registered while their connection lives: one epoll_ctl a connection
 * instead of two a post. A closed one leaves epoll by itself. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    (void)easy;
    struct poster *poster = arg;
    if (what == CURL_POLL_REMOVE)
        return 0;
    struct epoll_event event = {.data.fd = fd};
    event.events =
        (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (epoll_ctl(poster->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) !=
        0) {
        int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        CHECK(epoll_ctl(poster->epoll_fd, other, fd, &event) == 0);
    }
    curl_multi_assign(poster->multi, fd, poster);
    return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    ((struct poster *)arg)->timeout_ms = timeout_ms;
    return 0;
}

static size_t discard(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static void begin(struct poster *poster, CURL *easy)
{
    if (poster->left == 0)
        return;
    poster->left--;
    poster->open++;
    CHECK(curl_multi_add_handle(poster->multi, easy) == CURLM_OK);
}

static void collect(struct poster *poster)
{
    int more;
    for (CURLMsg *msg; (msg = curl_multi_info_read(poster->multi, &more)) != NULL;) {
        CURL *easy = msg->easy_handle;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (msg->data.result != CURLE_OK || status / 100 != 2)
            poster->refused++;
        poster->open--;
        curl_multi_remove_handle(poster->multi, easy);
        begin(poster, easy);
    }
}

/* What begins its post is due at once, which curl says with a timeout of 0. */
static void run_timers(struct poster *poster)
{
    int running;
    poster->timeout_ms = -1;
    curl_multi_socket_action(poster->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void turn(struct poster *poster)
{
    struct epoll_event events[EVENTS_MAX];
    int running, count;
    while (poster->timeout_ms == 0) {
        run_timers(poster);
        collect(
            poster); /* a fast server has answered by now, and epoll has no more to say */
    }
    if (poster->open == 0)
        return;
    count = epoll_wait(poster->epoll_fd, events, EVENTS_MAX, (int)poster->timeout_ms);
    if (count == 0)
        run_timers(poster);
    for (int i = 0; i < count; i++) {
        int ready = (events[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(poster->multi, events[i].data.fd, ready, &running);
    }
    collect(poster);
}

static CURL *prepare(const char *url, const char *body, const char *ca,
                     struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    CHECK(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (strcmp(ca, "-") != 0)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    return easy;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr,
                "usage: curl_post URL CONNECTIONS POSTS BODY CA-FILE|- [HEADER…]\n");
        return 2;
    }
    CURL *handles[HANDLES_MAX];
    struct curl_slist *headers = NULL;
    long handle_count = strtol(argv[2], NULL, 10);
    if (handle_count < 1 || handle_count > HANDLES_MAX) {
        fprintf(stderr, "curl_post: 1 to %d connections\n", HANDLES_MAX);
        return 2;
    }
    for (int i = 6; i < argc; i++)
        headers = curl_slist_append(headers, argv[i]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct poster poster = {.multi = curl_multi_init(),
                            .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                            .timeout_ms = -1,
                            .left = strtol(argv[3], NULL, 10)};
    CHECK(poster.multi && poster.epoll_fd >= 0);
    curl_multi_setopt(poster.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(poster.multi, CURLMOPT_SOCKETDATA, &poster);
    curl_multi_setopt(poster.multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(poster.multi, CURLMOPT_TIMERDATA, &poster);
    curl_multi_setopt(poster.multi, CURLMOPT_MAXCONNECTS, handle_count);
    for (long i = 0; i < handle_count; i++) {
        handles[i] = prepare(argv[1], argv[4], argv[5], headers);
        begin(&poster, handles[i]);
    }
    while (poster.open > 0)
        turn(&poster);
    for (long i = 0; i < handle_count; i++)
        curl_easy_cleanup(handles[i]);
    curl_multi_cleanup(poster.multi);
    curl_slist_free_all(headers);
    if (poster.refused > 0)
        fprintf(stderr, "curl_post: %ld posts were not answered with 2xx\n",
                poster.refused);
    return poster.refused > 0 ? 1 : 0;
}
