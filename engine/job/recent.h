/* recent: how many marketing messages customers got lately, over all jobs of their account; for the
 * frequency cap. What the other jobs' journals say counts: sent, perhaps sent, and planned. */
#ifndef ENGINE_RECENT_H
#define ENGINE_RECENT_H

#include "engine/config.h"
#include "engine/job/resend.h"
#include "engine/state/store.h"

/* One word per customer: the hash without its low bits, which hold the count. 0: free. */
#define RECENT_COUNT_BITS 5
#define RECENT_COUNT_MAX  ((1u << RECENT_COUNT_BITS) - 1)

struct recent {
    uint64_t *slots; /* [capacity], at most 3/4 full */
    size_t count, capacity;
};

/* Who asks, and what it sends again: a message that may have arrived is no reason not to send that
 * very message once more. */
struct recent_asks {
    struct text account, job;
    const struct resend *resend; /* NULL: nothing */
    struct text *resent;         /* [resent_count]: the jobs that have tried it before */
    size_t resent_count;
};

/* recent_load: of the account's marketing jobs that started within the configured window, without
 * the one that asks. A job whose folder retention has removed counts no more.
 * Shapes: 16 bytes per customer who got any, at most
 * Errors: ERROR_IO, ERROR_INPUT for a damaged journal, named */
int recent_load(struct store *store, const struct config *config,
                const struct recent_asks *asks, int64_t now_ns, struct recent **out,
                struct error *err) MUST_USE;
void recent_free(struct recent **recent);

/* recent_add: one message more for a customer, by optout_hash of the id. */
void recent_add(struct recent *recent, uint64_t hash);
/* recent_of: how many; RECENT_COUNT_MAX stands for more as well. */
unsigned recent_of(const struct recent *recent, uint64_t hash);

#endif
