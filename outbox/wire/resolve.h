/* resolve: the addresses of a host, asked for on a thread of its own, for the resolver makes its caller
 * wait. */
#ifndef OUTBOX_RESOLVE_H
#define OUTBOX_RESOLVE_H

#include "outbox/loop/loop.h"
#include "outbox/wire/remote.h"

struct resolve;

/* resolve_start: fill in the addresses of remote, a copy of which fn gets from the loop; err: NULL, or why
 * there are none. fn comes exactly once, unless it
 * is abandoned. */
struct resolve *resolve_start(struct loop *loop, const struct remote *remote,
                              void (*fn)(void *arg, const struct remote *remote,
                                         const struct error *err),
                              void *arg);

/* resolve_abandon: fn need not come. Returns true when it will not; false when the loop has it already, and
 * it comes with the next round. */
bool resolve_abandon(struct resolve **resolve);

/* resolve_destroy: with a loop that does not run any more. */
void resolve_destroy(struct resolve **resolve);

#endif
