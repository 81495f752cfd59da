/* Many threads on one queue: every item comes out exactly once, also when it closes in
 * between. */
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { WRITERS = 3, READERS = 3, ITEMS = 20000 };

static struct queue *queue;
static _Atomic unsigned char seen[WRITERS * ITEMS + 1];
static _Atomic int refused;

static void *write_items(void *arg)
{
    uintptr_t first = (uintptr_t)arg * ITEMS + 1;
    for (uintptr_t i = first; i < first + ITEMS; i++) {
        if (!queue_push(queue, (void *)i))
            atomic_fetch_add(&refused, 1);
    }
    return NULL;
}

static void *read_items(void *arg)
{
    (void)arg;
    for (void *item; (item = queue_pop(queue));)
        atomic_fetch_add(&seen[(uintptr_t)item], 1);
    return NULL;
}

int main(void)
{
    for (int early = 0; early < 2;
         early++) { /* close behind the writers, or among them */
        pthread_t writers[WRITERS], readers[READERS];
        queue = queue_create(7);
        atomic_store(&refused, 0);
        for (size_t i = 0; i < WRITERS * ITEMS + 1; i++)
            atomic_store(&seen[i], 0);
        for (uintptr_t i = 0; i < READERS; i++)
            pthread_create(&readers[i], NULL, read_items, NULL);
        for (uintptr_t i = 0; i < WRITERS; i++)
            pthread_create(&writers[i], NULL, write_items, (void *)i);
        for (int i = 0; i < 1000 && early; i++) {
            void *item = queue_try_pop(queue);
            if (item)
                atomic_fetch_add(&seen[(uintptr_t)item], 1);
        }
        if (early)
            queue_close(queue);
        for (size_t i = 0; i < WRITERS; i++)
            pthread_join(writers[i], NULL);
        queue_close(queue);
        for (size_t i = 0; i < READERS; i++)
            pthread_join(readers[i], NULL);
        int count = 0;
        for (size_t i = 1; i <= WRITERS * ITEMS; i++) {
            CHECK(atomic_load(&seen[i]) <= 1);
            count += atomic_load(&seen[i]);
        }
        CHECK(count + atomic_load(&refused) == WRITERS * ITEMS);
        CHECK(early || atomic_load(&refused) == 0);
        queue_destroy(&queue);
    }
    puts("race_queue: every item once");
    return 0;
}
