/* opening: may a message go out now, or when: by the job's hours on its customer's clock, and by
 * the job's end. For one thread, which asks for each message. */
#ifndef ENGINE_OPENING_H
#define ENGINE_OPENING_H

#include "engine/job/job.h"

struct opening;

/* opening_create:
 * Owns: the caller destroys; the job is borrowed. NULL: the job's messages may go at any time. */
struct opening *opening_create(const struct job *job);
void opening_destroy(struct opening **opening);

/* opening_zone: the number of a row's zone. */
uint16_t opening_zone(struct opening *opening, const struct chunk *chunk, uint32_t row);

/* opening_wait_ns: 0: it may go now; HOURS_NEVER: not before the job expires; else when it may.
 * Units: calendar */
int64_t opening_wait_ns(struct opening *opening, uint16_t zone, int64_t now_ns);

#endif
