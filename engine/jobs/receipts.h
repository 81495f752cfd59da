/* receipts: what providers say later, joined to the messages of jobs that are over. */
#ifndef ENGINE_RECEIPTS_H
#define ENGINE_RECEIPTS_H

#include "engine/config.h"
#include "engine/state/store.h"
#include "ingest/receipt.h"

struct receipts_counts {
    uint64_t read;    /* receipts, with those that waited */
    uint64_t matched; /* that found their message */
    uint64_t changed; /* messages of which something new is known */
    uint64_t waiting; /* for a job that is not over, or another home's */
    uint64_t dropped; /* that waited too long */
    uint64_t dead, opted_out;
};

struct receipts;

/* receipts_open: begins with what an earlier import left waiting.
 * Errors: ERROR_AGAIN while another process imports, ERROR_IO */
int receipts_open(const char *home, const struct config *config, struct store *store,
                  struct receipts **out, struct error *err) MUST_USE;
/* receipts_arena: where the next receipt's texts are to be; emptied by receipts_add now and then. */
struct arena *receipts_arena(struct receipts *receipts);
/* receipts_add: takes it; the texts are the arena's. */
int receipts_add(struct receipts *receipts, const struct receipt *receipt,
                 struct error *err) MUST_USE;
/* receipts_settle: join what was added when there is much of it, or with all true in any case. */
int receipts_settle(struct receipts *receipts, bool all, struct error *err) MUST_USE;
/* receipts_close: everything is durable, or with commit false may be read again.
 * Owns: *receipts is destroyed in every case */
int receipts_close(struct receipts **receipts, bool commit,
                   struct receipts_counts *counts_out, struct error *err) MUST_USE;

#endif
