/* optout: who must not get what (R5–R10): the list in state.db and its in-memory set. */
#ifndef ENGINE_OPTOUT_H
#define ENGINE_OPTOUT_H

#include "base/message.h"
#include "engine/state/store.h"

/* The four switches and notifications. A mask of them is set for a customer id, an email address
 * (compared without ASCII case) or a phone number (E.164). */
enum optout_switch {
    OPTOUT_MARKETING_EMAIL = 1,
    OPTOUT_TRANSACTIONAL_EMAIL = 2,
    OPTOUT_MARKETING_SMS = 4,
    OPTOUT_SMS = 8,
    OPTOUT_NOTIFICATIONS = 16,
};
#define OPTOUT_ALL 31u

enum optout_key { OPTOUT_CUSTOMER, OPTOUT_EMAIL, OPTOUT_PHONE, OPTOUT_KEY_COUNT };

const char *optout_switch_name(enum optout_switch one);
/* optout_switch_parse: one switch, or "all"; 0 for a name that is none. */
unsigned optout_switch_parse(struct text name);
const char *optout_key_name(enum optout_key key);

struct optout {
    struct text account;
    enum optout_key key;
    struct text value;
    unsigned mask;
    struct text reason; /* "staff", "stop", "unsubscribe", "import", … */
    int64_t since_ns;
};

/* optout_mask_for: which switches stop a message of this category on this channel. Manual messages
 * to a single customer are stopped by none (R9); pass single = true for those. */
unsigned optout_mask_for(enum channel channel, enum category category, bool single);

/* --- the list --- */
int optout_add(struct store *store, const struct optout *optout,
               struct error *err) MUST_USE;
/* optout_remove: clear the mask's switches; 1 when something was set, 0 when not. */
int optout_remove(struct store *store, const struct optout *optout,
                  struct error *err) MUST_USE;
/* optout_each: fn for each entry of an account (TEXT_NONE: all accounts); a non-zero return ends. */
int optout_each(struct store *store, struct text account,
                int (*fn)(void *arg, const struct optout *optout), void *arg,
                struct error *err) MUST_USE;
/* optout_begin/commit: many adds in one transaction. optout_rollback: forget them instead. */
int optout_begin(struct store *store, struct error *err) MUST_USE;
int optout_commit(struct store *store, struct error *err) MUST_USE;
void optout_rollback(struct store *store);

/* --- the set: one account's list, hashed, for the select pass --- */
struct optout_set;

/* optout_set_load: serial_out says up to which change the set is current. */
int optout_set_load(struct store *store, struct text account, struct optout_set **out,
                    int64_t *serial_out, struct error *err) MUST_USE;
void optout_set_destroy(struct optout_set **set);

/* optout_set_create, optout_set_insert: a set made by hand, of any hashes and masks that are not 0
 * (dead.h); entries is how many there will be at most. */
int optout_set_create(size_t entries, struct optout_set **out,
                      struct error *err) MUST_USE;
void optout_set_insert(struct optout_set *set, uint64_t hash, unsigned mask);
size_t optout_set_count(const struct optout_set *set);

/* optout_hash: the key of a value; optout_set_masks: masks_out[i] = the switches set for hashes[i].
 * Shapes: rows <= CHUNK_ROWS_MAX. Prefetches ahead. Threads: the set is shared read-only. */
uint64_t optout_hash(enum optout_key key, struct text value);
void optout_set_masks(const struct optout_set *set, const uint64_t *hashes, size_t rows,
                      uint8_t *masks_out);
unsigned optout_set_mask(const struct optout_set *set, uint64_t hash);

/* optout_changes: what was set or cleared after serial: fn(hash, mask) for each with the mask it
 * has now (0: cleared); moves *serial. */
int optout_changes(struct store *store, struct text account, int64_t *serial,
                   void (*fn)(void *arg, uint64_t hash, unsigned mask), void *arg,
                   struct error *err) MUST_USE;

#endif
