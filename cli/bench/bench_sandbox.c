/* bench_sandbox: see bench_sandbox.h. */
#include "cli/bench/bench_sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 5000

/* hold_port: a port that nobody listens on; the descriptor keeps the kernel from giving it away. */
static int hold_port(unsigned *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, bytes) ||
                    getsockname(fd, (struct sockaddr *)&address, &bytes))) {
        close(fd);
        return -1;
    }
    *port_out = ntohs(address.sin_port);
    return fd;
}

static void become_sandbox(const struct bench_sandbox *sandbox, int ready_fd)
{
    char smtp[32], http[32];
    snprintf(smtp, sizeof(smtp), "127.0.0.1:%u", sandbox->smtp_port);
    snprintf(http, sizeof(http), "127.0.0.1:%u", sandbox->http_port);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setpgid(0, 0); /* Ctrl-C is for the bench, which ends it in order */
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(ready_fd, STDERR_FILENO);
    execl("/proc/self/exe", "volley", "sandbox", "--listen-smtp", smtp, "--listen-http",
          http, "--discard", (char *)NULL);
    _exit(127);
}

static bool wait_ready(int fd)
{
    char said[256] = "";
    size_t bytes = 0;
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    while (!strstr(said, "ready") && bytes + 1 < sizeof(said) &&
           poll(&watched, 1, READY_MS) == 1) {
        ssize_t got = read(fd, said + bytes, sizeof(said) - 1 - bytes);
        if (got <= 0)
            return false;
        bytes += (size_t)got;
        said[bytes] = '\0';
    }
    return strstr(said, "ready") != NULL;
}

int bench_sandbox_start(struct bench_sandbox *sandbox, struct error *err)
{
    int ready[2];
    int smtp = hold_port(&sandbox->smtp_port), http = hold_port(&sandbox->http_port);
    bool ports = smtp >= 0 && http >= 0;
    if (smtp >= 0)
        close(smtp);
    if (http >= 0)
        close(http);
    if (!ports || pipe2(ready, O_CLOEXEC))
        return error_io(err, "cannot start a sandbox");
    pid_t pid = fork();
    if (pid == 0)
        become_sandbox(sandbox, ready[1]);
    close(ready[1]);
    sandbox->pid = pid > 0 ? pid : 0;
    bool listens = pid > 0 && wait_ready(ready[0]);
    close(ready[0]);
    if (listens)
        return 0;
    bench_sandbox_stop(sandbox);
    return error_set(err, ERROR_IO, "the sandbox on 127.0.0.1 did not start");
}

void bench_sandbox_stop(struct bench_sandbox *sandbox)
{
    if (sandbox->pid == 0)
        return;
    kill(sandbox->pid, SIGTERM);
    waitpid(sandbox->pid, NULL, 0);
    sandbox->pid = 0;
}

double bench_sandbox_cpu_s(const struct bench_sandbox *sandbox)
{
    clockid_t clock;
    struct timespec used;
    if (sandbox->pid == 0 || clock_getcpuclockid(sandbox->pid, &clock) ||
        clock_gettime(clock, &used))
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}
