/* optout: see optout.h. The list is a table whose rows carry the number of their last
 * change, per account and rising, so that a running job asks for what is new by an index
 * range. Clearing an entry is a change as well; the row stays with mask 0. */
#include "engine/state/optout.h"

#include "base/clock.h"
#include "engine/state/address.h"
#include "engine/state/store_private.h"

#define VALUE_BYTES_MAX 255

static const struct {
    unsigned mask;
    const char *name;
} switches[] = {
    {OPTOUT_MARKETING_EMAIL, "marketing_email"},
    {OPTOUT_TRANSACTIONAL_EMAIL, "transactional_email"},
    {OPTOUT_MARKETING_SMS, "marketing_sms"},
    {OPTOUT_SMS, "sms"},
    {OPTOUT_NOTIFICATIONS, "notifications"},
    {OPTOUT_ALL, "all"},
};

static const char *const key_names[] = {
    [OPTOUT_CUSTOMER] = "customer",
    [OPTOUT_EMAIL] = "email",
    [OPTOUT_PHONE] = "phone",
};

const char *optout_switch_name(enum optout_switch one)
{
    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        if (switches[i].mask == (unsigned)one)
            return switches[i].name;
    }
    CHECK(!"optout_switch_name of no switch");
    return NULL;
}

unsigned optout_switch_parse(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        if (text_is(name, switches[i].name))
            return switches[i].mask;
    }
    return 0;
}

const char *optout_key_name(enum optout_key key)
{
    CHECK(key < OPTOUT_KEY_COUNT);
    return key_names[key];
}

unsigned optout_mask_for(enum channel channel, enum category category, bool single)
{
    if (single)
        return 0; /* R9 */
    /* A group's manual message is a one-off group message, which is marketing (R8). */
    bool marketing = category != CATEGORY_TRANSACTIONAL;
    switch (channel) {
    case CHANNEL_SMS:
        return marketing ? OPTOUT_SMS | OPTOUT_MARKETING_SMS : OPTOUT_SMS;
    case CHANNEL_EMAIL:
        return marketing ? OPTOUT_MARKETING_EMAIL | OPTOUT_NOTIFICATIONS
                         : OPTOUT_TRANSACTIONAL_EMAIL | OPTOUT_NOTIFICATIONS;
    default:
        return OPTOUT_NOTIFICATIONS;
    }
}

/* --- the list --- */

static int wrong_value(const struct optout *o, const char *wanted, struct error *err)
{
    return error_set(err, ERROR_INPUT, "\"%.*s\" is no %s",
                     (int)(o->value.bytes < 80 ? o->value.bytes : 80), o->value.data,
                     wanted);
}

/* normalise: the value as it is stored and hashed; buffer holds it when it has to change.
 */
static int normalise(const struct optout *o, char buffer[VALUE_BYTES_MAX],
                     struct text *out, struct error *err)
{
    CHECK(o->key < OPTOUT_KEY_COUNT && (o->mask & ~OPTOUT_ALL) == 0);
    if (o->mask == 0)
        return error_set(err, ERROR_INPUT,
                         "an opt-out needs at least one switch, or `all`");
    if (o->account.bytes == 0)
        return error_set(err, ERROR_INPUT, "an opt-out needs an account");
    *out = o->value;
    if (o->value.bytes == 0 || o->value.bytes > VALUE_BYTES_MAX ||
        !utf8_valid(o->value) || memchr(o->value.data, '\0', o->value.bytes))
        return error_set(err, ERROR_INPUT, "an opt-out's %s is 1 to %d bytes of text",
                         optout_key_name(o->key), VALUE_BYTES_MAX);
    if (o->key == OPTOUT_PHONE && !address_is_phone(o->value))
        return wrong_value(o, "phone number (write it like +391234567890)", err);
    if (o->key != OPTOUT_EMAIL)
        return 0;
    if (!address_is_email(o->value))
        return wrong_value(o, "email address", err);
    for (size_t i = 0; i < o->value.bytes; i++)
        buffer[i] = (char)(o->value.data[i] >= 'A' && o->value.data[i] <= 'Z'
                               ? o->value.data[i] | 0x20
                               : o->value.data[i]);
    out->data = buffer;
    return 0;
}

