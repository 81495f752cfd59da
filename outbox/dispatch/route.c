/* route: see route.h. */
#include "outbox/dispatch/route.h"

int route_choose(const uint8_t *route, size_t count, const enum route_state *states)
{
    int waiting = -1;
    for (size_t i = 0; i < count; i++) {
        if (states[route[i]] == ROUTE_USABLE)
            return route[i];
        if (states[route[i]] == ROUTE_BROKEN && waiting < 0)
            waiting = route[i];
    }
    return waiting;
}
