/* fair_queue: who gets how much when all want more than there is. The oracle is arithmetic. */
#include "base/error.h"
#include "outbox/dispatch/fair_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SOURCES_MAX 12

struct bench {
    struct fair_queue queue;
    struct delivery_source sources[SOURCES_MAX];
    struct delivery *deliveries[SOURCES_MAX];
    size_t pushed[SOURCES_MAX], got[SOURCES_MAX];
};

static void source(struct bench *b, size_t index, enum priority priority,
                   uint64_t account, size_t count)
{
    b->sources[index] =
        (struct delivery_source){.priority = priority, .account = account};
    b->deliveries[index] = calloc(count, sizeof(struct delivery));
    for (size_t i = 0; i < count; i++) {
        struct delivery *d = &b->deliveries[index][i];
        *d = (struct delivery){.source = &b->sources[index], .row = (uint32_t)i};
        fair_queue_push(&b->queue, d);
    }
    b->pushed[index] = count;
}

/* cut: once; deliveries of a source come in the order they were pushed. Returns how many. */
static size_t cut(struct bench *b, size_t most)
{
    size_t before = b->queue.count, walked = 0;
    struct delivery_queue got = fair_queue_cut(&b->queue, most);
    cr_assert_leq(got.count, most);
    cr_assert_eq(b->queue.count, before - got.count);
    for (struct delivery *d = got.head; d; d = d->next, walked++) {
        size_t index = (size_t)(d->source - b->sources);
        cr_assert_eq(d->source, got.head->source, "a group of two sources");
        cr_assert_eq(d->row, b->got[index], "out of order");
        b->got[index]++;
        cr_assert(d->next || d == got.tail);
    }
    cr_assert_eq(walked, got.count);
    return got.count;
}

static void cut_about(struct bench *b, size_t total, size_t most)
{
    for (size_t done = 0, n; done < total && (n = cut(b, most)) > 0; done += n)
        ;
}

static void finish(struct bench *b)
{
    while (cut(b, 1000) > 0)
        ;
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        cr_assert_eq(b->got[i], b->pushed[i], "source %zu", i);
        free(b->deliveries[i]);
    }
}

#define CLOSE_TO(value, wanted, slack)                                                   \
    cr_assert(llabs((long long)(value) - (long long)(wanted)) <= (long long)(slack),     \
              #value ": %lld, wanted %lld", (long long)(value), (long long)(wanted))

Test(fair_queue, accounts_get_the_same_whatever_their_jobs)
{
    struct bench b = {0};
    source(&b, 0, PRIORITY_NORMAL, 1, 50000);
    for (size_t i = 1; i <= 9; i++)
        source(&b, i, PRIORITY_NORMAL, 2, 50000);
    cut_about(&b, 36000, 100);
    size_t second = 0;
    for (size_t i = 1; i <= 9; i++) {
        CLOSE_TO(b.got[i], 2000, 100);
        second += b.got[i];
    }
    CLOSE_TO(b.got[0], 18000, 100);
    CLOSE_TO(second, 18000, 100);
    finish(&b);
}

Test(fair_queue, urgent_first_and_nobody_starves)
{
    struct bench b = {0};
    source(&b, 0, PRIORITY_LOW, 1, 20000);
    source(&b, 1, PRIORITY_NORMAL, 1, 50000);
    source(&b, 2, PRIORITY_HIGH, 2, 70000);
    cut_about(&b, 73000, 10);
    CLOSE_TO(b.got[2], 64000, 700);
    CLOSE_TO(b.got[1], 8000, 100);
    CLOSE_TO(b.got[0], 1000, 30);
    finish(&b);
}

Test(fair_queue, who_comes_later_has_neither_saved_up_nor_lost)
{
    struct bench b = {0};
    source(&b, 0, PRIORITY_NORMAL, 1, 50000);
    cut_about(&b, 20000, 50);
    source(&b, 1, PRIORITY_NORMAL, 2, 20000); /* another account */
    source(&b, 2, PRIORITY_NORMAL, 1, 20000); /* another job of the first */
    size_t before = b.got[0];
    cut_about(&b, 8000, 50);
    CLOSE_TO(b.got[1], 4000, 50);
    CLOSE_TO(b.got[2], 2000, 50);
    CLOSE_TO(b.got[0] - before, 2000, 50);
    finish(&b);
}

Test(fair_queue, a_high_one_overtakes_at_once)
{
    struct bench b = {0};
    source(&b, 0, PRIORITY_NORMAL, 1, 50000);
    cut_about(&b, 30000, 100);
    source(&b, 1, PRIORITY_HIGH, 1, 100);
    cut_about(&b, 200, 100);
    cr_assert_eq(b.got[1], 100);
    finish(&b);
}

Test(fair_queue, take_is_of_one_source_or_of_all)
{
    struct bench b = {0};
    source(&b, 0, PRIORITY_NORMAL, 1, 10);
    source(&b, 1, PRIORITY_NORMAL, 1, 20);
    source(&b, 2, PRIORITY_HIGH, 3, 30);
    cut(&b, 5);
    struct delivery_queue taken = fair_queue_take(&b.queue, &b.sources[1]);
    cr_assert_eq(taken.count, 20);
    for (struct delivery *d = taken.head; d; d = d->next)
        cr_assert_eq(d->source, &b.sources[1]);
    cr_assert_eq(fair_queue_take(&b.queue, &b.sources[1]).count, 0);
    taken = fair_queue_take(&b.queue, NULL);
    cr_assert_eq(taken.count, 35);
    cr_assert_eq(b.queue.count, 0);
    cr_assert_eq(fair_queue_cut(&b.queue, 1).count, 0);
    for (size_t i = 0; i < 3; i++)
        free(b.deliveries[i]);
}

/* Random arrivals and departures: nothing is lost, and no two backlogged accounts of a class drift
 * apart by more than two groups. */
Test(fair_queue, random)
{
    srand(7);
    for (int round = 0; round < 50; round++) {
        struct bench b = {0};
        size_t most = 1 + (size_t)(rand() % 64);
        for (size_t i = 0; i < SOURCES_MAX; i++)
            source(&b, i, PRIORITY_NORMAL, i / 3, 3000);
        cut_about(&b, 3000, most);
        size_t least = SIZE_MAX, largest = 0;
        for (size_t account = 0; account < SOURCES_MAX / 3; account++) {
            size_t got =
                b.got[3 * account] + b.got[3 * account + 1] + b.got[3 * account + 2];
            least = got < least ? got : least;
            largest = got > largest ? got : largest;
        }
        cr_assert_leq(largest - least, 2 * most);
        finish(&b);
    }
}
