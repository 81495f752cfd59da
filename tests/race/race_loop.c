/* Several threads post to a running loop, over and over; every post arrives once, on its
 * thread. Run under ThreadSanitizer. */
#include "base/check.h"
#include "base/clock.h"
#include "outbox/loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, OPS = 32, POSTS = 5000 };

struct poster {
    struct loop *loop;
    struct slot {
        struct loop_op op;
        struct poster *poster;
        atomic_bool free;
    } slots[OPS];
    long arrived; /* of the loop's thread */
    char padding[64];
};

static void on_post(struct loop_op *op, int64_t res, const char *data)
{
    struct slot *slot = op->arg;
    CHECK(res == 0 && data == NULL);
    slot->poster->arrived++;
    atomic_store(&slot->free, true); /* from here on the poster may post it again */
}

static void *post(void *arg)
{
    struct poster *poster = arg;
    for (int sent = 0, i = 0; sent < POSTS; i = (i + 1) % OPS) {
        struct slot *slot = &poster->slots[i];
        bool expected = true;
        if (!atomic_compare_exchange_strong(&slot->free, &expected, false))
            continue;
        loop_post(poster->loop, &slot->op);
        sent++;
    }
    return NULL;
}

static long total(const struct poster *posters)
{
    long sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += posters[i].arrived;
    return sum;
}

static void run(const char *kind)
{
    setenv("VOLLEY_LOOP", kind, 1);
    struct error err = {0};
    struct loop *loop;
    if (loop_create(&loop, &err)) {
        printf("race_loop: %s: skipped (%s)\n", kind, err.text);
        return;
    }
    struct poster *posters = calloc(THREADS, sizeof(*posters));
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        posters[t].loop = loop;
        for (int i = 0; i < OPS; i++) {
            struct slot *slot = &posters[t].slots[i];
            slot->op = (struct loop_op){.fn = on_post, .arg = slot};
            slot->poster = &posters[t];
            atomic_store(&slot->free, true);
        }
        CHECK(pthread_create(&threads[t], NULL, post, &posters[t]) == 0);
    }
    int64_t end_ns = clock_steady_ns() + 60 * NS_PER_S;
    while (total(posters) < (long)THREADS * POSTS) {
        CHECK(clock_steady_ns() < end_ns);
        CHECK(loop_run(loop, NS_PER_S, &err) == 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    CHECK(loop_run(loop, 0, &err) == 0);
    CHECK(total(posters) == (long)THREADS * POSTS);
    loop_destroy(&loop);
    free(posters);
}

int main(void)
{
    run("uring");
    run("epoll");
    printf("race_loop: %d posts from %d threads, twice\n", THREADS * POSTS, THREADS);
    return 0;
}
