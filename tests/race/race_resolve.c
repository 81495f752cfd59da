/* Threads that look up hosts, some of which nobody waits for any more: every other answer comes once,
 * whatever is first. */
#include "base/clock.h"
#include "outbox/wire/resolve.h"

#include <stdio.h>

enum { ROUNDS = 60, AT_ONCE = 8 };

static int answers, wrong;

static void on_resolved(void *arg, const struct remote *remote, const struct error *err)
{
    answers++;
    *(struct resolve **)arg = NULL;
    wrong += err || remote->count == 0;
}

static void turn(struct loop *loop, int64_t wait_ns)
{
    struct error err;
    CHECK(loop_run(loop, wait_ns, &err) == 0);
}

int main(void)
{
    struct loop *loop;
    struct error err;
    struct remote remote = {.host = "127.0.0.1", .port = "80"};
    CHECK(loop_create(&loop, &err) == 0);
    int waited_for = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct resolve *resolves[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            resolves[i] = resolve_start(loop, &remote, on_resolved, &resolves[i]);
        for (int i = 0; i < round % AT_ONCE; i++)
            turn(loop, 20 * NS_PER_US);
        for (int i = 0; i < AT_ONCE; i += 2)
            waited_for -= resolves[i] && resolve_abandon(&resolves[i]);
        waited_for += AT_ONCE;
        int64_t end_ns = clock_steady_ns() + 10 * NS_PER_S;
        while (answers < waited_for && clock_steady_ns() < end_ns)
            turn(loop, NS_PER_MS);
    }
    struct resolve *late = resolve_start(loop, &remote, on_resolved, &late);
    resolve_destroy(&late);
    loop_destroy(&loop);
    if (answers != waited_for || wrong)
        printf("%d answers of %d, %d wrong\n", answers, waited_for, wrong);
    return answers != waited_for || wrong;
}
