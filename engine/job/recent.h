/* recent: how many marketing messages customers got lately, over all jobs of their account; for the
 * frequency cap. Of a job that is over counts what was sent or may have been, of another one all that
 * it planned when it started. */
#ifndef ENGINE_RECENT_H
#define ENGINE_RECENT_H

#include "engine/config.h"
#include "engine/job/resend.h"
#include "engine/state/store.h"

struct recent;

/* Who asks, and what it sends again: a message that may have arrived is no reason not to send that
 * very message once more. */
struct recent_asks {
    struct text account, job;
    const struct resend *resend; /* NULL: nothing */
    struct text *resent;         /* [resent_count]: the jobs that have tried it before */
    size_t resent_count;
    /* Told of each job that cannot be counted exactly, because its files are damaged. */
    void (*warn)(void *arg, const char *sentence);
    void *arg;
};

/* recent_load: of the account's marketing jobs that started within the configured window, without
 * the one that asks. A job whose folder is gone counts no more. What was read is kept for the next job
 * of the account that this process starts.
 * Shapes:  16 bytes per customer who got any, at most
 * Errors:  ERROR_IO
 * Threads: any; those who ask for one account wait for each other */
int recent_load(struct store *store, const struct config *config,
                const struct recent_asks *asks, int64_t now_ns, struct recent **out,
                struct error *err) MUST_USE;
void recent_free(struct recent **recent);

/* recent_of: how many, by optout_hash of the customer's id; 255 stands for more as well.
 * Threads: any */
unsigned recent_of(const struct recent *recent, uint64_t hash);

#endif
