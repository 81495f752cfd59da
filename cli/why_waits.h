/* why_waits: why a job that is not over does not go on, as far as it shows from outside. */
#ifndef CLI_WHY_WAITS_H
#define CLI_WHY_WAITS_H

#include "engine/state/account.h"

#define WHY_WAITS_BYTES ACCOUNT_BLOCKED_BYTES

/* why_waits: that its account is blocked; else what was recorded with the job; else, for one that waits or whose process is gone, who or what
 * it waits for; "" for the others. served: a daemon serves the home. The answer may be in `out`. */
struct text why_waits(const char *home, struct store *store, const struct store_job *job,
                      bool served, char out[WHY_WAITS_BYTES]);

#endif
