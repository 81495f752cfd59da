/* process_gauge: how fast a process sends, seen over the last two seconds: per provider and per
 * job, as the JSON of run/<pid>.json. One thread: the control thread. */
#ifndef ENGINE_PROCESS_GAUGE_H
#define ENGINE_PROCESS_GAUGE_H

#include "engine/run/run.h"

#include <jansson.h>

struct process_gauge;

struct process_gauge *process_gauge_create(void);
void process_gauge_destroy(struct process_gauge **gauge);

/* process_gauge_look: what keeps each provider back at this moment; ten times a second or so. */
void process_gauge_look(struct process_gauge *gauge, const struct dispatch *dispatch,
                        const struct config *config);

/* process_gauge_report: {"cpu","io_cpu","providers":[…],"jobs":[…]}, and a point of measurement: call it
 * every 500 ms or so. Owns: the caller's. */
json_t *process_gauge_report(struct process_gauge *gauge, struct io_thread *io,
                             const struct config *config, struct run *const *runs,
                             size_t count);

#endif
