/* route: which provider of a channel's route a delivery goes to. Pure. */
#ifndef OUTBOX_ROUTE_H
#define OUTBOX_ROUTE_H

#include "outbox/dispatch/dispatch.h"

#include <stddef.h>
#include <stdint.h>

/* A message that was put off so often by one provider goes to the next one of its route. */
#define ROUTE_DEFERRALS 3

enum route_state {
    ROUTE_USABLE,
    ROUTE_BROKEN,  /* its breaker is open; it may come back */
    ROUTE_STOPPED, /* it refused our credentials; it does not come back */
};

/* route_choose: a usable provider of the first tier that has one, by weight and the message's
 * id: the same message gets the same provider as long as that is usable. turn: so many of
 * its choices have put it off and are skipped, in a circle. Without a usable one, one that
 * may come back; without that, -1.
 * Shapes: route[count].provider are indexes into states; count <= 64 */
int route_choose(const struct route_entry *route, size_t count,
                 const enum route_state *states, struct hash128 id, unsigned turn);

/* route_turn: how many providers have put a message off before this attempt (from 1). */
unsigned route_turn(unsigned attempt);

#endif
