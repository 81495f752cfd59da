/* dead: see dead.h. A revived address keeps its row: what an interrupted job's journal says of the
 * time before must not kill it again. */
#include "engine/state/dead.h"

#include "base/clock.h"
#include "engine/state/address.h"
#include "engine/state/store_private.h"

/* Longer than any push token: FCM's have some 200 bytes, web push subscriptions some 500. */
#define ADDRESS_BYTES_MAX 4096

static int refuse(struct text address, const char *wanted, struct error *err)
{
    return error_set(err, ERROR_INPUT, "\"%.*s\" is no %s",
                     (int)(address.bytes < 80 ? address.bytes : 80), address.data,
                     wanted);
}

static int check(const struct dead_address *dead, struct error *err)
{
    struct text address = dead->address;
    CHECK(dead_can(dead->channel));
    if (dead->account.bytes == 0)
        return error_set(err, ERROR_INPUT, "a dead address needs an account");
    if (dead->channel == CHANNEL_SMS && !address_is_phone(address))
        return refuse(address, "phone number (write it like +391234567890)", err);
    if (dead->channel == CHANNEL_EMAIL &&
        (address.bytes > ADDRESS_EMAIL_BYTES_MAX || !address_is_email(address)))
        return refuse(address, "email address", err);
    if (address.bytes == 0 || address.bytes > ADDRESS_BYTES_MAX || !utf8_valid(address) ||
        memchr(address.data, '\0', address.bytes))
        return refuse(address, "push token", err);
    return 0;
}

/* stored: the address as it stands in the table: emails in lower case. */
static struct text stored(const struct dead_address *dead,
                          char buffer[ADDRESS_EMAIL_BYTES_MAX])
{
    struct text address = dead->address;
    if (dead->channel != CHANNEL_EMAIL)
        return address;
    for (size_t i = 0; i < address.bytes; i++) {
        char c = address.data[i];
        buffer[i] = (char)(c | (c >= 'A' && c <= 'Z') << 5);
    }
    return (struct text){buffer, address.bytes};
}

int dead_add(struct store *store, const struct dead_address *dead, struct error *err)
{
    char buffer[ADDRESS_EMAIL_BYTES_MAX];
    int rc = check(dead, err);
    if (rc)
        return rc;
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT INTO dead_address (account, channel, address, reason, provider, "
        "since_ns, dead)"
        " VALUES (?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT (account, channel, address) DO UPDATE SET dead = 1,"
        " reason = excluded.reason, provider = excluded.provider,"
        " since_ns = excluded.since_ns WHERE dead = 0 AND excluded.since_ns > since_ns",
        "tittti", dead->account, (int64_t)dead->channel, stored(dead, buffer),
        text_or_empty(dead->reason), text_or_empty(dead->provider), dead->since_ns);
    return store_run(store, insert, err);
}

int dead_add_all(struct store *store, const struct dead_address *dead, size_t count,
                 struct error *err)
{
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (check(&dead[i], NULL) == 0)
            rc = dead_add(store, &dead[i], err);
    }
    return store_end(store, rc, err);
}

int dead_revive(struct store *store, const struct dead_address *dead, struct error *err)
{
    char buffer[ADDRESS_EMAIL_BYTES_MAX];
    int rc = check(dead, err);
    if (rc)
        return rc;
    sqlite3_stmt *update =
        store_bind(store,
                   "UPDATE dead_address SET dead = 0, since_ns = ?"
                   " WHERE account = ? AND channel = ? AND address = ? AND dead = 1",
                   "itit", clock_now_ns(), dead->account, (int64_t)dead->channel,
                   stored(dead, buffer));
    rc = store_run(store, update, err);
    return rc ? rc : store_changes(store) > 0;
}

int dead_each(struct store *store, struct text account,
              int (*fn)(void *arg, const struct dead_address *dead), void *arg,
              struct error *err)
{
    int rc;
    sqlite3_stmt *rows = store_bind(
        store,
        "SELECT account, channel, address, reason, provider, since_ns FROM dead_address"
        " WHERE (?1 IS NULL OR account = ?1) AND dead = 1"
        " ORDER BY account, channel, address",
        "t", account);
    while ((rc = store_step(store, rows, err)) == 1) {
        struct dead_address one = {
            store_column_view(rows, 0), (enum channel)sqlite3_column_int(rows, 1),
            store_column_view(rows, 2), store_column_view(rows, 3),
            store_column_view(rows, 4), sqlite3_column_int64(rows, 5)};
        if (!dead_can(one.channel))
            rc = error_set(err, ERROR_IO,
                           "state.db: a dead address has an unknown channel");
        else
            rc = fn(arg, &one);
        if (rc) {
            sqlite3_reset(rows);
            return rc;
        }
    }
    return rc;
}

/* --- the set --- */

uint64_t dead_hash(enum channel channel, struct text address)
{
    return channel == CHANNEL_EMAIL ? optout_hash(OPTOUT_EMAIL, address)
                                    : hash64_seeded(address.data, address.bytes, channel);
}

static int insert(void *arg, const struct dead_address *dead)
{
    optout_set_insert(arg, dead_hash(dead->channel, dead->address), 1u << dead->channel);
    return 0;
}

static int load(struct store *store, struct text account, struct optout_set **out,
                struct error *err)
{
    sqlite3_stmt *head = store_bind(
        store, "SELECT count(*) FROM dead_address WHERE account = ?", "t", account);
    int rc = store_step(store, head, err);
    if (rc < 0)
        return rc;
    CHECK(rc == 1);
    size_t entries = (size_t)sqlite3_column_int64(head, 0);
    sqlite3_reset(head);
    rc = optout_set_create(entries, out, err);
    if (rc == 0)
        rc = dead_each(store, account, insert, *out, err);
    if (rc)
        optout_set_destroy(out);
    return rc;
}

int dead_set_load(struct store *store, struct text account, struct optout_set **out,
                  struct error *err)
{
    *out = NULL;
    int rc = store_begin_read(store, err); /* count and rows from one moment */
    if (rc)
        return rc;
    return store_end(store, load(store, account, out, err), err);
}
