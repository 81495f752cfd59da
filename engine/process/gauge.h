/* gauge: how fast a process sends, seen over the last two seconds: per provider and per
 * job, as the JSON of run/<pid>.json. One thread: the control thread. */
#ifndef ENGINE_GAUGE_H
#define ENGINE_GAUGE_H

#include "engine/jobs/run.h"

#include <jansson.h>

struct gauge;

struct gauge *gauge_create(void);
void gauge_destroy(struct gauge **gauge);

/* gauge_look: what keeps each provider back at this moment; ten times a second or so. */
void gauge_look(struct gauge *gauge, const struct dispatch *dispatch,
                const struct config *config);

/* gauge_report: {"cpu","io_cpu","providers":[…],"jobs":[…]}, and a point of measurement: call it
 * every 500 ms or so. Owns: the caller's. */
json_t *gauge_report(struct gauge *gauge, struct io_thread *io,
                     const struct config *config, struct run *const *runs, size_t count);

#endif
