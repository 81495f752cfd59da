/* waits: how many messages of a job would have to wait for their customers' hours, and until when. */
#ifndef ENGINE_WAITS_H
#define ENGINE_WAITS_H

#include "engine/job/opening.h"
#include "engine/pipeline/batch.h"

/* Some forty offsets from UTC are in use; what opens even later is counted with the last. */
#define WAITS_MAX 64

struct waits {
    struct waits_time {
        int64_t until_ns; /* calendar */
        uint64_t messages[CHANNEL_COUNT];
    } times[WAITS_MAX]; /* by time */
    size_t count;
    uint64_t expired[CHANNEL_COUNT];     /* their hours begin after the job's end */
    uint64_t zone_missing, zone_unknown; /* customers in the audience */
    char unknown[48];                    /* such a zone's name */
};

/* waits_add_batch: what would be sent of a batch whose dispositions are settled, if it began now. */
void waits_add_batch(struct waits *waits, struct opening *opening, const struct job *job,
                     const struct batch *batch, int64_t now_ns);
/* waits_add: what another thread has counted. */
void waits_add(struct waits *waits, const struct waits *other);

#endif