/* The next number of an account's changes; the index gives the largest at once. */
#define NEXT_SERIAL "(SELECT coalesce(max(serial), 0) + 1 FROM optout WHERE account = ?1)"

int optout_add(struct store *store, const struct optout *optout, struct error *err)
{
    char buffer[VALUE_BYTES_MAX];
    struct text value;
    int rc = normalise(optout, buffer, &value, err);
    if (rc)
        return rc;
    /* Setting what is set already changes nothing: the first reason and time stay. */
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT INTO optout (account, key, value, mask, reason, since_ns, serial)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, " NEXT_SERIAL ")"
        " ON CONFLICT (account, key, value) DO UPDATE SET mask = mask | excluded.mask,"
        " reason = excluded.reason, since_ns = excluded.since_ns,"
        " serial = excluded.serial WHERE mask | excluded.mask <> mask",
        "tititi", optout->account, (int64_t)optout->key, value, (int64_t)optout->mask,
        text_or_empty(optout->reason),
        optout->since_ns ? optout->since_ns : clock_now_ns());
    return store_run(store, insert, err);
}

int optout_remove(struct store *store, const struct optout *optout, struct error *err)
{
    char buffer[VALUE_BYTES_MAX];
    struct text value;
    int rc = normalise(optout, buffer, &value, err);
    if (rc)
        return rc;
    sqlite3_stmt *update = store_bind(
        store,
        "UPDATE optout SET mask = mask & ~?4, serial = " NEXT_SERIAL
        " WHERE account = ?1 AND key = ?2 AND value = ?3 AND mask & ?4",
        "titi", optout->account, (int64_t)optout->key, value, (int64_t)optout->mask);
    rc = store_run(store, update, err);
    return rc ? rc : store_changes(store) > 0;
}

int optout_each(struct store *store, struct text account,
                int (*fn)(void *arg, const struct optout *optout), void *arg,
                struct error *err)
{
    int rc;
    sqlite3_stmt *rows = store_bind(
        store,
        "SELECT account, key, value, mask, reason, since_ns FROM optout"
        " WHERE (?1 IS NULL OR account = ?1) AND mask <> 0 ORDER BY account, key, value",
        "t", account);
    while ((rc = store_step(store, rows, err)) == 1) {
        struct optout one = {store_column_view(rows, 0),
                             (enum optout_key)sqlite3_column_int(rows, 1),
                             store_column_view(rows, 2),
                             (unsigned)sqlite3_column_int(rows, 3) & OPTOUT_ALL,
                             store_column_view(rows, 4),
                             sqlite3_column_int64(rows, 5)};
        if (one.key >= OPTOUT_KEY_COUNT)
            rc = error_set(err, ERROR_IO,
                           "state.db: an opt-out has an unknown kind of key");
        else
            rc = fn(arg, &one);
        if (rc) {
            sqlite3_reset(rows);
            return rc;
        }
    }
    return rc;
}

int optout_begin(struct store *store, struct error *err)
{
    return store_begin(store, err);
}

int optout_commit(struct store *store, struct error *err)
{
    return store_end(store, 0, err);
}

void optout_rollback(struct store *store)
{
    int rc = store_end(store, -ERROR_INPUT, NULL);
    (void)rc; /* it is the caller's own */
}

int optout_changes(struct store *store, struct text account, int64_t *serial,
                   void (*fn)(void *arg, uint64_t hash, unsigned mask), void *arg,
                   struct error *err)
{
    int rc;
    sqlite3_stmt *rows = store_bind(store,
                                    "SELECT serial, key, value, mask FROM optout"
                                    " WHERE account = ? AND serial > ? ORDER BY serial",
                                    "ti", account, *serial);
    while ((rc = store_step(store, rows, err)) == 1) {
        *serial = sqlite3_column_int64(rows, 0);
        fn(arg,
           optout_hash((enum optout_key)sqlite3_column_int(rows, 1),
                       store_column_view(rows, 2)),
           (unsigned)sqlite3_column_int(rows, 3));
    }
    return rc;
}
