/* why_waits: why a job that is not over does not go on, as far as it shows from outside. */
#ifndef CLI_WHY_WAITS_H
#define CLI_WHY_WAITS_H

#include "engine/state/store.h"

#define WHY_WAITS_BYTES 160

/* why_waits: what was recorded with the job; else, for one that waits or whose process is gone, who or what
 * it waits for; "" for the others. served: a daemon serves the home. The answer may be in `out`. */
struct text why_waits(const char *home, const struct store_job *job, bool served,
                      char out[WHY_WAITS_BYTES]);

#endif
