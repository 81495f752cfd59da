/* fcm_account: a Google service account, as its JSON file says it. */
#ifndef OUTBOX_FCM_ACCOUNT_H
#define OUTBOX_FCM_ACCOUNT_H

#include "base/error.h"
#include "outbox/wire/jwt.h"

struct fcm_account {
    char *project_id;
    char *client_email;
    char *private_key_id; /* "" when not given */
    char *token_uri;
    struct jwt_key *key;
};

/* fcm_account_parse: fcm_account_fini frees what it makes, also after an error.
 * Errors: ERROR_CONFIG says what is missing or wrong; never a secret. */
int fcm_account_parse(struct text json, struct fcm_account *out,
                      struct error *err) MUST_USE;
void fcm_account_fini(struct fcm_account *account);

#endif
