/* journal_resume: where writing starts: in a new journal, or behind the last frame of one
 * that is ours. */
#ifndef OUTBOX_JOURNAL_RESUME_H
#define OUTBOX_JOURNAL_RESUME_H

#include "outbox/journal/journal.h"
#include "outbox/journal/journal_file.h"

/* journal_resume: leaves `file` (locked, nothing open) ready for the frame behind
 * *sequence_out; all before it is durable.
 * Errors: as journal_open. */
int journal_resume(struct journal_file *file, const struct journal_header *header,
                   uint64_t *sequence_out, struct error *err) MUST_USE;

#endif
