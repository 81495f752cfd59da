/* reached: whom a job's messages went to, or will go to: a word per customer. Two files of a job's
 * folder hold one, both for the frequency cap of the account's other jobs: `planned.customers`, made
 * before it starts, and `reached.customers`, made of the closed journal by the first job that asks. They
 * can be made again, so they are not synced, and a damaged one is as good as none. */
#ifndef ENGINE_REACHED_H
#define ENGINE_REACHED_H

#include "engine/config.h"
#include "engine/job/resend.h"

#define REACHED_PLANNED "planned.customers"
#define REACHED_ENDED   "reached.customers"

/* A word: the hash of the customer's id (optout_hash) without its low bits, which hold how many
 * messages there are; that many stands for more as well. */
#define REACHED_COUNT_BITS 8
#define REACHED_COUNT_MAX  ((1u << REACHED_COUNT_BITS) - 1)

struct reached {
    uint64_t *words; /* [count] */
    size_t count, capacity;
};

void reached_add(struct reached *reached, uint64_t hash, unsigned messages);
void reached_fini(struct reached *reached);

/* reached_write: Errors: ERROR_IO */
int reached_write(const char *path, const struct reached *reached,
                  struct error *err) MUST_USE;
/* reached_read: false when there is no such file or it is not whole. */
bool reached_read(const char *path, struct reached *out);

/* reached_of_journal: what the journal in dir says went out, may have gone out or is planned; of the
 * messages that `again` (NULL: all) wants.
 * Owns:   reached_fini frees out, also after an error
 * Errors: those of replay_read and of the snapshot beside it */
int reached_of_journal(const char *dir, const struct config *config,
                       const struct resend *again, struct reached *out,
                       struct error *err) MUST_USE;
/* reached_of_snapshot: one message for everybody in it. */
int reached_of_snapshot(const char *dir, const struct config *config, struct reached *out,
                        struct error *err) MUST_USE;

#endif
