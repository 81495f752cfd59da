/* account: the sending business. */
#ifndef ENGINE_ACCOUNT_H
#define ENGINE_ACCOUNT_H

#include "engine/state/store.h"

struct account {
    struct text id, name, owner_email, locale, timezone, tier;
    struct text email_from; /* "Name <address>" or an address */
    struct text sms_from, upgrade_url, support_contact;
    bool marketing_suite;
    bool blocked;   /* by protection (R20) or staff */
    bool exception; /* staff let it send although protection says no */
    struct text blocked_reason;
};

/* account_parse: the JSON of `account put` (DESIGN 4.8); texts in arena.
 * Errors: ERROR_INPUT with line and key: unknown key with the nearest one, wrong type,
 *          bad time zone, bad address. */
int account_parse(struct text json, const char *name, struct arena *arena,
                  struct account *out, struct error *err) MUST_USE;
/* account_put: insert or change; blocked, exception and the reason stay as account_block left them. */
int account_put(struct store *store, const struct account *account,
                struct error *err) MUST_USE;
/* account_get: 1, 0 or negative. */
int account_get(struct store *store, struct text id, struct arena *arena,
                struct account *out, struct error *err) MUST_USE;
int account_list(struct store *store, struct arena *arena, struct account **out,
                 size_t *count_out, struct error *err) MUST_USE;
/* account_block: block, or unblock, which is the exception of R20 and may be given in advance.
 * Errors: ERROR_INPUT for an unknown account, with the nearest one. */
int account_block(struct store *store, struct text id, bool blocked, struct text reason,
                  struct error *err) MUST_USE;

/* account_blocked: 1 when it is blocked, with the sentence that says so; 0, also for an unknown one;
 * or negative. account_blocked_sentence: that sentence. */
#define ACCOUNT_BLOCKED_BYTES 256
int account_blocked(struct store *store, struct text id, char out[ACCOUNT_BLOCKED_BYTES],
                    struct error *err) MUST_USE;
void account_blocked_sentence(const struct account *account,
                              char out[ACCOUNT_BLOCKED_BYTES]);
/* account_list_blocked: the ids of all blocked ones, in arena. */
int account_list_blocked(struct store *store, struct arena *arena, struct text **out,
                         size_t *count_out, struct error *err) MUST_USE;

#endif
