/* io_thread: see io_thread.h. */
#include "engine/run/io_thread.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct io_thread {
    pthread_t thread;
    const struct config *config;
    struct loop *loop;
    struct dispatch *dispatch;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, closed;
    int rc;
    struct error err;
    struct loop_op stop_op;
    _Atomic bool failed;
};

static void say(struct io_thread *io, bool *flag)
{
    pthread_mutex_lock(&io->lock);
    *flag = true;
    pthread_cond_broadcast(&io->changed);
    pthread_mutex_unlock(&io->lock);
}

static struct dispatch_config dispatch_part(const struct config *config)
{
    struct dispatch_config part = {.providers = config->providers,
                                   .provider_count = config->provider_count,
                                   .max_message_rate_per_s =
                                       config->max_message_rate_per_s};
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        part.routes[c] = config->routes[c];
        part.route_counts[c] = config->route_counts[c];
    }
    return part;
}

static int open_all(struct io_thread *io)
{
    int rc = loop_create(&io->loop, &io->err);
    if (rc)
        return rc;
    struct dispatch_config dispatch = dispatch_part(io->config);
    rc = dispatch_create(io->loop, &dispatch, &io->dispatch, &io->err);
    if (rc)
        loop_destroy(&io->loop);
    return rc;
}

static void *io_main(void *arg)
{
    struct io_thread *io = arg;
    io->rc = open_all(io);
    int rc = io->rc;
    say(io, &io->started);
    while (rc == 0 && !io->closed)
        rc = loop_run(io->loop, -1, &io->err);
    if (rc && io->rc == 0) {
        log_error("engine", "the I/O loop failed", "reason=\"%s\"", io->err.text);
        atomic_store(&io->failed, true);
        say(io, &io->started); /* whoever waits for a call looks again */
    }
    if (io->dispatch)
        dispatch_destroy(&io->dispatch);
    if (io->loop)
        loop_destroy(&io->loop);
    return NULL;
}

int io_thread_start(const struct config *config, struct io_thread **out,
                    struct error *err)
{
    struct io_thread *io = calloc(1, sizeof(*io));
    CHECK(io != NULL);
    io->config = config;
    pthread_mutex_init(&io->lock, NULL);
    pthread_cond_init(&io->changed, NULL);
    CHECK(pthread_create(&io->thread, NULL, io_main, io) == 0);
    pthread_mutex_lock(&io->lock);
    while (!io->started)
        pthread_cond_wait(&io->changed, &io->lock);
    pthread_mutex_unlock(&io->lock);
    if (io->rc == 0) {
        *out = io;
        return 0;
    }
    int rc = io->rc;
    if (err)
        *err = io->err;
    io_thread_stop(&io);
    return rc;
}

static void closed(void *arg)
{
    struct io_thread *io = arg;
    io->closed = true; /* read by the same thread, in io_main */
}

static void stop_here(struct loop_op *op, int64_t res, const char *data)
{
    (void)res;
    (void)data;
    struct io_thread *io = op->arg;
    dispatch_close(io->dispatch, closed, io);
}

void io_thread_stop(struct io_thread **thread)
{
    struct io_thread *io = *thread;
    if (!io)
        return;
    if (io->rc == 0 && !atomic_load(&io->failed)) {
        io->stop_op = (struct loop_op){.fn = stop_here, .arg = io};
        loop_post(io->loop, &io->stop_op);
    }
    pthread_join(io->thread, NULL);
    pthread_mutex_destroy(&io->lock);
    pthread_cond_destroy(&io->changed);
    free(io);
    *thread = NULL;
}

struct loop *io_thread_loop(const struct io_thread *io)
{
    return io->loop;
}

struct dispatch *io_thread_dispatch(const struct io_thread *io)
{
    return io->dispatch;
}

/* A call waiting for its answer; lives on the caller's stack. */
struct call {
    struct loop_op op;
    struct io_thread *io;
    int (*fn)(void *arg);
    void *arg;
    int rc;
    bool done;
};

static void call_here(struct loop_op *op, int64_t res, const char *data)
{
    (void)res;
    (void)data;
    struct call *call = op->arg;
    call->rc = call->fn(call->arg);
    say(call->io, &call->done);
}

int io_thread_call(struct io_thread *io, int (*fn)(void *arg), void *arg)
{
    struct call call = {.io = io, .fn = fn, .arg = arg};
    call.op = (struct loop_op){.fn = call_here, .arg = &call};
    loop_post(io->loop, &call.op);
    pthread_mutex_lock(&io->lock);
    while (!call.done && !atomic_load(&io->failed))
        pthread_cond_wait(&io->changed, &io->lock);
    pthread_mutex_unlock(&io->lock);
    return call.done ? call.rc : -ERROR_IO;
}

struct reconfiguring {
    struct io_thread *io;
    const struct config *config;
    struct error *err;
};

static int reconfigure_here(void *arg)
{
    struct reconfiguring *r = arg;
    struct dispatch_config part = dispatch_part(r->config);
    return dispatch_reconfigure(r->io->dispatch, &part, r->err);
}

int io_thread_reconfigure(struct io_thread *io, const struct config *config,
                          struct error *err)
{
    struct reconfiguring r = {io, config, err};
    return io_thread_call(io, reconfigure_here, &r);
}

int64_t io_thread_cpu_ns(const struct io_thread *io)
{
    clockid_t clock;
    struct timespec used;
    if (pthread_getcpuclockid(io->thread, &clock) || clock_gettime(clock, &used))
        return 0;
    return (int64_t)used.tv_sec * NS_PER_S + used.tv_nsec;
}

bool io_thread_failed(const struct io_thread *io, struct error *err)
{
    bool failed = atomic_load(&io->failed);
    if (failed && err)
        *err = io->err;
    return failed;
}
