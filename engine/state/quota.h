/* quota: an account's SMS segments of a month: tier, packs, usage; reserved in blocks by jobs.
 *
 * Usage is one row per account, month and job, so that recovery can set it to what the job's
 * journal says without counting twice. A pack covers what the tier does not, over months, until it
 * is used up. */
#ifndef ENGINE_QUOTA_H
#define ENGINE_QUOTA_H

#include "base/tzif.h"
#include "engine/config.h"
#include "engine/state/account.h"

struct quota {
    char month[8]; /* "2026-11", in the account's time zone */
    uint64_t tier_segments;
    uint64_t pack_segments; /* left at the start of the month's overflow */
    uint64_t limit;         /* tier + packs */
    uint64_t used;          /* incl. what running jobs have reserved */
    bool has_sms;           /* a tier or a pack (R19) */
};

/* quota_read: at now_ns.
 * Errors: ERROR_CONFIG when the account's tier is not in volley.yaml. */
int quota_read(struct store *store, const struct config *config,
               const struct account *account, int64_t now_ns, struct quota *out,
               struct error *err) MUST_USE;
int quota_add_pack(struct store *store, struct text account, uint64_t segments,
                   struct error *err) MUST_USE;
/* quota_add_usage: segments used outside jobs (inbound messages, calls). */
int quota_add_usage(struct store *store, const struct account *account, int64_t now_ns,
                    uint64_t segments, struct text what, struct error *err) MUST_USE;

/* A lease takes segments for one job, some thousands at a time. */
struct quota_lease;

/* quota_lease_open: the account must have been put. config and account are not kept: the tier is
 * frozen, packs bought later count. already_used is what the job's journal says it has planned so far. */
int quota_lease_open(struct store *store, const struct config *config,
                     const struct account *account, struct text job, int64_t now_ns,
                     uint64_t already_used, struct quota_lease **out,
                     struct error *err) MUST_USE;

/* quota_grant: 1 granted, 0 does not fit (and from then on always 0: R17), negative on
 * error. Touches the database once a block, not per call.
 * Threads: one at a time, the store's thread. */
int quota_grant(struct quota_lease *lease, uint64_t segments, struct error *err) MUST_USE;

/* quota_lease_close: give back what was reserved and not granted. */
int quota_lease_close(struct quota_lease **lease, struct error *err) MUST_USE;

/* quota_lease_refund: granted segments that were not sent after all. */
void quota_lease_refund(struct quota_lease *lease, uint64_t segments);

#endif
