/* resend: what another job left undone, as a job of its own. Which rows and channels those are is
 * read from that job's journal, which no longer changes; so the same command again names the same
 * messages, and under the same job id they go out once. */
#ifndef ENGINE_RESEND_H
#define ENGINE_RESEND_H

#include "base/buffer.h"
#include "engine/config.h"
#include "ingest/job_file.h"

struct resend {
    uint64_t rows;
    uint64_t *wanted[CHANNEL_COUNT]; /* bitmaps by row; NULL: none on this channel */
    uint64_t counts[CHANNEL_COUNT];
};

/* resend_read: the messages of the job whose folder is dir that ended as `only` says. Where the journal is
 * damaged and the books are closed, results.arrow is enough; that is logged.
 * Errors: ERROR_INPUT when its books are not closed; those of replay_read */
int resend_read(const char *dir, const struct config *config, enum resend_only only,
                struct resend **out, struct error *err) MUST_USE;
void resend_free(struct resend **resend);

/* resend_job: the job file that sends them: the one of the job whose folder is dir, under the id
 * <id>.resend-<only>, with its frozen template and snapshot, without its times and on the channels
 * that have some; new_text: with the template as it is now. Returns how many messages it wants, or negative. */
int64_t resend_job(const char *dir, const struct config *config, struct text id,
                   enum resend_only only, bool new_text, struct buffer *content_out,
                   struct error *err) MUST_USE;

/* resend_lacked_quota: it got no message because the allowance was used up. resend_wants: what became of a
 * message is what `only` says; none was planned of RESEND_QUOTA. resend_add: it is one of them. */
bool resend_lacked_quota(enum disposition disposition);
bool resend_wants(enum disposition disposition, enum outcome outcome,
                  enum resend_only only);
void resend_add(struct resend *resend, int channel, uint64_t row);

#endif
