/* change: what of a provider may change while it runs. Pure. */
#ifndef OUTBOX_CHANGE_H
#define OUTBOX_CHANGE_H

#include "outbox/dispatch/provider.h"

/* change_check: limits, retries, timeouts and domains may differ, nothing else.
 * Errors: ERROR_CONFIG names the first key that needs a restart, and what is wrong with the domains. */
int change_check(const struct provider_config *from, const struct provider_config *to,
                 struct error *err) MUST_USE;

#endif
