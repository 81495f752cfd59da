/* route: see route.h. */
#include "outbox/dispatch/route.h"

int route_choose(const struct route_entry *route, size_t count,
                 const enum route_state *states)
{
    int waiting = -1;
    for (size_t i = 0; i < count; i++) {
        if (states[route[i].provider] == ROUTE_USABLE)
            return route[i].provider;
        if (states[route[i].provider] == ROUTE_BROKEN && waiting < 0)
            waiting = route[i].provider;
    }
    return waiting;
}
