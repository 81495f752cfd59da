/* preview: what one customer would get of a job, on each channel. */
#ifndef ENGINE_PREVIEW_H
#define ENGINE_PREVIEW_H

#include "engine/job/job.h"
#include "engine/pipeline/compose.h"
#include "render/sms.h"

struct preview_channel {
    bool used;                    /* by the job */
    enum disposition disposition; /* SEND, or why not; of the select stage */
    struct compose_preview texts;
    struct sms_size size; /* sms */
};

struct preview {
    bool matched; /* the customer is in the audience */
    struct preview_channel channels[CHANNEL_COUNT];
};

/* preview_make: fn gets the preview while its texts are valid.
 * Errors: ERROR_INPUT when the snapshot has no such customer. */
int preview_make(const struct job *job, struct text customer,
                 void (*fn)(void *arg, const struct preview *preview), void *arg,
                 struct error *err) MUST_USE;

#endif
