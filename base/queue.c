/* queue: see queue.h. */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    size_t capacity;
    size_t head;
    size_t count;
    bool closed;
    void *items[];
};

struct queue *queue_create(size_t capacity)
{
    CHECK(capacity > 0);
    struct queue *queue = calloc(1, sizeof(*queue) + capacity * sizeof(void *));
    CHECK(queue != NULL);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    queue->capacity = capacity;
    return queue;
}

void queue_destroy(struct queue **queue)
{
    if (!*queue)
        return;
    pthread_mutex_destroy(&(*queue)->lock);
    pthread_cond_destroy(&(*queue)->not_empty);
    pthread_cond_destroy(&(*queue)->not_full);
    free(*queue);
    *queue = NULL;
}

bool queue_push(struct queue *queue, void *item)
{
    CHECK(item != NULL);
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->capacity && !queue->closed)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    bool open = !queue->closed;
    if (open) {
        queue->items[(queue->head + queue->count++) % queue->capacity] = item;
        pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->lock);
    return open;
}

static void *take(struct queue *queue, bool wait)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && queue->count == 0 && !queue->closed)
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    void *item = NULL;
    if (queue->count > 0) {
        item = queue->items[queue->head];
        queue->head = (queue->head + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void *queue_pop(struct queue *queue)
{
    return take(queue, true);
}

void *queue_try_pop(struct queue *queue)
{
    return take(queue, false);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_cond_broadcast(&queue->not_full);
    pthread_mutex_unlock(&queue->lock);
}
