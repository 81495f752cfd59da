/* queue: order, closing, and waiting on both ends. tests/race/race_queue.c has many
 * threads. */
#include "base/queue.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>

static void *item(uintptr_t n)
{
    return (void *)n;
}

Test(queue, first_in_first_out_around_the_ring)
{
    struct queue *q = queue_create(3);
    uintptr_t in = 1, out = 1;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i <= round % 3; i++)
            cr_assert(queue_push(q, item(in++)));
        while (out < in)
            cr_assert_eq(queue_pop(q), item(out++));
        cr_assert_null(queue_try_pop(q));
    }
    queue_destroy(&q);
    cr_assert_null(q);
}

Test(queue, closed_gives_what_is_left_then_nothing)
{
    struct queue *q = queue_create(2);
    cr_assert(queue_push(q, item(1)));
    queue_close(q);
    cr_expect_not(queue_push(q, item(2)));
    cr_expect_eq(queue_pop(q), item(1));
    cr_expect_null(queue_pop(q));
    queue_destroy(&q);
}

static void *push_ten(void *arg)
{
    for (uintptr_t i = 1; i <= 10; i++) {
        if (!queue_push(arg, item(i)))
            return item(i);
    }
    return NULL;
}

static void *pop_one(void *arg)
{
    return queue_pop(arg);
}

Test(queue, full_waits_and_empty_waits, .timeout = 10)
{
    struct queue *q = queue_create(1);
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, push_ten, q);
    for (uintptr_t i = 1; i <= 10; i++)
        cr_assert_eq(queue_pop(q), item(i));
    pthread_join(thread, &result);
    cr_expect_null(result);

    pthread_create(&thread, NULL, pop_one,
                   q); /* waits, or comes when it is closed already */
    queue_close(q);
    pthread_join(thread, &result);
    cr_expect_null(result);
    queue_destroy(&q);
}
