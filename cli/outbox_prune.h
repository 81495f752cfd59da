/* outbox_prune: `volley outbox prune`. */
#ifndef CLI_OUTBOX_PRUNE_H
#define CLI_OUTBOX_PRUNE_H

#include "cli/verb.h"

/* outbox_prune: returns the exit status. */
int outbox_prune(struct verb_context *context);

#endif
