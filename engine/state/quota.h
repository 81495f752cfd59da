/* quota: an account's SMS segments of a month: tier, packs, and what jobs use of them.
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
    uint64_t used;          /* incl. what running jobs have planned */
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

/* What one job uses of its account's month. */
struct quota_job;

/* quota_job_open: the account must have been put. config and account are not kept: the tier is
 * frozen, packs bought later count. already_used is what the job's journal says it has planned so far. */
int quota_job_open(struct store *store, const struct config *config,
                   const struct account *account, struct text job, int64_t now_ns,
                   uint64_t already_used, struct quota_job **out,
                   struct error *err) MUST_USE;

/* quota_job_begin: what the account has left; until quota_job_end no other job of any process takes
 * of it. Without an error quota_job_end must follow, soon: state.db is locked.
 * quota_job_end: the job takes so many of them, and that is durable.
 * Threads: one at a time, the store's thread. */
int quota_job_begin(struct quota_job *job, uint64_t *left_out,
                    struct error *err) MUST_USE;
int quota_job_end(struct quota_job *job, uint64_t segments, struct error *err) MUST_USE;

/* quota_job_refund: segments taken for messages that were not sent after all; recorded by
 * quota_job_close. */
void quota_job_refund(struct quota_job *job, uint64_t segments);
int quota_job_close(struct quota_job **job, struct error *err) MUST_USE;

#endif
