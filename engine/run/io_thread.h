/* io_thread: the one thread that owns the loop, the dispatch with all providers, and
 * every running job's journal. */
#ifndef ENGINE_IO_THREAD_H
#define ENGINE_IO_THREAD_H

#include "engine/config.h"
#include "outbox/dispatch/dispatch.h"
#include "outbox/loop/loop.h"

struct io_thread;

/* io_thread_start: returns once the loop runs and the providers are open. */
int io_thread_start(const struct config *config, struct io_thread **out,
                    struct error *err) MUST_USE;

/* io_thread_stop: close providers politely, then end the thread. All runs have ended
 * before. */
void io_thread_stop(struct io_thread **io);

struct loop *io_thread_loop(const struct io_thread *io);
struct dispatch *io_thread_dispatch(const struct io_thread *io);

/* io_thread_reconfigure: go on with another configuration, which must live as long as the thread.
 * Errors: those of dispatch_reconfigure; then nothing has changed.
 * Threads: any other. */
int io_thread_reconfigure(struct io_thread *io, const struct config *config,
                          struct error *err) MUST_USE;

/* io_thread_cpu_ns: processor time it has used.
 * Threads: any other. */
int64_t io_thread_cpu_ns(const struct io_thread *io);

/* io_thread_call: run fn(arg) on the thread and wait for its result.
 * Threads: any other. */
int io_thread_call(struct io_thread *io, int (*fn)(void *arg), void *arg);

/* io_thread_failed: the loop itself broke (the ring is gone); nothing more will happen.
 */
bool io_thread_failed(const struct io_thread *io, struct error *err);

#endif
