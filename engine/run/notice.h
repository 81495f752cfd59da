/* notice: the one email that tells an account's owner that the SMS segments are used up
 * (R17). */
#ifndef ENGINE_NOTICE_H
#define ENGINE_NOTICE_H

#include "engine/job/job.h"
#include "engine/pipeline/batch.h"
#include "engine/state/quota.h"
#include "outbox/journal/replay.h"

/* notice_make: a batch with the notice as its only message, when this job is the one to
 * send it. Returns 1 and the batch (the caller destroys it), 0 when it has been sent,
 * belongs to another job or cannot be (no owner_email, no email route: logged), negative
 * on error. */
int notice_make(struct store *store, const struct job *job, const struct quota *quota,
                const struct replay *replay, struct batch **out,
                struct error *err) MUST_USE;

#endif
