/* sandbox_child: a sandbox in a process of its own, and a client made of one blocking
 * socket. */
#ifndef TESTS_OUTBOX_SANDBOX_CHILD_H
#define TESTS_OUTBOX_SANDBOX_CHILD_H

#include "base/file.h"
#include "outbox/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct sandbox_child {
    pid_t pid;
    int pipe_fd; /* a byte once it is ready; its counts when it ends */
    uint16_t smtp_port, http_port;
    char smtp[32], http[32];
    char dir[64];
};

static volatile sig_atomic_t child_stop;

static void child_on_term(int signal)
{
    (void)signal;
    child_stop = 1;
}

static void child_ready(void *arg)
{
    cr_assert_eq(write(*(int *)arg, "r", 1), 1);
}

/* A port that was free a moment ago. */
static inline uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* sandbox_start: config's addresses and folder are filled in; dir is kept when it is set.
 */
static inline void sandbox_start(struct sandbox_child *child,
                                 struct sandbox_config config)
{
    child->smtp_port = free_port();
    child->http_port = free_port();
    snprintf(child->smtp, sizeof(child->smtp), "127.0.0.1:%u", child->smtp_port);
    snprintf(child->http, sizeof(child->http), "127.0.0.1:%u", child->http_port);
    if (!child->dir[0]) {
        snprintf(child->dir, sizeof(child->dir), "/tmp/volley-sandbox-XXXXXX");
        cr_assert_not_null(mkdtemp(child->dir));
    }
    config.listen_smtp = child->smtp;
    config.listen_http = child->http;
    config.dir = config.discard ? NULL : child->dir;
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    child->pid = fork();
    if (child->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, child_on_term);
        struct sandbox_counts counts;
        struct error err = {0};
        int rc = sandbox_run(&config, child_ready, &fds[1], &child_stop, &counts, &err);
        if (rc)
            fprintf(stderr, "sandbox: %s\n", err.text);
        ssize_t put = write(fds[1], &counts, sizeof(counts));
        _exit(rc || put != sizeof(counts));
    }
    close(fds[1]);
    child->pipe_fd = fds[0];
    char ready;
    cr_assert_eq(read(child->pipe_fd, &ready, 1), 1);
}

static inline struct sandbox_counts sandbox_stop(struct sandbox_child *child)
{
    struct sandbox_counts counts;
    int status;
    kill(child->pid, SIGTERM);
    cr_assert_eq(read(child->pipe_fd, &counts, sizeof(counts)), sizeof(counts));
    cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(child->pipe_fd);
    return counts;
}

static inline void sandbox_remove(struct sandbox_child *child)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", child->dir);
    cr_assert_eq(system(command), 0);
}

/* box: the content of one of the files; the caller finishes it. */
static inline struct buffer box(const struct sandbox_child *child, const char *name)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    struct error err = {0};
    cr_assert_eq(path_join(path, child->dir, text_of(name), &err), 0);
    cr_assert_eq(file_read(path, 1 << 30, &content, &err), 0, "%s", err.text);
    return content;
}

static inline size_t lines_of(struct text t)
{
    size_t lines = 0;
    for (size_t i = 0; i < t.bytes; i++)
        lines += t.data[i] == '\n';
    return lines;
}

static inline size_t box_lines(const struct sandbox_child *child, const char *name)
{
    struct buffer content = box(child, name);
    size_t lines = lines_of(buffer_view(&content));
    buffer_fini(&content);
    return lines;
}

static inline int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval timeout = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static inline void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* hear: until the reply contains what, or the end; the reply so far is in out. */
static inline bool hear(int fd, const char *what, struct buffer *out)
{
    for (;;) {
        if (*what && out->data && strstr(out->data, what))
            return true;
        ssize_t got = recv(fd, buffer_room(out, 65536), 65536, 0);
        if (got <= 0)
            return false;
        out->bytes += (size_t)got;
        out->data[out->bytes] = '\0';
    }
}

#endif
