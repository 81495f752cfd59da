/* receipt_drop: receipts through the spool: files that other systems rename into spool/receipts are
 * joined to their messages by a thread of the daemon's. */
#ifndef ENGINE_RECEIPT_DROP_H
#define ENGINE_RECEIPT_DROP_H

#include "base/error.h"
#include "engine/config.h"

struct receipt_drop;

/* receipt_drop_start: look for files from now on.
 * Errors: ERROR_IO, and those of store_open */
int receipt_drop_start(const char *home, const struct config *config,
                       struct receipt_drop **out, struct error *err) MUST_USE;
/* receipt_drop_configure: from now on with this one, which lives as long. */
void receipt_drop_configure(struct receipt_drop *drop, const struct config *config);
/* receipt_drop_stop: what is being read is read again at the next start. */
void receipt_drop_stop(struct receipt_drop **drop);

#endif
