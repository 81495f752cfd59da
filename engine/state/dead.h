/* dead: addresses that a provider said do not exist, per account: skipped from then on, until a
 * person revives them. */
#ifndef ENGINE_DEAD_H
#define ENGINE_DEAD_H

#include "base/message.h"
#include "engine/state/optout.h"

struct dead_address {
    struct text account;
    enum channel channel; /* sms, email or push */
    struct text address;
    struct text reason;   /* the provider's words, or a person's */
    struct text provider; /* who said so; "" when it was a person */
    int64_t since_ns;     /* calendar */
};

/* dead_can: the channel has addresses that can die; what inapp has is the account's own. */
static inline bool dead_can(enum channel channel)
{
    return channel == CHANNEL_SMS || channel == CHANNEL_EMAIL || channel == CHANNEL_PUSH;
}

/* dead_add: nothing changes when it is dead already, or was revived after since_ns.
 * Errors: ERROR_INPUT for what is no address of the channel */
int dead_add(struct store *store, const struct dead_address *dead,
             struct error *err) MUST_USE;
/* dead_add_all: all or none, in one transaction; what is no address is left out. */
int dead_add_all(struct store *store, const struct dead_address *dead, size_t count,
                 struct error *err) MUST_USE;
/* dead_revive: 1 when it was dead, 0 when not. */
int dead_revive(struct store *store, const struct dead_address *dead,
                struct error *err) MUST_USE;
/* dead_each: fn for each of an account (TEXT_NONE: all accounts); a non-zero return ends. */
int dead_each(struct store *store, struct text account,
              int (*fn)(void *arg, const struct dead_address *dead), void *arg,
              struct error *err) MUST_USE;

/* dead_hash: an address as the set knows it; an email's case does not matter. */
uint64_t dead_hash(enum channel channel, struct text address);

/* dead_set_load: one account's dead addresses; the mask of a hash has a bit per enum channel. */
int dead_set_load(struct store *store, struct text account, struct optout_set **out,
                  struct error *err) MUST_USE;

#endif
