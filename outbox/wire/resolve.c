/* resolve: see resolve.h. Whoever is late frees it: the thread, when nobody waits any more. */
#include "outbox/wire/resolve.h"

#include "base/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct resolve {
    struct loop *loop;
    struct loop_op op;
    void (*fn)(void *arg, const struct remote *remote, const struct error *err);
    void *arg;
    struct remote remote;
    struct error err;
    bool failed;
    pthread_mutex_t lock; /* for these two */
    bool posted, abandoned;
};

static void destroy(struct resolve *r)
{
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void *ask(void *arg)
{
    struct resolve *r = arg;
    r->failed = remote_resolve(&r->remote, &r->err) != 0;
    pthread_mutex_lock(&r->lock);
    bool abandoned = r->abandoned;
    if (!abandoned) {
        r->posted = true;
        loop_post(r->loop, &r->op);
    }
    pthread_mutex_unlock(&r->lock);
    if (abandoned)
        destroy(r);
    return NULL;
}

/* In between the thread has let go of the lock, and of everything else. */
static void on_asked(struct loop_op *op, int64_t res, const char *data)
{
    (void)res, (void)data;
    struct resolve *r = op->arg;
    pthread_mutex_lock(&r->lock);
    pthread_mutex_unlock(&r->lock);
    r->fn(r->arg, &r->remote, r->failed ? &r->err : NULL);
    destroy(r);
}

struct resolve *resolve_start(struct loop *loop, const struct remote *remote,
                              void (*fn)(void *arg, const struct remote *remote,
                                         const struct error *err),
                              void *arg)
{
    struct resolve *r = calloc(1, sizeof(*r));
    CHECK(r);
    *r = (struct resolve){.loop = loop,
                          .op = {.fn = on_asked, .arg = r},
                          .fn = fn,
                          .arg = arg,
                          .remote = *remote,
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, ask, r);
    if (rc == 0) {
        pthread_detach(thread);
        return r;
    }
    errno = rc;
    (void)error_io(&r->err, "the host %s cannot be looked up: no thread", remote->host);
    r->failed = r->posted = true;
    loop_post(loop, &r->op);
    return r;
}

/* let_go: to whoever comes late. Returns false when that would be the loop. */
static bool let_go(struct resolve *r)
{
    pthread_mutex_lock(&r->lock);
    r->abandoned = true;
    bool posted = r->posted;
    pthread_mutex_unlock(&r->lock);
    return !posted;
}

bool resolve_abandon(struct resolve **resolve)
{
    bool gone = !*resolve || let_go(*resolve);
    if (gone)
        *resolve = NULL;
    return gone;
}

void resolve_destroy(struct resolve **resolve)
{
    if (*resolve && !let_go(*resolve))
        destroy(*resolve);
    *resolve = NULL;
}
