/* delivery_queue: deliveries in order, linked by ->next. */
#ifndef OUTBOX_DELIVERY_QUEUE_H
#define OUTBOX_DELIVERY_QUEUE_H

#include "outbox/dispatch/delivery.h"

struct delivery_queue {
    struct delivery *head;
    struct delivery *tail;
    size_t count;
};

static inline void delivery_queue_push(struct delivery_queue *queue,
                                       struct delivery *delivery)
{
    delivery->next = NULL;
    if (queue->tail)
        queue->tail->next = delivery;
    else
        queue->head = delivery;
    queue->tail = delivery;
    queue->count++;
}

static inline void delivery_queue_push_front(struct delivery_queue *queue,
                                             struct delivery *delivery)
{
    delivery->next = queue->head;
    queue->head = delivery;
    if (!queue->tail)
        queue->tail = delivery;
    queue->count++;
}

static inline struct delivery *delivery_queue_pop(struct delivery_queue *queue)
{
    struct delivery *delivery = queue->head;
    if (!delivery)
        return NULL;
    queue->head = delivery->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    delivery->next = NULL;
    return delivery;
}

/* delivery_queue_take: all of it; what was there before is empty then. */
static inline struct delivery_queue delivery_queue_take(struct delivery_queue *queue)
{
    struct delivery_queue all = *queue;
    *queue = (struct delivery_queue){0};
    return all;
}

#endif
