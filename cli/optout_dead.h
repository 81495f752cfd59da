/* optout_dead: `volley optout … --dead`: addresses that providers found dead. */
#ifndef CLI_OPTOUT_DEAD_H
#define CLI_OPTOUT_DEAD_H

#include "cli/verb.h"

/* optout_dead: add, remove or list; the verb's options are read from the context.
 * Errors: ERROR_USAGE, those of dead.h */
int optout_dead(struct verb_context *context, struct store *store, const char *action,
                struct error *err) MUST_USE;

#endif
