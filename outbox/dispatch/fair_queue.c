/* fair_queue: see fair_queue.h. */
#include "outbox/dispatch/fair_queue.h"

#include "base/error.h"

#include <stdlib.h>

/* What a class gets when all have work. */
static const double weights[PRIORITY_COUNT] = {
    [PRIORITY_HIGH] = 64, [PRIORITY_NORMAL] = 8, [PRIORITY_LOW] = 1};

/* --- who is in it --- */

static struct fair_account *account_of(struct fair_queue *queue,
                                       const struct delivery_source *source)
{
    struct fair_class *class = &queue->classes[source->priority];
    struct fair_account *account = class->accounts;
    while (account && account->account != source->account)
        account = account->next;
    if (account)
        return account;
    account = calloc(1, sizeof(*account));
    CHECK(account);
    if (!class->accounts && class->pass < queue->now)
        class->pass = queue->now;
    *account = (struct fair_account){
        .account = source->account, .pass = class->now, .next = class->accounts};
    class->accounts = account;
    return account;
}

static struct fair_share *share_of(struct fair_queue *queue,
                                   const struct delivery_source *source)
{
    if (queue->last && queue->last->source == source)
        return queue->last;
    struct fair_account *account = account_of(queue, source);
    struct fair_share *share = account->shares;
    while (share && share->source != source)
        share = share->next;
    if (!share) {
        share = calloc(1, sizeof(*share));
        CHECK(share);
        *share = (struct fair_share){.source = source,
                                     .pass = account->now,
                                     .account = account,
                                     .next = account->shares};
        account->shares = share;
    }
    queue->last = share;
    return share;
}

/* drop: a share that has nothing left, and its account when that has no other. */
static void drop(struct fair_queue *queue, struct fair_share *share)
{
    struct fair_account *account = share->account;
    struct fair_share **at = &account->shares;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    if (queue->last == share)
        queue->last = NULL;
    if (!account->shares) {
        struct fair_account **a = &queue->classes[share->source->priority].accounts;
        while (*a != account)
            a = &(*a)->next;
        *a = account->next;
        free(account);
    }
    free(share);
}

/* --- whose turn it is --- */

static struct fair_class *next_class(struct fair_queue *queue)
{
    struct fair_class *least = NULL;
    for (size_t i = 0; i < PRIORITY_COUNT; i++) {
        struct fair_class *class = &queue->classes[i];
        if (class->accounts && (!least || class->pass < least->pass))
            least = class;
    }
    return least;
}

static struct fair_account *next_account(const struct fair_class *class)
{
    struct fair_account *least = class->accounts;
    for (struct fair_account *a = least->next; a; a = a->next) {
        if (a->pass < least->pass)
            least = a;
    }
    return least;
}

static struct fair_share *next_share(const struct fair_account *account)
{
    struct fair_share *least = account->shares;
    for (struct fair_share *s = least->next; s; s = s->next) {
        if (s->pass < least->pass)
            least = s;
    }
    return least;
}

/* cut_front: the first deliveries of a queue, in order. */
static struct delivery_queue cut_front(struct delivery_queue *queue, size_t most)
{
    if (queue->count <= most)
        return delivery_queue_take(queue);
    struct delivery_queue cut = {.head = queue->head, .tail = queue->head, .count = 1};
    for (; cut.count < most; cut.count++)
        cut.tail = cut.tail->next;
    queue->head = cut.tail->next;
    queue->count -= cut.count;
    cut.tail->next = NULL;
    return cut;
}

/* --- the door --- */

void fair_queue_push(struct fair_queue *queue, struct delivery *delivery)
{
    delivery_queue_push(&share_of(queue, delivery->source)->queue, delivery);
    queue->count++;
}

struct delivery_queue fair_queue_cut(struct fair_queue *queue, size_t most)
{
    struct fair_class *class = next_class(queue);
    if (!class)
        return (struct delivery_queue){0};
    struct fair_account *account = next_account(class);
    struct fair_share *share = next_share(account);
    queue->now = class->pass;
    class->now = account->pass;
    account->now = share->pass;
    struct delivery_queue cut = cut_front(&share->queue, most);
    queue->count -= cut.count;
    class->pass += (double)cut.count / weights[class - queue->classes];
    account->pass += (double)cut.count;
    share->pass += (double)cut.count;
    if (share->queue.count == 0)
        drop(queue, share);
    return cut;
}

static void append(struct delivery_queue *queue, struct delivery_queue more)
{
    if (queue->tail)
        queue->tail->next = more.head;
    else
        queue->head = more.head;
    queue->tail = more.tail;
    queue->count += more.count;
}

struct delivery_queue fair_queue_take(struct fair_queue *queue,
                                      const struct delivery_source *source)
{
    struct delivery_queue taken = {0};
    for (size_t i = 0; i < PRIORITY_COUNT; i++) {
        struct fair_account *next_account_of;
        for (struct fair_account *a = queue->classes[i].accounts; a;
             a = next_account_of) {
            struct fair_share *next;
            next_account_of = a->next;
            for (struct fair_share *s = a->shares; s; s = next) {
                next = s->next; /* drop frees the account only with its last share */
                if (source && s->source != source)
                    continue;
                append(&taken, s->queue);
                drop(queue, s);
            }
        }
    }
    queue->count -= taken.count;
    return taken;
}
