/* resend_results: which messages a resend is about, from results.arrow, for when the journal is damaged.
 * Private to job/. */
#ifndef ENGINE_RESEND_RESULTS_H
#define ENGINE_RESEND_RESULTS_H

#include "engine/config.h"
#include "engine/job/resend.h"

/* resend_results_read: as resend_read, of a job whose books are closed. Customers are found by their ids
 * in the frozen snapshot.
 * Errors: ERROR_INPUT when there are no results, or they do not fit the snapshot; ERROR_IO */
int resend_results_read(const char *dir, const struct config *config,
                        enum resend_only only, struct resend *out,
                        struct error *err) MUST_USE;

#endif
