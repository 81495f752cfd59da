/* compose: the texts of a batch's messages, and the deliveries that carry them. */
#ifndef ENGINE_COMPOSE_H
#define ENGINE_COMPOSE_H

#include "engine/job/job.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/spread.h"

struct compose;

/* compose_create: scratch memory of one worker thread. */
struct compose *compose_create(const struct job *job);
void compose_destroy(struct compose **compose);

/* compose_spread: from now on a message that was never tried is not made before its slot. */
void compose_spread(struct compose *compose, const struct spread *spread);

/* compose_sms: render the SMS of every row still to be sent and count its segments, which
 * the meter needs; a text that is empty or over Twilio's 1600 characters changes the
 * row's disposition. */
void compose_sms(struct compose *compose, struct batch *batch);

/* compose_batch: make batch->outgoing: one delivery for each disposition that sends; or an entry in
 * batch->put_off where it may not go out yet.
 * Errors: ERROR_INPUT when the batch's texts need more than BATCH_ARENA_BYTES. */
int compose_batch(struct compose *compose, struct batch *batch,
                  struct error *err) MUST_USE;

/* compose_one: the same for one message again (after a wait or a crash), whose chunk is in
 * batch->chunk. */
int compose_one(struct compose *compose, struct batch *batch, const struct redo *redo,
                struct error *err) MUST_USE;

/* compose_parts: set d->mail to the mail's parts, for providers that compose it themselves: views, but
 * for a name or subject that has line breaks.
 * Owns: what mail points to stays as long as the arena's content */
struct mime_mail;
void compose_parts(const struct mime_mail *mail, struct arena *arena, struct delivery *d);

/* compose_reserve: room for count messages before compose_one. */
int compose_reserve(struct batch *batch, size_t count, struct error *err) MUST_USE;

/* What one customer would get on a channel, for `preview`. TEXT_NONE: the channel has no
 * such part. */
struct compose_preview {
    struct text address, language, subject, text, html, mail;
};
void compose_preview(struct compose *compose, struct batch *batch, uint32_t row,
                     enum channel channel, struct compose_preview *out);

#endif
