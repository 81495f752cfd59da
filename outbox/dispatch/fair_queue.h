/* fair_queue: planned deliveries of many sources, and whose turn it is.
 *
 * Urgent sources before others, but not only: a class gets its weight as long as it has work, so a
 * steady stream of transactional mail slows a campaign down and does not stop it. Within a class
 * every account gets the same, within an account every source, whatever their number and size.
 * Stride scheduling (Waldspurger and Weihl, 1995): each carries a pass that grows by what it took,
 * divided by its weight; the least one is next. Who comes back after a rest starts where the others
 * are, and has neither saved up nor lost anything. */
#ifndef OUTBOX_FAIR_QUEUE_H
#define OUTBOX_FAIR_QUEUE_H

#include "outbox/dispatch/delivery_queue.h"

/* What waits of one source. */
struct fair_share {
    const struct delivery_source *source;
    struct delivery_queue queue;
    double pass;
    struct fair_account *account;
    struct fair_share *next;
};

struct fair_account {
    uint64_t account;
    double pass;
    double now; /* of its shares */
    struct fair_share *shares;
    struct fair_account *next;
};

struct fair_class {
    double pass;
    double now; /* of its accounts */
    struct fair_account *accounts;
};

/* Only who has something waiting is in it; zeros are an empty one. */
struct fair_queue {
    struct fair_class classes[PRIORITY_COUNT];
    double now; /* of the classes */
    size_t count;
    struct fair_share *last; /* pushed to: a list is of one source */
};

void fair_queue_push(struct fair_queue *queue, struct delivery *delivery);

/* fair_queue_cut: up to most (at least 1) deliveries of the source whose turn it is, in their order;
 * empty when nothing waits. */
struct delivery_queue fair_queue_cut(struct fair_queue *queue, size_t most);

/* fair_queue_take: all that waits of a source, NULL: of every one. */
struct delivery_queue fair_queue_take(struct fair_queue *queue,
                                      const struct delivery_source *source);

#endif
