/* route: which provider of a channel's list a delivery goes to. Pure. */
#ifndef OUTBOX_ROUTE_H
#define OUTBOX_ROUTE_H

#include "outbox/dispatch/dispatch.h"

#include <stddef.h>
#include <stdint.h>

enum route_state {
    ROUTE_USABLE,
    ROUTE_BROKEN,  /* its breaker is open; it may come back */
    ROUTE_STOPPED, /* it refused our credentials; it does not come back */
};

/* route_choose: the first usable provider of the list, else the first that may come
 * back, else -1.
 * Shapes: route[count].provider are indexes into states */
int route_choose(const struct route_entry *route, size_t count,
                 const enum route_state *states);

#endif
