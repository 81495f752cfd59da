/* store_schema: the tables of state.db as a list of migrations. PRAGMA user_version is
 * how many of them a database has had; a change of the schema is a new entry at the end.
 */
#include "engine/state/store_schema.h"

const char *const store_migrations[] = {
    /* 1 */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE account ("
    "  id TEXT PRIMARY KEY, name TEXT NOT NULL, owner_email TEXT NOT NULL,"
    "  locale TEXT NOT NULL, timezone TEXT NOT NULL, tier TEXT NOT NULL,"
    "  email_from TEXT NOT NULL, sms_from TEXT NOT NULL, upgrade_url TEXT NOT NULL,"
    "  support_contact TEXT NOT NULL, marketing_suite INTEGER NOT NULL,"
    "  blocked INTEGER NOT NULL DEFAULT 0, exception INTEGER NOT NULL DEFAULT 0,"
    "  blocked_reason TEXT NOT NULL DEFAULT ''"
    ") STRICT, WITHOUT ROWID;"

    /* A month's tier is the largest it was charged against; NULL until SMS are sent in
       it. */
    "CREATE TABLE month ("
    "  account TEXT NOT NULL REFERENCES account (id), month TEXT NOT NULL,"
    "  tier_segments INTEGER, pack_segments INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (account, month)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE usage ("
    "  account TEXT NOT NULL REFERENCES account (id), month TEXT NOT NULL,"
    "  job TEXT NOT NULL, used INTEGER NOT NULL, reserved INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (account, month, job)"
    ") STRICT, WITHOUT ROWID;"

    /* An entry whose switches were all cleared stays with mask 0: its serial tells
       running jobs. */
    "CREATE TABLE optout ("
    "  account TEXT NOT NULL, key INTEGER NOT NULL, value TEXT NOT NULL,"
    "  mask INTEGER NOT NULL, reason TEXT NOT NULL, since_ns INTEGER NOT NULL,"
    "  serial INTEGER NOT NULL, PRIMARY KEY (account, key, value)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX optout_serial ON optout (account, serial);"

    "CREATE TABLE job ("
    "  id TEXT PRIMARY KEY, account TEXT NOT NULL, category TEXT NOT NULL,"
    "  source TEXT NOT NULL, template TEXT NOT NULL, reason TEXT NOT NULL,"
    "  spool_name TEXT NOT NULL, state INTEGER NOT NULL, control INTEGER NOT NULL,"
    "  created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL,"
    "  finished_ns INTEGER NOT NULL, send_at_ns INTEGER NOT NULL, pid INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX job_created ON job (created_ns);"

    "CREATE TABLE audience ("
    "  name TEXT PRIMARY KEY, expression TEXT NOT NULL, changed_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE notice ("
    "  account TEXT NOT NULL, month TEXT NOT NULL, limit_segments INTEGER NOT NULL,"
    "  job TEXT NOT NULL, PRIMARY KEY (account, month, limit_segments)"
    ") STRICT, WITHOUT ROWID;",

    /* 2: addresses that providers found dead. One that a person revived stays with dead 0. */
    "CREATE TABLE dead_address ("
    "  account TEXT NOT NULL, channel INTEGER NOT NULL, address TEXT NOT NULL,"
    "  reason TEXT NOT NULL, provider TEXT NOT NULL, since_ns INTEGER NOT NULL,"
    "  dead INTEGER NOT NULL, PRIMARY KEY (account, channel, address)"
    ") STRICT, WITHOUT ROWID;",

    /* 3: enum priority, for jobs of before as job files without the key have it; and the
       wishes that the daemon looks for, without reading thousands of jobs. */
    "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;"
    "UPDATE job SET priority = 0 WHERE category <> 'marketing';"
    "CREATE INDEX job_wish ON job (control) WHERE control <> 0;",

    /* 4: what a job file said, to tell the same job dropped again from another one. */
    "ALTER TABLE job ADD COLUMN content_hash INTEGER NOT NULL DEFAULT 0;",

    /* 5: usage is what messages have been planned with, never a reserve; */
    "UPDATE usage SET used = used + reserved; ALTER TABLE usage DROP COLUMN reserved;"
    /* and each marketing job asks for those before it, */
    "CREATE INDEX job_started ON job (account, started_ns);"
    /* and the daemon looks twice a second who is blocked. */
    "CREATE INDEX account_blocked ON account (id) WHERE blocked;",
};
const int store_migration_count = sizeof(store_migrations) / sizeof(store_migrations[0]);
