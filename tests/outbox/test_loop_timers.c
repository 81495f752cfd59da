/* Posts from other threads, and timers. */
#include "tests/outbox/loop_pair.h"

#include <pthread.h>

static void *post_all(void *arg)
{
    struct seen *ops = arg;
    for (int i = 0; i < 1000; i++)
        loop_post(loop, &ops[i].op);
    return NULL;
}

LOOP_TEST(loop, posts_from_another_thread_arrive)
{
    struct seen *ops = calloc(1000, sizeof(*ops));
    for (int i = 0; i < 1000; i++)
        seen_init(&ops[i]);
    pthread_t thread;
    pthread_create(&thread, NULL, post_all, ops);
    for (int i = 0; i < 1000; i++) {
        run_until(&ops[i].calls, 1);
        cr_assert_eq(ops[i].last, 0);
    }
    pthread_join(thread, NULL);
    free(ops);
}

struct ticker {
    struct loop_timer timer;
    int64_t ran_ns;
    int calls;
};

static int ticks;
static int64_t last_due_ns;

static void tick(struct loop_timer *timer)
{
    struct ticker *ticker = timer->arg;
    ticker->calls++;
    ticker->ran_ns = clock_steady_ns();
    cr_assert_geq(timer->due_ns, last_due_ns, "in the order they are due");
    last_due_ns = timer->due_ns;
    ticks++;
}

LOOP_TEST(loop, timers_run_once_in_order_and_not_early)
{
    enum { COUNT = 2000 };
    struct ticker *tickers = calloc(COUNT, sizeof(*tickers));
    int64_t start_ns = clock_steady_ns();
    uint64_t random = 1;
    int expected = 0;
    for (int i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        tickers[i].timer = (struct loop_timer){.fn = tick, .arg = &tickers[i]};
        loop_timer_arm(loop, &tickers[i].timer, start_ns + (int64_t)(random >> 40) * 2);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0)
            loop_timer_disarm(loop, &tickers[i].timer);
        else if (i % 3 == 1) /* moved */
            loop_timer_arm(loop, &tickers[i].timer, start_ns + (i * 7919ll % 50000000));
        expected += i % 3 != 0;
    }
    run_until(&ticks, expected);
    run_once(5 * NS_PER_MS);
    cr_assert_eq(ticks, expected);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(tickers[i].calls, i % 3 != 0);
        cr_assert(tickers[i].calls == 0 || tickers[i].ran_ns >= tickers[i].timer.due_ns);
        cr_assert_eq(tickers[i].timer.heap_index, 0);
    }
    free(tickers);
}

static void tick_again(struct loop_timer *timer)
{
    ticks++;
    loop_timer_arm(loop, timer, loop_now_ns(loop));
}

LOOP_TEST(loop, a_timer_armed_for_now_waits_for_the_next_round)
{
    struct loop_timer timer = {.fn = tick_again};
    loop_timer_arm(loop, &timer, 0);
    for (int i = 1; i <= 3; i++) {
        run_once(-1);
        cr_assert_eq(ticks, i);
    }
    loop_timer_disarm(loop, &timer);
    loop_timer_disarm(loop, &timer);
}

LOOP_TEST(loop, run_waits_as_long_as_told)
{
    int64_t start_ns = clock_steady_ns();
    run_once(0);
    cr_assert_lt(clock_steady_ns() - start_ns, 500 * NS_PER_MS);
    start_ns = clock_steady_ns();
    run_once(10 * NS_PER_MS);
    cr_assert_geq(clock_steady_ns() - start_ns, 9 * NS_PER_MS);
}
