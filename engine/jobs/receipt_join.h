/* receipt_join: receipts to the messages of one job. */
#ifndef ENGINE_RECEIPT_JOIN_H
#define ENGINE_RECEIPT_JOIN_H

#include "engine/config.h"
#include "engine/jobs/receipt_table.h"
#include "engine/state/store.h"

struct receipt_effects {
    uint64_t matched, changed, dead, opted_out;
};

/* receipt_join: what of the table is about messages of the job is written to its folder; whoever
 * bounced is marked dead, whoever complained is opted out of the job's kind of messages on that channel.
 * Durable when it returns, and may be repeated after a crash. A job without results.arrow has nothing to
 * join. Adds to effects.
 * Errors: ERROR_INPUT for damaged results, ERROR_IO */
int receipt_join(const char *home, const struct config *config, struct store *store,
                 const struct store_job *job, struct receipt_table *table,
                 struct receipt_effects *effects, struct error *err) MUST_USE;

#endif
