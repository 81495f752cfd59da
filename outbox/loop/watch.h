/* watch: what the loop on epoll knows about descriptors, and the lists of operations that wait
 * for them. Private to loop_epoll.c. */
#ifndef OUTBOX_LOOP_WATCH_H
#define OUTBOX_LOOP_WATCH_H

#include "outbox/loop/loop_backend.h"

struct op_list {
    struct loop_op *first;
    struct loop_op *last;
};

static inline void op_list_push(struct op_list *list, struct loop_op *op)
{
    op->next = NULL;
    if (list->first)
        list->last->next = op;
    else
        list->first = op;
    list->last = op;
}

static inline void op_list_remove(struct op_list *list, struct loop_op *op)
{
    struct loop_op **at = &list->first, *before = NULL;
    while (*at && *at != op) {
        before = *at;
        at = &before->next;
    }
    CHECK(*at == op);
    *at = op->next;
    if (list->last == op)
        list->last = before;
}

/* What is known about a descriptor. */
struct watch {
    struct loop_op *reader; /* accept or recv */
    struct op_list writers; /* connect, send: in order */
    struct op_list polls;
    uint32_t generation; /* tells events of an earlier descriptor of this number */
    bool registered;
    bool readable, writable; /* as far as we know */
    bool peer_done;          /* end of stream or an error: read until recv says so */
    bool waits_turn;         /* is in `turns` */
};

struct watches {
    int epoll_fd;
    struct watch *by_fd;
    size_t count;
};

int watches_init(struct watches *watches); /* 0 or -errno */
void watches_fini(struct watches *watches);

/* watch_of: valid until another descriptor is asked for. */
struct watch *watch_of(struct watches *watches, int fd);

/* watch_register: make epoll watch fd; renew also makes it report what is ready already.
 * Returns 0 or -errno. */
int watch_register(struct watches *watches, int fd, bool renew);

/* watch_is_new: nothing is known about a descriptor that accept or connect brings, even if one
 * of its number was closed behind our back. */
void watch_is_new(struct watches *watches, int fd);

/* watch_forget: fd is about to be closed, and nothing waits for it. */
void watch_forget(struct watches *watches, int fd);

#endif
