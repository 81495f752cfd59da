/* queue: a bounded queue of pointers between threads; full is back-pressure, empty is
 * waiting. One element is a whole batch, so a mutex per element is far below the cost of
 * the batch. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

struct queue;

struct queue *queue_create(size_t capacity);
void queue_destroy(struct queue **queue);

/* queue_push: wait for room. Returns false when the queue is closed. */
bool queue_push(struct queue *queue, void *item) MUST_USE;

/* queue_pop: wait for an item. Returns NULL once the queue is closed and empty. */
void *queue_pop(struct queue *queue);

/* queue_try_pop: NULL at once when empty. */
void *queue_try_pop(struct queue *queue);

/* queue_close: no more pushes; those who wait wake up. */
void queue_close(struct queue *queue);

#endif
